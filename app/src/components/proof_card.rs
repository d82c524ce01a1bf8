//! Ids and hashes with what each is for, so that a reader knows what to compare with what.

use leptos::prelude::*;

use super::address::Hash;

/// One value that can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofLine {
    pub label: String,
    pub value: String,
}

impl ProofLine {
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into() }
    }
}

/// A titled set of values; children say how to check them, or offer to.
#[component]
pub fn ProofCard(#[prop(into)] title: String, lines: Vec<ProofLine>, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let lines: Vec<_> = lines
        .into_iter()
        .filter(|line| !line.value.is_empty())
        .map(|line| view! { <div><dt>{line.label}</dt><dd><Hash value=line.value/></dd></div> })
        .collect();
    view! {
        <div class="proof">
            <h3>{title}</h3>
            <dl>{lines}</dl>
            {children.map(|children| children())}
        </div>
    }
}
