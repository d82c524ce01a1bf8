//! Tideline, the collective's procedural engine: a seed and a look become a print.
//!
//! The seed decides the composition and the look how it is drawn, so the same
//! seed under two looks can be held side by side. All drawing is integer
//! arithmetic over numbers taken from the seed: every platform writes the same
//! bytes. Reading parameters over the network, choosing seeds and rasterising
//! belong to others.
//!
//! [`render`] draws, [`traits`] names what is drawn, [`Look::from_flags`] reads
//! the ratified values.

mod chance;
mod draw;
mod look;
mod palette;
mod path;
mod scene;
mod sea;
#[cfg(test)]
mod tests;

pub use look::{INSCRIPTION_LIMIT, LAYERS, Look, LookError, MOON_LIMIT, SWELL_LIMIT};
pub use palette::{Colour, Palette};

use scene::Scene;

/// Draws the print of a seed as a self-contained SVG document.
pub fn render(seed: [u8; 32], look: &Look) -> String {
    let look = look.within_range();
    draw::draw(&seed, &look, &Scene::compose(&seed, &look))
}

/// What a collector would say of the print: trait names and values, in a fixed order.
pub fn traits(seed: [u8; 32], look: &Look) -> Vec<(String, String)> {
    let look = look.within_range();
    Scene::compose(&seed, &look).traits(&look)
}
