//! An address that leads nowhere.

use leptos::prelude::*;

use crate::{AppError, components::Failure};

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <Failure error=AppError::NotFound("This page".into())/> }
}
