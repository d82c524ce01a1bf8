//! What is in force: the engines, and every parameter of each.

mod engine;
mod list;

pub use engine::EnginePage;
pub use list::ParametersPage;
