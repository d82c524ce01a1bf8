//! Two explanations of one question side by side: what share of its answer each gives to each input.

use governance::explanation::comparison::{ComparedInput, Comparison};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{known, number, percent, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table},
    text::{counted, shortened},
};

const DRAWN: usize = 14;
const LEGEND: f64 = 52.0;
const THICK: f64 = 12.0;

#[derive(Clone, Copy, Debug)]
pub struct ComparisonPlot<'a>(pub &'a Comparison);

fn share(part: Option<f64>) -> String {
    match part {
        None => "not used".into(),
        Some(part) if part > 0.0 => format!("+{}", percent(part)),
        Some(part) => percent(part),
    }
}

impl ComparisonPlot<'_> {
    fn inputs(&self) -> &[ComparedInput] {
        &self.0.inputs[..self.0.inputs.len().min(DRAWN)]
    }
}

impl Plot for ComparisonPlot<'_> {
    fn id(&self) -> String {
        "comparison".into()
    }

    fn title(&self) -> String {
        "Two explanations side by side".into()
    }

    fn caption(&self) -> String {
        let more = match self.0.inputs.len().saturating_sub(DRAWN) {
            0 => String::new(),
            more => format!(" {} on which they differ less are in the table.", counted(more, "input")),
        };
        format!("{} Bars are shares of everything that moved each answer; those to the right pushed it up.{more}", self.0.sentence)
    }

    fn words(&self) -> String {
        let (first, second) = (&self.0.first, &self.0.second);
        let said: Vec<String> = self
            .inputs()
            .iter()
            .map(|input| format!("{}: {} and {}", input.label, share(input.first_share), share(input.second_share)))
            .collect();
        let side = |side: &governance::explanation::comparison::Side| {
            format!(
                "{} with {} answers {} and recommends {}",
                side.agent,
                side.model,
                with_unit(number(side.output), &side.unit),
                side.recommended
            )
        };
        format!("{}; {}. Shares of the first and of the second: {}.", side(first), side(second), said.join("; "))
    }

    fn draw(&self, layout: Layout) -> Svg {
        let inputs = self.inputs();
        let row = layout.pick(46.0, 60.0);
        let below = LEGEND + row * inputs.len() as f64;
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let values = inputs.iter().flat_map(|input| [input.first_share, input.second_share]).flatten().chain([0.0]);
        let percents = values.map(|part| part * 100.0);
        let scale = Scale::over(percents, layout.pick(axis::LABELS + 18.0, 8.0) + 52.0, layout.width - 58.0);
        let sides = [(&self.0.first, "first"), (&self.0.second, "second")];
        for (index, (side, class)) in sides.into_iter().enumerate() {
            let y = 6.0 + 20.0 * index as f64;
            svg.rect(class, 0.0, y, 22.0, THICK);
            let words = format!("{}: {}, recommends {}", side.agent, with_unit(number(side.output), &side.unit), side.recommended);
            svg.text("", (30.0, y + 11.0), Anchor::Start, &shortened(&words, layout.width - 34.0, axis::SIZE));
        }
        axis::bottom(&mut svg, scale, (LEGEND, below), "share of all contributions, %");
        let zero = scale.place(0.0);
        svg.line("zero", (zero, LEGEND), (zero, below));
        for (index, input) in inputs.iter().enumerate() {
            let top = LEGEND + row * index as f64;
            let middle = layout.pick(top + row / 2.0, top + 38.0);
            let words = format!("{}: {} and {}", input.label, share(input.first_share), share(input.second_share));
            svg.mark(&words, |svg| {
                svg.ground(-6.0, top, layout.width + 12.0, row);
                axis::row_label(svg, layout, (top, row), axis::LABELS, &input.label, "");
                bar(svg, scale, middle - THICK - 1.5, input.first_share, "first");
                bar(svg, scale, middle + 1.5, input.second_share, "second");
            });
        }
        svg
    }

    fn table(&self) -> Table {
        let rows = self.0.inputs.iter().map(|input| {
            vec![
                Cell::words(&input.label),
                Cell::words(known(input.first_value)),
                Cell::words(share(input.first_share)),
                Cell::words(known(input.second_value)),
                Cell::words(share(input.second_share)),
            ]
        });
        let caption = format!("First: {}. Second: {}.", self.0.first.agent, self.0.second.agent);
        Table::new(caption, &["Input", "Value, first", "Share, first", "Value, second", "Share, second"]).with(rows)
    }

    fn numbers(&self) -> Table {
        let rows = self.0.inputs.iter().map(|input| {
            vec![
                Cell::words(&input.name),
                Cell::words(&input.label),
                Cell::number(input.first_value),
                Cell::number(input.first),
                Cell::number(input.first_share),
                Cell::number(input.second_value),
                Cell::number(input.second),
                Cell::number(input.second_share),
            ]
        });
        let columns =
            ["Name", "Input", "First value", "First contribution", "First share", "Second value", "Second contribution", "Second share"];
        Table::new(self.title(), &columns).with(rows)
    }
}

fn bar(svg: &mut Svg, scale: Scale, top: f64, part: Option<f64>, class: &str) {
    let zero = scale.place(0.0);
    let finite = part.filter(|part| part.is_finite());
    let end = finite.map_or(zero, |part| scale.place(part * 100.0));
    match finite {
        Some(part) if part != 0.0 => svg.path(class, &Path::arrow(zero, end, top, THICK)),
        Some(_) => svg.rect(class, zero - 1.0, top, 2.0, THICK),
        None => {}
    }
    let (anchor, x) = if end < zero { (Anchor::End, end - 6.0) } else { (Anchor::Start, end + 6.0) };
    let style = if finite.is_some() { "small" } else { "small soft" };
    svg.text(style, (x, top + THICK - 2.0), anchor, &share(part));
}

/// Two decisions on one question, input by input.
#[component]
pub fn SideBySide(comparison: Comparison, #[prop(optional_no_strip, into)] export: Option<String>) -> impl IntoView {
    figure(&ComparisonPlot(&comparison), Frame { export, ..Frame::default() })
}
