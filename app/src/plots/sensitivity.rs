//! What the recommendation would be if one input were different: a small plot per input, all on one scale.

use governance::explanation::sensitivity::Curve;
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{known, number, tick, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table},
    text::{counted, listed, shortened, width, wrapped},
};

const DRAWN: usize = 9;
const WIDE: Panel = Panel { height: 190.0, ceiling: 48.0 };
const NARROW: Panel = Panel { height: 152.0, ceiling: 30.0 };
const GAP: f64 = 30.0;
const LEFT: f64 = 40.0;

/// How high a small plot is, and where in it the label ends.
#[derive(Clone, Copy)]
struct Panel {
    height: f64,
    ceiling: f64,
}

/// Curves of one decision; `unit` is the recommended value's.
#[derive(Clone, Copy, Debug)]
pub struct SensitivityPlot<'a> {
    pub curves: &'a [Curve],
    pub unit: &'a str,
    pub output_unit: &'a str,
}

/// How far the recommendation moves over the whole range.
fn reach(curve: &Curve) -> f64 {
    let numbers = curve.points.iter().map(|point| point.number).filter(|number| number.is_finite());
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
    (high - low).max(0.0)
}

/// Lowest and highest recommendation, as the registry would store them.
fn ends(curve: &Curve) -> Option<(&str, &str)> {
    let low = curve.points.iter().min_by(|a, b| a.number.total_cmp(&b.number))?;
    let high = curve.points.iter().max_by(|a, b| a.number.total_cmp(&b.number))?;
    Some((&low.recommended, &high.recommended))
}

fn outputs(curve: &Curve, choose: fn(f64, f64) -> f64) -> Option<f64> {
    curve.points.iter().map(|point| point.output).filter(|output| output.is_finite()).reduce(choose)
}

impl<'a> SensitivityPlot<'a> {
    /// Those that change the recommendation, the most moving first.
    fn moving(&self) -> Vec<&'a Curve> {
        let mut moving: Vec<&Curve> = self.curves.iter().filter(|curve| reach(curve) > 0.0).collect();
        moving.sort_by(|a, b| reach(b).total_cmp(&reach(a)));
        moving
    }

    fn still(&self) -> Vec<String> {
        self.curves.iter().filter(|curve| reach(curve) == 0.0).map(|curve| curve.label.clone()).collect()
    }
}

impl Plot for SensitivityPlot<'_> {
    fn id(&self) -> String {
        "sensitivity".into()
    }

    fn title(&self) -> String {
        "If one input were different".into()
    }

    fn caption(&self) -> String {
        let moving = self.moving();
        let more = match moving.len().saturating_sub(DRAWN) {
            0 => String::new(),
            more => format!(" {} that move it less are in the table.", counted(more, "input")),
        };
        let still = match self.still() {
            none if none.is_empty() => String::new(),
            few if few.len() <= 3 => {
                let named: Vec<String> = few.iter().map(|label| format!("“{label}”")).collect();
                format!(" {} alone would not change it.", listed(&named))
            }
            many => format!(" {} others alone would not change it.", many.len()),
        };
        let reading = "The step line is the recommended value, the thin line the model’s output on a scale of its own.";
        if moving.is_empty() {
            "No single input would change the recommendation, wherever in its range it were.".into()
        } else {
            format!("{reading}{more}{still}")
        }
    }

    fn words(&self) -> String {
        let said: Vec<String> = self
            .moving()
            .iter()
            .map(|curve| {
                let (low, high) = ends(curve).unwrap_or_default();
                let range = curve.points.first().zip(curve.points.last());
                let range = range.map_or_else(String::new, |(first, last)| {
                    format!(" between {} and {}", number(first.value), with_unit(number(last.value), &curve.unit))
                });
                format!("{}{range}, now {}: from {low} to {high}", curve.label, known(curve.at))
            })
            .collect();
        if said.is_empty() {
            "No single input would change the recommendation.".into()
        } else {
            format!("Recommended value in {}. {}.", self.unit, said.join("; "))
        }
    }

    fn draw(&self, layout: Layout) -> Svg {
        let mut curves = self.moving();
        if curves.is_empty() {
            curves = self.curves.iter().collect();
        }
        curves.truncate(DRAWN);
        let columns = layout.pick(3, 1).min(curves.len().max(1));
        let rows = curves.len().div_ceil(columns);
        let shape = layout.pick(WIDE, NARROW);
        let head = if self.unit.is_empty() { 0.0 } else { 22.0 };
        let mut svg = Svg::new(layout, head + (shape.height + GAP) * rows.max(1) as f64 + if layout.live { 16.0 } else { -8.0 });
        if head > 0.0 {
            svg.text(
                "small soft",
                (0.0, 12.0),
                Anchor::Start,
                &shortened(&format!("recommended, {}", self.unit), layout.width, axis::SMALL),
            );
        }
        let numbers = || curves.iter().flat_map(|curve| curve.points.iter());
        let value = Scale::over(numbers().map(|point| point.number), shape.height - 10.0, shape.ceiling).roomy(0.06);
        let output = Scale::over(numbers().map(|point| point.output), shape.height - 16.0, shape.ceiling + 6.0);
        let panel = layout.pick((layout.width - LEFT - 24.0 * 2.0) / 3.0, layout.width - LEFT);
        for (index, curve) in curves.iter().enumerate() {
            let (column, line) = (index % columns, index / columns);
            let left = LEFT + (panel + 24.0) * column as f64;
            let top = head + (shape.height + GAP) * line as f64;
            draw_panel(&mut svg, curve, (left, top, panel), shape, (value, output), column == 0);
        }
        svg
    }

    fn table(&self) -> Table {
        let rows = self.curves.iter().map(|curve| {
            let (low, high) = ends(curve).unwrap_or_default();
            let end = |point: Option<&governance::explanation::sensitivity::CurvePoint>| {
                Cell::shown(point.map(|point| point.value), |value| with_unit(number(value), &curve.unit))
            };
            vec![
                Cell::words(&curve.label),
                Cell::shown(curve.at, |value| with_unit(number(value), &curve.unit)),
                end(curve.points.first()),
                end(curve.points.last()),
                Cell::words(low),
                Cell::words(high),
                Cell::number(outputs(curve, f64::min)),
                Cell::number(outputs(curve, f64::max)),
            ]
        });
        let of = |unit: &str| if unit.is_empty() { String::new() } else { format!(" ({unit})") };
        let caption = format!("Recommended value{} and output{} over each input’s range", of(self.unit), of(self.output_unit));
        Table::new(caption, &["Input", "Now", "Tried from", "to", "Lowest value", "Highest value", "Lowest output", "Highest output"])
            .with(rows)
    }

    fn numbers(&self) -> Table {
        let rows = self.curves.iter().flat_map(|curve| {
            curve.points.iter().map(|point| {
                vec![
                    Cell::words(&curve.name),
                    Cell::words(&curve.label),
                    Cell::number(point.value),
                    Cell::number(point.output),
                    Cell::words(&point.recommended),
                ]
            })
        });
        Table::new(self.title(), &["Name", "Input", "Value", "Output", "Recommended"]).with(rows)
    }
}

