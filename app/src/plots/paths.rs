//! The ways of many decisions from what is usual to their answers, input by input, with one of them pointed out.

use governance::explanation::overview::{DecisionPath, Overview};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{number, signed, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table, decision_href},
    text::{counted, wrapped},
};

/// Inputs beyond these share the first row from below.
const DRAWN: usize = 16;
const ROW: f64 = 32.0;
const NARROW_ROW: f64 = 36.0;
/// Only the newest are drawn; more lines than these say nothing more.
const LINES: usize = 150;
const TOP: f64 = 26.0;

#[derive(Clone, Copy, Debug)]
pub struct PathsPlot<'a> {
    pub overview: &'a Overview,
    /// The digest of the decision to point out; the newest one otherwise.
    pub highlight: Option<&'a str>,
}

impl<'a> PathsPlot<'a> {
    fn highlighted(&self) -> Option<&'a DecisionPath> {
        let decisions = &self.overview.decisions;
        self.highlight.and_then(|digest| decisions.iter().find(|path| path.digest == digest)).or_else(|| decisions.last())
    }

    fn drawn(&self) -> usize {
        let inputs = self.overview.inputs.len();
        if inputs > DRAWN { DRAWN - 1 } else { inputs }
    }

    /// Running totals from below: what is usual, then after each drawn row, the last at the top.
    fn stations(&self, path: &DecisionPath) -> Vec<f64> {
        let skipped = self.overview.inputs.len() - self.drawn();
        let mut stations = vec![path.baseline];
        if skipped > 0 {
            stations.push(path.totals.get(skipped - 1).copied().unwrap_or(f64::NAN));
        }
        stations.extend(path.totals.iter().skip(skipped));
        stations
    }

    fn moves(&self, path: &DecisionPath) -> Vec<(String, f64, f64)> {
        let from = std::iter::once(path.baseline).chain(path.totals.iter().copied());
        let labels = self.overview.inputs.iter().rev().map(|input| input.label.clone());
        labels.zip(from.zip(&path.totals)).map(|(label, (from, to))| (label, to - from, *to)).collect()
    }
}

