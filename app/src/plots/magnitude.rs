//! Which inputs weigh most over all decisions: a bar per input.

use governance::explanation::overview::Overview;
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{number, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Svg},
    table::{Cell, Table},
    text::{counted, listed, width},
};

/// Inputs beyond these are left to the table.
pub const DRAWN: usize = 14;

#[derive(Clone, Copy, Debug)]
pub struct MagnitudePlot<'a>(pub &'a Overview);

/// What a plot of the first inputs adds where there are more.
pub fn and_others(overview: &Overview, drawn: usize) -> String {
    match overview.inputs.len().saturating_sub(drawn) {
        0 => String::new(),
        left => format!(" {} with less weight are in the table.", counted(left, "input")),
    }
}

impl Plot for MagnitudePlot<'_> {
    fn id(&self) -> String {
        "magnitude".into()
    }

    fn title(&self) -> String {
        "What weighs most".into()
    }

    fn caption(&self) -> String {
        let decisions = counted(self.0.decisions.len(), "decision");
        format!("How far each input moved the answer on average over {decisions}, whichever way.{}", and_others(self.0, DRAWN))
    }

    fn words(&self) -> String {
        let said: Vec<String> =
            self.0.inputs.iter().take(DRAWN).map(|input| format!("{} {}", input.label, number(input.mean_magnitude))).collect();
        format!("Mean size of the contributions, in {}: {}.", self.0.unit, listed(&said))
    }

    fn draw(&self, layout: Layout) -> Svg {
        let inputs = &self.0.inputs[..self.0.inputs.len().min(DRAWN)];
        let heights: Vec<f64> = inputs.iter().map(|input| axis::row_height(layout, axis::LABELS, &input.label, "")).collect();
        let below = heights.iter().sum::<f64>() + 4.0;
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let room = inputs.iter().map(|input| width(&number(input.mean_magnitude), axis::SIZE)).fold(30.0, f64::max) + 12.0;
        let values = inputs.iter().map(|input| input.mean_magnitude).chain([0.0]);
        let scale = Scale::over(values, layout.pick(axis::LABELS + 18.0, 8.0), layout.width - room);
        axis::bottom(&mut svg, scale, (0.0, below), &format!("mean size of contributions, {}", self.0.unit));
        let mut y = 2.0;
        for (input, height) in inputs.iter().zip(heights) {
            let middle = axis::row_middle(layout, y, height);
            let zero = scale.place(0.0);
            let end = scale.place(input.mean_magnitude).max(zero + 1.5);
            axis::row_label(&mut svg, layout, (y, height), axis::LABELS, &input.label, "");
            if !input.mean_magnitude.is_nan() {
                svg.rect("size", zero, middle - 7.0, end - zero, 14.0);
            }
            let after = if input.mean_magnitude.is_nan() { zero } else { end };
            svg.text("strong", (after + 7.0, middle + 4.5), Anchor::Start, &number(input.mean_magnitude));
            y += height;
        }
        svg
    }

    fn table(&self) -> Table {
        let rows = self.0.inputs.iter().map(|input| {
            vec![
                Cell::words(&input.label),
                Cell::number(input.mean_magnitude),
                Cell::shown(input.points.len() as f64, |count| format!("{count:.0}")),
            ]
        });
        Table::new(with_unit("Mean size of contributions, in".into(), &self.0.unit), &["Input", "Mean size", "Decisions"]).with(rows)
    }
}

/// The mean magnitude of each input's attributions.
#[component]
pub fn Magnitudes(overview: Overview, #[prop(optional_no_strip, into)] export: Option<String>) -> impl IntoView {
    figure(&MagnitudePlot(&overview), Frame { export, ..Frame::default() })
}
