//! The engines that this DAO governs.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api,
    components::{EmptyState, Loaded, Moment, PageHead},
    shell::{self, SiteResource},
};

#[component]
pub fn ParametersPage() -> impl IntoView {
    let site = expect_context::<SiteResource>().0;
    view! {
        <Title text="Parameters"/>
        <PageHead kicker="What is in force" title="Engines and their parameters">
            <p class="lede">"An engine makes images from a handful of values. The collective decides each of them, within limits it also decided."</p>
        </PageHead>
        <Loaded from=site let:site>
            {if site.dao.engines.is_empty() {
                view! { <EmptyState title="No engine is governed here yet."/> }.into_any()
            } else {
                let cards: Vec<_> = site.dao.engines.iter().cloned().map(|engine| view! { <EngineCard engine/> }).collect();
                view! { <div class="grid grid-wide">{cards}</div> }.into_any()
            }}
        </Loaded>
    }
}

#[component]
fn EngineCard(engine: String) -> impl IntoView {
    let live = shell::live();
    let engine = Resource::new(move || (engine.clone(), live.get()), |(engine, _)| api::engine(engine));
    view! {
        <Loaded from=engine let:engine>
            <article class="card">
                <p class="kicker">{engine.id.clone()}</p>
                <h3><a href=format!("/parameters/{}", engine.id)>{engine.name.clone()}</a></h3>
                <p>{engine.status_sentence.clone()}</p>
                <p class="meta push">
                    <span>{format!("{} parameters", engine.parameters.len())}</span>
                    <span>{format!("revision {}", engine.ratified.revision)}</span>
                    <span>"changed "<Moment at=engine.ratified.at brief=true/></span>
                </p>
            </article>
        </Loaded>
    }
}