impl Plot for PathsPlot<'_> {
    fn id(&self) -> String {
        "paths".into()
    }

    fn title(&self) -> String {
        "The way of each decision".into()
    }

    fn caption(&self) -> String {
        let count = self.overview.decisions.len();
        let shown = if count > LINES { format!("the newest {LINES} of {count} decisions") } else { counted(count, "decision") };
        let strong =
            self.highlighted().map_or_else(String::new, |path| format!(" The strong line is “{}”, {}.", path.label, axis::day(path.at)));
        format!("Read from below: each line begins at what is usual and ends at its answer; {shown}.{strong}")
    }

    fn words(&self) -> String {
        let Some(path) = self.highlighted() else {
            return "No decisions.".into();
        };
        let moves: Vec<String> = self.moves(path).iter().map(|(label, by, _)| format!("{label} {}", signed(*by))).collect();
        format!(
            "“{}” begins at {}, then {}, and ends at {}.",
            path.label,
            number(path.baseline),
            moves.join(", "),
            with_unit(number(path.output), &self.overview.unit)
        )
    }

    fn draw(&self, layout: Layout) -> Svg {
        let drawn = self.drawn();
        let skipped = self.overview.inputs.len() - drawn;
        let rows = drawn + usize::from(skipped > 0);
        let row = layout.pick(ROW, NARROW_ROW);
        let below = TOP + row * rows as f64;
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let first = self.overview.decisions.len().saturating_sub(LINES);
        let paths = &self.overview.decisions[first..];
        let here = self.highlighted();
        let values = paths.iter().chain(here).flat_map(|path| self.stations(path));
        let x = Scale::over(values, layout.pick(axis::LABELS + 20.0, 6.0), layout.width - 10.0).roomy(0.02);
        let y = |station: usize| below - row * station as f64;

        axis::bottom(&mut svg, x, (TOP, below), &self.overview.unit);
        for index in 0..rows {
            let top = TOP + row * index as f64;
            svg.line("grid", (layout.pick(axis::LABELS + 10.0, 0.0), top), (layout.width, top));
        }
        let trace = |path: &DecisionPath| {
            Path::through(self.stations(path).into_iter().enumerate().map(|(station, total)| (x.place(total), y(station))))
        };
        for path in paths.iter().filter(|path| here.is_none_or(|here| here.digest != path.digest)) {
            let label = format!("{}, {}: {}", axis::day(path.at), path.label, with_unit(number(path.output), &self.overview.unit));
            svg.link(&decision_href(&path.digest), &label, |svg| svg.path("way", &trace(path)));
        }
        let others = counted(skipped, "other input");
        let labels =
            self.overview.inputs.iter().take(drawn).map(|input| input.label.as_str()).chain((skipped > 0).then_some(others.as_str()));
        for (index, label) in labels.enumerate() {
            let top = TOP + row * index as f64;
            let lines = wrapped(label, layout.pick(axis::LABELS - 4.0, layout.width - 8.0), axis::SIZE, layout.pick(2, 1));
            for (line, words) in lines.iter().enumerate() {
                let at = layout.pick(top + row / 2.0 + 4.5 - 7.5 * (lines.len() as f64 - 1.0) + 15.0 * line as f64, top + 13.0);
                svg.text(layout.pick("", "small soft"), (0.0, at), Anchor::Start, words);
            }
        }
        if let Some(path) = here {
            svg.path("way-under", &trace(path));
            svg.path("way-here", &trace(path));
            let stations = self.stations(path);
            svg.circle("dot here", (x.place(path.baseline), y(0)), 3.5);
            let named = std::iter::once(others.as_str()).filter(|_| skipped > 0);
            let named = named.chain(self.overview.inputs.iter().take(drawn).rev().map(|input| input.label.as_str()));
            for ((station, pair), label) in stations.windows(2).enumerate().zip(named) {
                let words =
                    format!("{label}: {}, which makes {}", signed(pair[1] - pair[0]), with_unit(number(pair[1]), &self.overview.unit));
                svg.mark(&words, |svg| svg.circle("dot here", (x.place(pair[1]), y(station + 1)), 4.0));
            }
            let end = x.place(path.output);
            let anchor = if end > layout.width - 60.0 { Anchor::End } else { Anchor::Middle };
            svg.text("strong", (end, TOP - 12.0), anchor, &number(path.output));
        }
        svg
    }

    fn table(&self) -> Table {
        let unit = &self.overview.unit;
        let rows = self.overview.decisions.iter().rev().map(|path| {
            let largest = self.moves(path).into_iter().filter(|(_, by, _)| by.is_finite()).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            vec![
                Cell::decision(&path.label, &path.digest),
                Cell::shown(path.at as f64, |at| axis::day(at as u64)),
                Cell::number(path.baseline),
                Cell::words(largest.map_or_else(String::new, |(label, by, _)| format!("{label} {}", signed(by)))),
                Cell::number(path.output),
            ]
        });
        let caption = with_unit("Decisions, newest first, in".into(), unit);
        Table::new(caption, &["Decision", "Day", "Usual answer", "Moved most by", "Answer"]).with(rows)
    }

    fn numbers(&self) -> Table {
        let rows = self.overview.decisions.iter().flat_map(|path| {
            self.moves(path).into_iter().map(|(label, by, total)| {
                vec![
                    Cell::decision(&path.label, &path.digest),
                    Cell::number(path.at as f64),
                    Cell::words(label),
                    Cell::number(by),
                    Cell::number(total),
                ]
            })
        });
        Table::new(self.title(), &["Decision", "At", "Input", "Contribution", "Running total"]).with(rows)
    }
}

/// The decision paths of an overview.
#[component]
pub fn Paths(
    overview: Overview,
    /// The digest of the decision to point out; the newest one otherwise.
    #[prop(optional_no_strip, into)]
    highlight: Option<String>,
    #[prop(optional_no_strip, into)] export: Option<String>,
) -> impl IntoView {
    figure(&PathsPlot { overview: &overview, highlight: highlight.as_deref() }, Frame { export, ..Frame::default() })
}
