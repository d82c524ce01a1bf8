//! How far each contribution sways when the inputs are a little off.

use governance::explanation::stability::{Band, Stability as Found};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{percent, signed},
    scale::Scale,
    svg::{Anchor, Layout, Svg},
    table::{Cell, Table},
    text::{counted, listed, width},
};

const DRAWN: usize = 14;

/// The bands of one decision; `unit` is the model output's.
#[derive(Clone, Copy, Debug)]
pub struct StabilityPlot<'a> {
    pub found: &'a Found,
    pub unit: &'a str,
}

fn between(band: &Band) -> String {
    format!("{}, between {} and {}", signed(band.attribution), signed(band.low), signed(band.high))
}

impl StabilityPlot<'_> {
    fn bands(&self) -> &[Band] {
        &self.found.bands[..self.found.bands.len().min(DRAWN)]
    }

    fn of_trials(&self, count: u32) -> String {
        if self.found.trials == 0 { "none".into() } else { percent(f64::from(count) / f64::from(self.found.trials)) }
    }
}

impl Plot for StabilityPlot<'_> {
    fn id(&self) -> String {
        "stability".into()
    }

    fn title(&self) -> String {
        "If the inputs were a little off".into()
    }

    fn caption(&self) -> String {
        let found = self.found;
        let more = match found.bands.len().saturating_sub(DRAWN) {
            0 => String::new(),
            more => format!(" {} more are in the table.", counted(more, "input")),
        };
        format!(
            "{} noisy copies of the inputs, each off by up to {} of its range: {} gave the same value, {} the same direction, {} the same main reason. \
             The dot is the contribution, the band holds 90% of the copies.{more}",
            found.trials,
            percent(found.noise),
            self.of_trials(found.same_value),
            self.of_trials(found.same_direction),
            self.of_trials(found.same_main_reason)
        )
    }

    fn words(&self) -> String {
        let said: Vec<String> = self.bands().iter().map(|band| format!("{} {}", band.label, between(band))).collect();
        format!(
            "Recommended values between {} and {}. Contributions in {}: {}.",
            self.found.lowest,
            self.found.highest,
            self.unit,
            listed(&said)
        )
    }

    fn draw(&self, layout: Layout) -> Svg {
        let bands = self.bands();
        let heights: Vec<f64> = bands.iter().map(|band| axis::row_height(layout, axis::LABELS, &band.label, "")).collect();
        let below = heights.iter().sum::<f64>() + 4.0;
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let room = bands.iter().map(|band| width(&signed(band.attribution), axis::SIZE)).fold(40.0, f64::max) + 16.0;
        let values = bands.iter().flat_map(|band| [band.attribution, band.low, band.high]).chain([0.0]);
        let scale = Scale::over(values, layout.pick(axis::LABELS + 22.0, 8.0), layout.width - room).roomy(0.02);
        axis::bottom(&mut svg, scale, (0.0, below), &format!("contribution, {}", self.unit));
        let zero = scale.place(0.0);
        svg.line("zero", (zero, 0.0), (zero, below));
        let mut y = 2.0;
        for (band, height) in bands.iter().zip(heights) {
            let middle = axis::row_middle(layout, y, height);
            let top = y;
            let words = format!("{}: {}", band.label, between(band));
            svg.mark(&words, |svg| {
                svg.ground(-6.0, top, layout.width + 12.0, height);
                axis::row_label(svg, layout, (top, height), axis::LABELS, &band.label, "");
                let after = if band.low.is_finite() && band.high.is_finite() {
                    let (low, high) = (scale.place(band.low.min(band.high)), scale.place(band.low.max(band.high)));
                    svg.rect("band", low, middle - 6.0, (high - low).max(1.0), 12.0);
                    svg.line("cap", (low, middle - 8.0), (low, middle + 8.0));
                    svg.line("cap", (high, middle - 8.0), (high, middle + 8.0));
                    high
                } else {
                    scale.place(band.attribution)
                };
                if !band.attribution.is_nan() {
                    svg.circle("dot here", (scale.place(band.attribution), middle), 4.0);
                }
                let after = after.max(scale.place(band.attribution));
                svg.text("strong", (after + 9.0, middle + 4.5), Anchor::Start, &signed(band.attribution));
            });
            y += height;
        }
        svg
    }

    fn table(&self) -> Table {
        let rows =
            self.found.bands.iter().map(|band| {
                vec![Cell::words(&band.label), Cell::signed(band.attribution), Cell::signed(band.low), Cell::signed(band.high)]
            });
        let caption = format!("Contributions over {} noisy copies, seed {}", self.found.trials, self.found.seed);
        Table::new(caption, &["Input", "Contribution", "5% below", "5% above"]).with(rows)
    }
}

/// Contributions with the bands they stay in under noise.
#[component]
pub fn Stability(
    found: Found,
    /// Of the model's output.
    #[prop(into)]
    unit: String,
    #[prop(optional_no_strip, into)] export: Option<String>,
) -> impl IntoView {
    figure(&StabilityPlot { found: &found, unit: &unit }, Frame { export, ..Frame::default() })
}
