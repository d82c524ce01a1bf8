//! The engine's pictures: framed prints, and the same seed before and after a change.

use leptos::prelude::*;

use crate::views::{Gallery, GalleryPair};

/// One framed picture. Pictures are always referred to, never written into the page.
#[component]
pub fn Print(#[prop(into)] src: String, #[prop(into)] alt: String, #[prop(optional)] eager: bool) -> impl IntoView {
    view! {
        <span class="print">
            <img src=src alt=alt width="1000" height="1000" loading=if eager { "eager" } else { "lazy" } decoding="async"/>
        </span>
    }
}

/// The same seeds under both parameter sets: side by side, or laid over one another once the page is awake.
#[component]
pub fn BeforeAfter(gallery: Gallery) -> impl IntoView {
    let same = gallery.same;
    let pairs: Vec<_> = gallery.pairs.into_iter().enumerate().map(|(index, pair)| view! { <li><Pair index pair same/></li> }).collect();
    view! {
        {same.then(|| view! { <p class="note">"The pictures stay exactly as they are: nothing that would change draws them."</p> })}
        <ul class=if same { "walls" } else { "gallery" }>{pairs}</ul>
    }
}

#[component]
fn Pair(index: usize, pair: GalleryPair, same: bool) -> impl IntoView {
    let laid_over = RwSignal::new(false);
    let edge = RwSignal::new(50.0_f64);
    let GalleryPair { label, before, after } = pair;
    if same {
        return view! {
            <figure>
                <Print src=before alt=label.clone()/>
                <figcaption>{label}</figcaption>
            </figure>
        }
        .into_any();
    }
    let caption = label.clone();
    let pictures = move || {
        if laid_over.get() {
            view! { <Overlay index label=label.clone() before=before.clone() after=after.clone() edge/> }.into_any()
        } else {
            view! {
                <div class="compare">
                    <div>
                        <span class="compare-label">"Now"</span>
                        <Print src=before.clone() alt=format!("{label}, as it is now")/>
                    </div>
                    <div>
                        <span class="compare-label">"After"</span>
                        <Print src=after.clone() alt=format!("{label}, after the change")/>
                    </div>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <figure>
            {pictures}
            <figcaption>
                <span>{caption}</span>
                <button
                    class="button button-quiet button-small needs-js"
                    type="button"
                    aria-pressed=move || laid_over.get().to_string()
                    on:click=move |_| laid_over.update(|on| *on = !*on)
                >
                    "Lay over one another"
                </button>
            </figcaption>
        </figure>
    }
    .into_any()
}

/// Both pictures in one frame with an edge that moves by pointer or arrow keys.
#[component]
fn Overlay(index: usize, label: String, before: String, after: String, edge: RwSignal<f64>) -> impl IntoView {
    let clip = format!("edge-{index}");
    let clip_path = format!("url(#{clip})");
    let line = move || format!("{:.1}", edge.get() * 10.0);
    view! {
        <div class="compare-overlay">
            <span class="print">
                <svg viewBox="0 0 1000 1000" role="img" aria-label=format!("{label}: now on the left of the edge, after the change on its right")>
                    <clipPath id=clip>
                        <rect x=line y="0" width="1000" height="1000"/>
                    </clipPath>
                    <image href=before width="1000" height="1000"/>
                    <image href=after width="1000" height="1000" clip-path=clip_path/>
                    <line class="compare-edge" x1=line x2=line y1="0" y2="1000"/>
                </svg>
            </span>
            <label class="field">
                <span class="compare-label">"Now ⟷ after"</span>
                <input
                    type="range"
                    min="0"
                    max="100"
                    step="1"
                    prop:value=move || edge.get().to_string()
                    on:input=move |event| edge.set(event_target_value(&event).parse().unwrap_or(50.0))
                />
            </label>
        </div>
    }
}
