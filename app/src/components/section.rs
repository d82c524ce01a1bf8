//! The frame of a page: its head, its sections with their titles in the margin, and folds for what few readers need.

use leptos::prelude::*;

/// Kicker, title and whatever introduces the page.
#[component]
pub fn PageHead(#[prop(into)] kicker: String, #[prop(into)] title: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    view! {
        <header class="page-head">
            <p class="kicker">{kicker}</p>
            <h1>{title}</h1>
            {children.map(|children| children())}
        </header>
    }
}

/// A titled part of a page. `id` is its anchor.
#[component]
pub fn Section(
    #[prop(into)] id: String,
    #[prop(into)] title: String,
    /// A sentence under the title, for whoever meets this for the first time.
    #[prop(optional, into)]
    note: String,
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-title");
    let labelled_by = heading.clone();
    view! {
        <section class="section" id=id aria-labelledby=labelled_by>
            <div class="section-head">
                <h2 id=heading>{title}</h2>
                {(!note.is_empty()).then(|| view! { <p>{note}</p> })}
            </div>
            <div class="section-body">{children()}</div>
        </section>
    }
}

/// Nothing to list, and what would put something here.
#[component]
pub fn EmptyState(#[prop(into)] title: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    view! {
        <div class="empty">
            <p>{title}</p>
            {children.map(|children| children())}
        </div>
    }
}

/// Details that open on request, also without JavaScript.
#[component]
pub fn Fold(#[prop(into)] summary: String, children: Children) -> impl IntoView {
    view! {
        <details class="fold">
            <summary>{summary}</summary>
            <div class="stack stack-tight">{children()}</div>
        </details>
    }
}
