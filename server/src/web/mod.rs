//! HTTP: the app's pages, the REST API, OFREP and flagd for engines, the log's tiles, sign-in, and what the devnet adds.

mod audit;
mod auth;
mod backend;
mod decisions;
mod devnet;
mod events;
mod feeds;
pub mod log_entries;
mod log_tiles;
mod ofrep;
mod plots;
mod problem;
mod render;
mod rest;
mod router;

pub use backend::Pages;
pub use problem::Problem;
pub use router::{Web, router};
