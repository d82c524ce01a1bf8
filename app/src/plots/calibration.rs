//! What was predicted beside what happened: on the diagonal, both agree.

use governance::explanation::track_record::{Outcome, TrackRecord};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{number, percent, signed, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table, decision_href},
    text::{listed, shortened},
};

const LEFT: f64 = 52.0;

#[derive(Clone, Copy, Debug)]
pub struct CalibrationPlot<'a>(pub &'a TrackRecord);

fn known(record: &TrackRecord) -> impl Iterator<Item = (&Outcome, f64)> {
    let found = record.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.observed?)));
    found.filter(|(outcome, observed)| observed.is_finite() && outcome.predicted.is_finite())
}

/// The outcomes as a table, newest first; the same for both plots of a track record.
pub fn outcomes(record: &TrackRecord) -> Table {
    let rows = record.outcomes.iter().rev().map(|outcome| {
        let observed = match (outcome.observed, &outcome.why_not) {
            (None, Some(why)) => Cell::words(why),
            (observed, _) => Cell::number(observed),
        };
        vec![
            Cell::decision(axis::day(outcome.at), &outcome.digest),
            Cell::number(outcome.predicted),
            observed,
            Cell::signed(outcome.observed.map(|observed| observed - outcome.predicted)),
            Cell::number(outcome.naive),
        ]
    });
    let caption = format!("{}, {}", record.label, if record.unit.is_empty() { "newest first" } else { &record.unit });
    Table::new(caption, &["Decision", "Predicted", "Observed", "Off by", "Without a model"]).with(rows)
}

/// The outcomes for a file, oldest first.
pub fn all_outcomes(record: &TrackRecord) -> Table {
    let rows = record.outcomes.iter().map(|outcome| {
        vec![
            Cell::decision("", &outcome.digest),
            Cell::number(outcome.at as f64),
            Cell::number(outcome.predicted),
            Cell::number(outcome.observed),
            Cell::number(outcome.naive),
            Cell::words(outcome.why_not.as_deref().unwrap_or_default()),
        ]
    });
    Table::new(&record.label, &["Decision", "At", "Predicted", "Observed", "Without a model", "Why not observed"]).with(rows)
}

impl CalibrationPlot<'_> {
    /// What the predictions come to: words and number.
    fn figures(&self) -> Vec<(String, String)> {
        let record = self.0;
        let unit = if record.unit.is_empty() { String::new() } else { format!(", {}", record.unit) };
        let said = [
            Some((format!("of {} observed", record.outcomes.len()), known(record).count().to_string())),
            record.bias.map(|bias| (format!("off on average{unit}"), signed(bias))),
            record.mean_absolute_error.map(|error| (format!("mean error{unit}"), number(error))),
            record.naive_absolute_error.map(|error| (format!("mean error without a model{unit}"), number(error))),
            record.calibration_slope.map(|slope| ("slope of the fit, where 1 is perfect".into(), number(slope))),
            record.within_claimed_error.map(|part| ("within the error that its maker claims".into(), percent(part))),
        ];
        said.into_iter().flatten().collect()
    }
}

impl Plot for CalibrationPlot<'_> {
    fn id(&self) -> String {
        "calibration".into()
    }

    fn title(&self) -> String {
        "Predicted and observed".into()
    }

    fn caption(&self) -> String {
        let line = if self.0.calibration_slope.is_some() { " The solid line is the best fit." } else { "" };
        match known(self.0).count() {
            0 => "Nothing has been observed yet.".into(),
            _ => format!("On the dashed line both agree; above it more happened than was predicted, below it less.{line}"),
        }
    }

    fn words(&self) -> String {
        let said: Vec<String> = self.figures().into_iter().map(|(words, figure)| format!("{figure} {words}")).collect();
        format!("{}.", listed(&said))
    }

    fn draw(&self, layout: Layout) -> Svg {
        let record = self.0;
        let side = layout.pick(360.0, layout.width - LEFT - 12.0);
        let (top, below) = (24.0, 24.0 + side);
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let values = || known(record).flat_map(|(outcome, observed)| [outcome.predicted, observed]);
        let x = Scale::over(values(), LEFT, LEFT + side).roomy(0.06);
        let y = Scale::over(values(), below, top).roomy(0.06);
        axis::left(&mut svg, y, (LEFT, LEFT + side));
        axis::bottom(&mut svg, x, (top, below), &format!("predicted, {}", record.unit));
        svg.text("small soft", (0.0, 12.0), Anchor::Start, &shortened(&format!("observed, {}", record.unit), layout.width, axis::SMALL));
        svg.line("diagonal", (x.from(), y.from()), (x.to(), y.to()));
        if let (Some(slope), Some(intercept)) = (record.calibration_slope, record.calibration_intercept) {
            fit(&mut svg, (x, y), slope, intercept);
        }
        if !layout.narrow {
            let x = LEFT + side + 44.0;
            for (index, (words, figure)) in self.figures().into_iter().enumerate() {
                let y = top + 20.0 + 52.0 * index as f64;
                svg.text("figure", (x, y), Anchor::Start, &figure);
                svg.text("small soft", (x, y + 18.0), Anchor::Start, &shortened(&words, layout.width - x, axis::SMALL));
            }
        }
        for (outcome, observed) in known(record) {
            let label = format!(
                "{}: predicted {}, observed {}",
                axis::day(outcome.at),
                number(outcome.predicted),
                with_unit(number(observed), &record.unit)
            );
            let at = (x.place(outcome.predicted), y.place(observed));
            svg.link(&decision_href(&outcome.digest), &label, |svg| svg.circle("dot point", at, 4.5));
        }
        svg
    }

    fn table(&self) -> Table {
        outcomes(self.0)
    }

    fn numbers(&self) -> Table {
        all_outcomes(self.0)
    }
}

/// The fitted line, as far as it runs inside the square.
fn fit(svg: &mut Svg, (x, y): (Scale, Scale), slope: f64, intercept: f64) {
    let inside: Vec<(f64, f64)> = (0..=100)
        .map(|part| x.low() + (x.high() - x.low()) * f64::from(part) / 100.0)
        .map(|at| (at, slope * at + intercept))
        .filter(|(_, value)| (y.low()..=y.high()).contains(value))
        .collect();
    if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
        let path = Path::at(x.place(first.0), y.place(first.1)).line(x.place(last.0), y.place(last.1));
        svg.path("fit", &path);
    }
}

/// Predicted against observed, with the diagonal.
#[component]
pub fn Calibration(record: TrackRecord, #[prop(optional_no_strip, into)] export: Option<String>) -> impl IntoView {
    figure(&CalibrationPlot(&record), Frame { export, ..Frame::default() })
}
