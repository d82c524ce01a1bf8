//! How a model's usual answer became this one: one bar per input, each starting where the last ended.

use governance::explanation::{Bar, model::Link};
use leptos::prelude::*;
use serde::Serialize;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{number, signed, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table},
    text::{counted, listed, width},
};

/// Bars beyond these are drawn as one.
const DRAWN: usize = 12;

/// The way from the usual answer to this one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contributions {
    pub baseline: f64,
    pub output: f64,
    pub unit: String,
    /// In the order in which they are added, largest first.
    pub bars: Vec<Bar>,
    /// With [`Link::Logistic`], answers are log-odds and are shown as probabilities too.
    #[serde(skip)]
    pub link: Option<Link>,
}

impl Contributions {
    pub(super) fn is_logistic(&self) -> bool {
        self.link == Some(Link::Logistic)
    }

    /// An answer with what it comes to.
    pub(super) fn answer(&self, value: f64) -> String {
        match self.is_logistic() && !value.is_nan() {
            true => format!("{} ({})", number(value), axis::probability(value)),
            false => number(value),
        }
    }

    /// The bars as drawn: the largest, and one for the others together.
    pub(super) fn drawn(&self) -> Vec<Bar> {
        if self.bars.len() <= DRAWN {
            return self.bars.clone();
        }
        let (first, rest) = self.bars.split_at(DRAWN - 1);
        let mut drawn = first.to_vec();
        drawn.push(Bar {
            name: String::new(),
            label: counted(rest.len(), "other input"),
            value_text: String::new(),
            attribution: rest.iter().map(|bar| bar.attribution).sum(),
            start: rest[0].start,
            end: rest[rest.len() - 1].end,
        });
        drawn
    }

    pub(super) fn axis_title(&self) -> String {
        match (self.is_logistic(), self.unit.is_empty()) {
            (true, true) => "log-odds".into(),
            (true, false) => format!("log-odds ({})", self.unit),
            _ => self.unit.clone(),
        }
    }
}

/// Bars with a running total.
#[derive(Clone, Copy, Debug)]
pub struct WaterfallPlot<'a>(pub &'a Contributions);

impl Plot for WaterfallPlot<'_> {
    fn id(&self) -> String {
        "waterfall".into()
    }

    fn title(&self) -> String {
        "From the usual answer to this one".into()
    }

    fn caption(&self) -> String {
        let Contributions { baseline, output, unit, bars, .. } = self.0;
        if bars.iter().all(|bar| bar.attribution == 0.0) {
            return format!("No input moved the answer away from the usual {}.", with_unit(self.0.answer(*baseline), unit));
        }
        let of = |sign: f64| bars.iter().map(|bar| bar.attribution).filter(|by| by * sign > 0.0).sum::<f64>();
        let (up, down) = (of(1.0), of(-1.0));
        let moved = match (up > 0.0, down < 0.0) {
            (true, true) => format!("{} and {}", signed(up), signed(down)),
            (true, false) => format!("{}, all upward", signed(up)),
            (false, true) => format!("{}, all downward", signed(down)),
            (false, false) => "an amount that is not known".into(),
        };
        format!(
            "From {} to {}: {} moved it by {moved}.",
            self.0.answer(*baseline),
            with_unit(self.0.answer(*output), unit),
            counted(bars.len(), "input")
        )
    }

    fn words(&self) -> String {
        let moves: Vec<String> = self.0.drawn().iter().map(|bar| format!("{} {}", bar.label, signed(bar.attribution))).collect();
        format!(
            "The usual answer is {}. Added to it, in this order: {}. That makes {}.",
            self.0.answer(self.0.baseline),
            listed(&moves),
            with_unit(self.0.answer(self.0.output), &self.0.unit)
        )
    }

    fn draw(&self, layout: Layout) -> Svg {
        let all = self.0;
        let bars = all.drawn();
        let heights: Vec<f64> =
            bars.iter().map(|bar| axis::row_height(layout, axis::LABELS_AND_VALUES, &bar.label, &bar.value_text)).collect();
        let top = if all.is_logistic() { 40.0 } else { 2.0 };
        let ends = layout.pick(34.0, 50.0);
        let below = top + 2.0 * ends + heights.iter().sum::<f64>();
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let room = bars.iter().map(|bar| width(&signed(bar.attribution), axis::SIZE)).fold(40.0, f64::max) + 14.0;
        let total_room = if all.is_logistic() { 50.0 } else { 0.0 };
        let values = bars.iter().flat_map(|bar| [bar.start, bar.end]).chain([all.baseline, all.output]);
        let scale = Scale::over(values, layout.pick(axis::LABELS_AND_VALUES + 22.0, 8.0), layout.width - room - total_room);

        axis::bottom(&mut svg, scale, (top, below), &all.axis_title());
        if all.is_logistic() {
            axis::probabilities(&mut svg, scale, top);
        }
        let usual = scale.place(all.baseline);
        svg.line("usual", (usual, top + ends - 8.0), (usual, below));
        total(&mut svg, layout, scale, (top, ends), ("Usual answer", &all.answer(all.baseline)), all.baseline);
        let mut y = top + ends;
        for (bar, height) in bars.iter().zip(heights) {
            row(&mut svg, layout, scale, (y, height), bar, &all.unit);
            y += height;
        }
        let last = scale.place(bars.last().map_or(all.baseline, |bar| bar.end));
        svg.line("join", (last, y - 8.0), (last, y + 8.0));
        total(&mut svg, layout, scale, (y, ends), ("This answer", &all.answer(all.output)), all.output);
        svg
    }

    fn table(&self) -> Table {
        let all = self.0;
        let usual = vec![Cell::words("Usual answer"), Cell::words(""), Cell::words(""), Cell::number(all.baseline)];
        let answer = vec![Cell::words("This answer"), Cell::words(""), Cell::words(""), Cell::number(all.output)];
        let rows = all
            .bars
            .iter()
            .map(|bar| vec![Cell::words(&bar.label), Cell::words(&bar.value_text), Cell::signed(bar.attribution), Cell::number(bar.end)]);
        let caption =
            with_unit("Contributions, largest first, in".into(), if all.unit.is_empty() { "the model’s unit" } else { &all.unit });
        Table::new(caption, &["Input", "Its value", "Moves the answer by", "Running total"]).with([usual]).with(rows).with([answer])
    }
}

