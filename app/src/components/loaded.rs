//! Waits for what a page fetches, keeps the old view while a newer answer is on its way, and says what went wrong.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;

use super::section::PageHead;
use crate::{AppError, shell::SiteResource};

/// Draws `children` with the value of `from` once it is there. Inside, the page's `Site` is in context.
#[component]
pub fn Loaded<T, C, V>(from: Resource<Result<T, AppError>>, children: C) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    C: Fn(T) -> V + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let site = expect_context::<SiteResource>();
    let children = Arc::new(children);
    // Held on to: where one `Loaded` is within another, the outer one may let go of `from` while this is still drawn.
    let from = ArcResource::from(from);
    view! {
        <Transition fallback=|| view! { <p class="muted">"One moment…"</p> }>
            {move || {
                let children = Arc::clone(&children);
                let (site, from) = (site.0.into_future(), from.clone().into_future());
                Suspend::new(async move {
                    match (site.await, from.await) {
                        (Ok(site), Ok(value)) => {
                            provide_context(site);
                            children(value).into_any()
                        }
                        (Err(error), _) | (_, Err(error)) => view! { <Failure error/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

/// A page's place taken by the reason it could not be drawn; the response carries the matching status.
#[component]
pub fn Failure(error: AppError) -> impl IntoView {
    let (status, kicker, title) = match &error {
        AppError::NotFound(_) => (404, "Not found", "There is nothing at this address"),
        AppError::Refused(_) => (400, "Not possible", "That cannot be done"),
        AppError::SignIn => (401, "Sign in", "This is only for its author"),
        AppError::Internal(_) => (500, "Our fault", "Something went wrong here"),
        AppError::Network(_) => (502, "Out of reach", "The bridge did not answer"),
    };
    answer_with(status);
    view! {
        <Title text=title/>
        <PageHead kicker title>
            <p class="lede">{error.to_string()}</p>
            <p><a href="/">"Back to what is being decided"</a></p>
        </PageHead>
    }
}

#[cfg(feature = "ssr")]
fn answer_with(status: u16) {
    if let (Some(response), Ok(status)) = (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status)) {
        response.set_status(status);
    }
}

#[cfg(not(feature = "ssr"))]
fn answer_with(_status: u16) {}
