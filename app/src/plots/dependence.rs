//! How one input's contribution goes with its value, decision by decision.

use governance::explanation::overview::{InputOverview, Overview, SwarmPoint};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{known, number, signed, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Svg},
    table::{Cell, Table, decision_href},
    text::{counted, shortened},
};

const LEFT: f64 = 52.0;
const UNKNOWN: f64 = 70.0;

/// One input of an overview, with the decision to point out, if any.
#[derive(Clone, Copy, Debug)]
pub struct DependencePlot<'a> {
    overview: &'a Overview,
    input: &'a InputOverview,
    highlight: Option<&'a str>,
}

impl<'a> DependencePlot<'a> {
    /// `None` where the overview has no input of this name. `highlight` is a decision's digest.
    pub fn of(overview: &'a Overview, name: &str, highlight: Option<&'a str>) -> Option<Self> {
        let input = overview.inputs.iter().find(|input| input.name == name)?;
        Some(Self { overview, input, highlight })
    }

    fn points(&self) -> impl Iterator<Item = (&'a SwarmPoint, Option<f64>)> {
        let points = self.input.points.iter().filter(|point| point.attribution.is_finite());
        points.map(|point| (point, point.value.filter(|value| value.is_finite())))
    }

    /// Mean contribution over the lower and the upper half of the known values.
    fn halves(&self) -> Option<(f64, f64)> {
        let mut known: Vec<(f64, f64)> = self.points().filter_map(|(point, value)| Some((value?, point.attribution))).collect();
        known.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (low, high) = known.split_at(known.len() / 2);
        let mean = |half: &[(f64, f64)]| half.iter().map(|pair| pair.1).sum::<f64>() / half.len() as f64;
        (!low.is_empty()).then(|| (mean(low), mean(high)))
    }
}

impl Plot for DependencePlot<'_> {
    fn id(&self) -> String {
        let safe: String = self.input.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
        format!("dependence-{safe}")
    }

    fn title(&self) -> String {
        self.input.label.clone()
    }

    fn caption(&self) -> String {
        let dots = "Each dot is a decision: along, the input’s value; up, what it did to the answer.";
        match self.highlight {
            Some(_) => format!("{dots} The ringed one is this decision."),
            None => dots.into(),
        }
    }

    fn words(&self) -> String {
        let unknown = self.points().filter(|(_, value)| value.is_none()).count();
        let unknown = if unknown == 0 { String::new() } else { format!(" In {} it was not known.", counted(unknown, "decision")) };
        match self.halves() {
            Some((low, high)) => format!(
                "Over {}, {} contributed {} on average where it was low and {} where it was high, in {}.{unknown}",
                counted(self.input.points.len(), "decision"),
                self.input.label,
                signed(low),
                signed(high),
                self.overview.unit
            ),
            None => format!("{} over {}.{unknown}", self.input.label, counted(self.input.points.len(), "decision")),
        }
    }

    fn draw(&self, layout: Layout) -> Svg {
        let (top, below) = (24.0, layout.pick(300.0, 260.0));
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let any_unknown = self.points().any(|(_, value)| value.is_none());
        let from = LEFT + if any_unknown { UNKNOWN } else { 8.0 };
        let x = Scale::over(self.points().filter_map(|(_, value)| value), from, layout.width - 12.0).roomy(0.03);
        let y = Scale::over(self.points().map(|(point, _)| point.attribution).chain([0.0]), below, top).roomy(0.06);
        axis::left(&mut svg, y, (LEFT, layout.width));
        axis::bottom(&mut svg, x, (top, below), &value_title(self.input));
        svg.line("zero", (LEFT, y.place(0.0)), (layout.width, y.place(0.0)));
        svg.text(
            "small soft",
            (0.0, 12.0),
            Anchor::Start,
            &shortened(&format!("contribution, {}", self.overview.unit), layout.width, axis::SMALL),
        );
        if any_unknown {
            svg.text("small soft", (LEFT + UNKNOWN / 2.0 - 4.0, below + 18.0), Anchor::Middle, "not known");
            svg.line("axis", (LEFT, below), (from - 14.0, below));
        }
        for (point, value) in self.points() {
            let at = (value.map_or(LEFT + UNKNOWN / 2.0 - 4.0, |value| x.place(value)), y.place(point.attribution));
            let Some(decision) = self.overview.decisions.get(point.decision) else {
                svg.circle("dot point", at, 4.0);
                continue;
            };
            let value = with_unit(known(point.value), &self.input.unit);
            let label = format!("{}, {}: {value}, {}", axis::day(decision.at), decision.label, signed(point.attribution));
            let here = self.highlight == Some(decision.digest.as_str());
            svg.link(&decision_href(&decision.digest), &label, |svg| {
                svg.circle(if here { "dot here" } else { "dot point" }, at, if here { 5.0 } else { 4.0 });
                if here {
                    svg.circle("ring", at, 9.0);
                }
            });
        }
        svg
    }

    fn table(&self) -> Table {
        let rows = self.input.points.iter().rev().filter_map(|point| {
            let decision = self.overview.decisions.get(point.decision)?;
            Some(vec![
                Cell::decision(&decision.label, &decision.digest),
                Cell::shown(decision.at as f64, |at| axis::day(at as u64)),
                Cell::shown(point.value, |value| with_unit(number(value), &self.input.unit)),
                Cell::signed(point.attribution),
            ])
        });
        Table::new(format!("{}: newest first", self.input.label), &["Decision", "Day", "Value", "Contribution"]).with(rows)
    }
}

fn value_title(input: &InputOverview) -> String {
    if input.unit.is_empty() { input.label.clone() } else { format!("{}, {}", input.label, input.unit) }
}

/// Contribution over value for the input of this name; nothing where there is none.
#[component]
pub fn Dependence(
    overview: Overview,
    #[prop(into)] name: String,
    /// The digest of the decision to point out.
    #[prop(optional_no_strip, into)]
    highlight: Option<String>,
    #[prop(optional_no_strip, into)] export: Option<String>,
) -> impl IntoView {
    DependencePlot::of(&overview, &name, highlight.as_deref()).map(|plot| figure(&plot, Frame { export, ..Frame::default() }))
}