fn row(svg: &mut Svg, layout: Layout, scale: Scale, (top, height): (f64, f64), bar: &Bar, unit: &str) {
    const THICK: f64 = 18.0;
    let middle = axis::row_middle(layout, top, height);
    let (from, to) = (scale.place(bar.start), scale.place(bar.end));
    let value = if bar.value_text.is_empty() { String::new() } else { format!(", {}", bar.value_text) };
    let words = format!("{}{value}: {}, which makes {}", bar.label, signed(bar.attribution), with_unit(number(bar.end), unit));
    svg.line("join", (from, top - 8.0), (from, middle - THICK / 2.0));
    svg.mark(&words, |svg| {
        svg.ground(-6.0, top, layout.width + 12.0, height);
        axis::row_label(svg, layout, (top, height), axis::LABELS_AND_VALUES, &bar.label, &bar.value_text);
        if bar.attribution.is_nan() {
            svg.text("soft", (from + 8.0, middle + 4.5), Anchor::Start, "not known");
            return;
        }
        let class = match bar.attribution {
            0.0 => "none",
            down if down < 0.0 => "down",
            _ => "up",
        };
        if bar.attribution == 0.0 {
            svg.rect(class, from - 1.0, middle - THICK / 2.0, 2.0, THICK);
        } else {
            svg.path(class, &Path::arrow(from, to, middle - THICK / 2.0, THICK));
        }
        svg.text("strong", (from.max(to) + 8.0, middle + 4.5), Anchor::Start, &signed(bar.attribution));
    });
    svg.line("join", (to, middle + THICK / 2.0), (to, top + height));
}

fn total(svg: &mut Svg, layout: Layout, scale: Scale, (top, height): (f64, f64), (label, value): (&str, &str), at: f64) {
    let (x, middle) = (scale.place(at), axis::row_middle(layout, top, height));
    svg.text("strong", (0.0, layout.pick(middle + 4.5, top + 17.0)), Anchor::Start, label);
    if at.is_nan() {
        svg.text("soft", (scale.from(), middle + 4.5), Anchor::Start, value);
        return;
    }
    svg.rect("total", x - 2.0, middle - 11.0, 4.0, 22.0);
    svg.text("strong", (x + 9.0, middle + 4.5), Anchor::Start, value);
}

/// The contributions of one decision. With a logistic link, the axis above gives probabilities.
#[component]
pub fn Waterfall(
    bars: Vec<Bar>,
    baseline: f64,
    output: f64,
    #[prop(into)] unit: String,
    #[prop(optional_no_strip, into)] link: Option<Link>,
    #[prop(optional_no_strip, into)] export: Option<String>,
) -> impl IntoView {
    figure(&WaterfallPlot(&Contributions { baseline, output, unit, bars, link }), Frame { export, untitled: true, ..Frame::default() })
}