fn draw_panel(
    svg: &mut Svg,
    curve: &Curve,
    (left, top, panel): (f64, f64, f64),
    shape: Panel,
    (value, output): (Scale, Scale),
    labelled: bool,
) {
    let now = curve.at.filter(|at| at.is_finite());
    let here = now.and_then(|now| curve.points.iter().rfind(|point| point.value <= now).or(curve.points.first()));
    let (low, high) = ends(curve).unwrap_or_default();
    let standing = match (now, here) {
        (Some(now), Some(here)) => format!("now {}: {} is recommended", with_unit(number(now), &curve.unit), here.recommended),
        _ => "now not known".into(),
    };
    svg.mark(&format!("{}, {standing}; over its range {low} to {high}", curve.label), |svg| {
        svg.ground(left - 8.0, top - 6.0, panel + 16.0, shape.height + 20.0);
        for (line, words) in wrapped(&curve.label, panel - 8.0, axis::SIZE, if shape.ceiling > 40.0 { 2 } else { 1 }).iter().enumerate() {
            svg.text("strong", (left, top + 14.0 + 16.0 * line as f64), Anchor::Start, words);
        }
        let (ceiling, floor) = (top + shape.ceiling - 4.0, top + shape.height - 6.0);
        let x = Scale::over(curve.points.iter().map(|point| point.value).chain(now), left, left + panel);
        let (ticks, step) = value.ticks(4);
        for at in ticks {
            let y = top + value.place(at);
            svg.line("grid", (left, y), (left + panel, y));
            if labelled {
                svg.text("small soft", (left - 8.0, y + 4.0), Anchor::End, &tick(at, step));
            }
        }
        range(svg, x, floor, now, &curve.unit);
        let outputs = curve.points.iter().filter(|point| point.output.is_finite());
        svg.path("thin", &Path::through(outputs.map(|point| (x.place(point.value), top + output.place(point.output)))));
        let steps = curve.points.iter().filter(|point| point.number.is_finite()).fold(Path::default(), |line, point| {
            let at = (x.place(point.value), top + value.place(point.number));
            if line.is_empty() { line.to(at.0, at.1) } else { line.step(at.0, at.1) }
        });
        svg.path("steps", &steps);
        if let (Some(now), Some(here)) = (now, here) {
            svg.line("usual", (x.place(now), ceiling), (x.place(now), floor));
            svg.circle("dot here", (x.place(now), top + value.place(here.number)), 4.5);
        }
    });
}

/// The axis of an input: both ends of its range and, where there is room between them, where it stands.
fn range(svg: &mut Svg, x: Scale, y: f64, now: Option<f64>, unit: &str) {
    let (left, right) = (x.from(), x.to());
    svg.line("axis", (left, y), (right, y));
    let low = number(x.low());
    let high = shortened(&with_unit(number(x.high()), unit), (right - left) * 0.6, axis::SMALL);
    svg.text("small soft", (left, y + 16.0), Anchor::Start, &low);
    svg.text("small soft", (right, y + 16.0), Anchor::End, &high);
    let said = now.map_or_else(|| "now not known".to_owned(), |at| format!("now {}", number(at)));
    let half = width(&said, axis::SMALL) / 2.0;
    let (from, to) = (left + width(&low, axis::SMALL) + 8.0 + half, right - width(&high, axis::SMALL) - 8.0 - half);
    if from <= to {
        let at = now.map_or(f64::midpoint(left, right), |at| x.place(at)).clamp(from, to);
        svg.text("small", (at, y + 16.0), Anchor::Middle, &said);
    }
}

/// The recommended value over each input's range.
#[component]
pub fn Sensitivity(
    curves: Vec<Curve>,
    /// Of the recommended value.
    #[prop(into)]
    unit: String,
    /// Of the model's output.
    #[prop(into)]
    output_unit: String,
    #[prop(optional_no_strip, into)] export: Option<String>,
) -> impl IntoView {
    figure(&SensitivityPlot { curves: &curves, unit: &unit, output_unit: &output_unit }, Frame { export, ..Frame::default() })
}
