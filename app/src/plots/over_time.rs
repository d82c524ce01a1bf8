//! Predictions one after the other, and what happened each time.

use governance::explanation::track_record::TrackRecord;
use leptos::prelude::*;

use super::{
    axis,
    calibration::{all_outcomes, outcomes},
    figure::{Frame, Plot, figure},
    number::{number, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Table, decision_href},
    text::shortened,
};

const LEFT: f64 = 52.0;

#[derive(Clone, Copy, Debug)]
pub struct OverTimePlot<'a>(pub &'a TrackRecord);

impl Plot for OverTimePlot<'_> {
    fn id(&self) -> String {
        "over-time".into()
    }

    fn title(&self) -> String {
        "Predictions over time".into()
    }

    fn caption(&self) -> String {
        let waiting = self.0.outcomes.iter().filter(|outcome| outcome.observed.is_none()).count();
        let waiting = if waiting == 0 { String::new() } else { " A ring alone is a prediction without an observation.".to_owned() };
        let naive = if self.0.outcomes.iter().any(|outcome| outcome.naive.is_some()) {
            " The cross is what one would have said without a model."
        } else {
            ""
        };
        format!("The ring is the prediction, the dot what was observed; the line between them is the error.{naive}{waiting}")
    }

    fn words(&self) -> String {
        let last = self.0.outcomes.iter().rev().find(|outcome| outcome.observed.is_some());
        let last = last.and_then(|outcome| {
            let observed = outcome.observed?;
            let unit = &self.0.unit;
            Some(format!(
                " The newest with an observation, of {}: predicted {}, observed {}.",
                axis::day(outcome.at),
                number(outcome.predicted),
                with_unit(number(observed), unit)
            ))
        });
        format!("{} predictions.{} {}", self.0.outcomes.len(), last.unwrap_or_default(), self.0.sentence)
    }

    fn draw(&self, layout: Layout) -> Svg {
        let record = self.0;
        let (top, below) = (24.0, layout.pick(270.0, 240.0));
        let mut svg = Svg::new(layout, below + 26.0);
        let times = record.outcomes.iter().map(|outcome| outcome.at as f64);
        let x = Scale::over(times, LEFT + 12.0, layout.width - 12.0);
        let values = record.outcomes.iter().flat_map(|outcome| [Some(outcome.predicted), outcome.observed, outcome.naive]).flatten();
        let y = Scale::over(values, below - 8.0, top + 4.0).roomy(0.03);
        axis::left(&mut svg, y, (LEFT, layout.width));
        axis::days(&mut svg, x, (top, below));
        svg.text("small soft", (0.0, 12.0), Anchor::Start, &shortened(&title(record), layout.width, axis::SMALL));
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let observed = record.outcomes.iter().filter_map(|one| Some((x.place(one.at as f64), y.place(finite(one.observed)?))));
        svg.path("thin", &Path::through(observed));
        for outcome in &record.outcomes {
            let Some(predicted) = finite(Some(outcome.predicted)) else { continue };
            let at = x.place(outcome.at as f64);
            let observed = finite(outcome.observed);
            let said = observed
                .map_or_else(|| "not observed".to_owned(), |observed| format!("observed {}", with_unit(number(observed), &record.unit)));
            let label = format!("{}: predicted {}, {said}", axis::day(outcome.at), number(predicted));
            svg.link(&decision_href(&outcome.digest), &label, |svg| {
                if let Some(naive) = finite(outcome.naive) {
                    let naive = y.place(naive);
                    svg.path(
                        "cross",
                        &Path::at(at - 3.0, naive - 3.0).line(at + 3.0, naive + 3.0).to(at - 3.0, naive + 3.0).line(at + 3.0, naive - 3.0),
                    );
                }
                if let Some(observed) = observed {
                    svg.line("error", (at, y.place(predicted)), (at, y.place(observed)));
                    svg.circle("dot here", (at, y.place(observed)), 3.6);
                }
                svg.circle("open", (at, y.place(predicted)), 4.6);
            });
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

fn title(record: &TrackRecord) -> String {
    if record.unit.is_empty() { record.label.clone() } else { format!("{}, {}", record.label, record.unit) }
}

/// Predictions and observations along time.
#[component]
pub fn OverTime(record: TrackRecord, #[prop(optional_no_strip, into)] export: Option<String>) -> impl IntoView {
    figure(&OverTimePlot(&record), Frame { export, ..Frame::default() })
}
