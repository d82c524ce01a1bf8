//! What people see: pages, components and server functions, rendered on the server and hydrated in the browser.
//!
//! Pages fetch and arrange, components draw the values they receive, `api` crosses to the server. Rules live in
//! `governance`, everything that happens lives in `server`; neither databases nor nodes are known here.

#![recursion_limit = "512"]

pub mod api;
#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod browser;
pub mod components;
mod error;
pub mod log_filter;
pub mod markdown;
pub mod pages;
pub mod plots;
pub mod shell;
pub mod views;

pub use error::AppError;

/// Wakes the page the server rendered; called once, by the script in the page's head. `data-hydrated` on the document
/// tells styles and tests that it is awake.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(shell::App);
}
