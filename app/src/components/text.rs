//! Text by others, rendered without trusting it.

use leptos::prelude::*;

use crate::markdown;

#[component]
pub fn Markdown(#[prop(into)] text: String) -> impl IntoView {
    let rendered = markdown::render(&text);
    view! {
        <div class="markdown" inner_html=rendered.html></div>
        {rendered.cut.then(|| view! { <p class="markdown-cut">"The text is longer than what is shown here; the proposal's ids cover all of it."</p> })}
    }
}
