//! All decisions at once: per input a swarm of dots, one for each decision, where it pushed the answer.

use governance::explanation::overview::{InputOverview, Overview, SwarmPoint};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    magnitude::and_others,
    number::{known, number, signed, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table, decision_href},
};

const DRAWN: usize = 12;
const HALF: f64 = 19.0;
const LEGEND: f64 = 34.0;
/// Beyond so many dots, they are drawn without links: a page would become heavy, and a finger could not hit one anyway.
const LINKED: usize = 300;
/// Shades from the lowest values to the highest. Dots also grow with the value, so that nothing hangs on colour.
const SHADES: usize = 5;

#[derive(Clone, Copy, Debug)]
pub struct BeeswarmPlot<'a>(pub &'a Overview);

/// 0 to 4 for a known value, 5 for none.
fn shade(relative: Option<f64>) -> usize {
    match relative {
        Some(relative) if relative.is_finite() => ((relative.clamp(0.0, 1.0) * SHADES as f64) as usize).min(SHADES - 1),
        _ => SHADES,
    }
}

fn class(shade: usize) -> &'static str {
    ["dot shade-0", "dot shade-1", "dot shade-2", "dot shade-3", "dot shade-4", "dot shade-none"][shade]
}

fn radius(shade: usize) -> f64 {
    [2.3, 2.7, 3.1, 3.5, 3.9, 3.0][shade]
}

impl BeeswarmPlot<'_> {
    fn inputs(&self) -> &[InputOverview] {
        &self.0.inputs[..self.0.inputs.len().min(DRAWN)]
    }

    /// Mean contribution of the decisions with the lowest and with the highest fifth of the values, in words.
    fn tendency(input: &InputOverview) -> String {
        let mean = |wanted: usize| {
            let found: Vec<f64> =
                input.points.iter().filter(|point| shade(point.relative) == wanted).map(|point| point.attribution).collect();
            (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
        };
        match (mean(0), mean(SHADES - 1)) {
            (Some(low), Some(high)) => format!("{}: {} where it is lowest, {} where it is highest", input.label, signed(low), signed(high)),
            _ => format!("{}: {} on average, whichever way", input.label, number(input.mean_magnitude)),
        }
    }
}

impl Plot for BeeswarmPlot<'_> {
    fn id(&self) -> String {
        "beeswarm".into()
    }

    fn title(&self) -> String {
        "Every decision, input by input".into()
    }

    fn caption(&self) -> String {
        format!(
            "One dot per decision ({}): right of the line it pushed the answer up, left of it down. The number is the mean size.{}",
            self.0.decisions.len(),
            and_others(self.0, DRAWN)
        )
    }

    fn words(&self) -> String {
        let said: Vec<String> = self.inputs().iter().map(Self::tendency).collect();
        format!("Contributions in {}. {}.", self.0.unit, said.join("; "))
    }

    fn draw(&self, layout: Layout) -> Svg {
        let inputs = self.inputs();
        let row = layout.pick(2.0 * HALF + 6.0, 2.0 * HALF + 26.0);
        let below = LEGEND + row * inputs.len() as f64;
        let mut svg = Svg::new(layout, below + axis::AXIS);
        let right = layout.pick(layout.width - 130.0, layout.width - 6.0);
        let values = inputs.iter().flat_map(|input| input.points.iter().map(|point| point.attribution)).chain([0.0]);
        let scale = Scale::over(values, layout.pick(axis::LABELS + 22.0, 6.0), right).roomy(0.02);
        let largest = inputs.iter().map(|input| input.mean_magnitude).filter(|size| size.is_finite()).fold(0.0, f64::max);
        legend(&mut svg, layout);
        axis::bottom(&mut svg, scale, (LEGEND, below), &format!("contribution, {}", self.0.unit));
        let zero = scale.place(0.0);
        svg.line("zero", (zero, LEGEND), (zero, below));
        let count: usize = inputs.iter().map(|input| input.points.len()).sum();
        for (index, input) in inputs.iter().enumerate() {
            let top = LEGEND + row * index as f64;
            let middle = layout.pick(top + row / 2.0, top + 20.0 + HALF);
            let mean = number(input.mean_magnitude);
            axis::row_label(&mut svg, layout, (top, row), axis::LABELS, &input.label, layout.pick("", &mean));
            if !layout.narrow {
                let part = if largest > 0.0 && input.mean_magnitude.is_finite() { input.mean_magnitude / largest } else { 0.0 };
                svg.rect("size", right + 18.0, middle - 5.0, (part * 60.0).max(1.5), 10.0);
                svg.text("small", (right + 24.0 + part * 60.0, middle + 4.0), Anchor::Start, &mean);
            }
            self.swarm(&mut svg, scale, middle, input, count <= LINKED);
        }
        svg
    }

    fn table(&self) -> Table {
        let rows = self.0.inputs.iter().map(|input| {
            let of = |choose: fn(f64, f64) -> f64| {
                input.points.iter().map(|point| point.attribution).filter(|value| value.is_finite()).reduce(choose)
            };
            vec![
                Cell::words(&input.label),
                Cell::number(input.mean_magnitude),
                Cell::signed(of(f64::min)),
                Cell::signed(of(f64::max)),
                Cell::shown(input.points.len() as f64, |count| format!("{count:.0}")),
            ]
        });
        let caption = with_unit("Contributions over all decisions, in".into(), &self.0.unit);
        Table::new(caption, &["Input", "Mean size", "Lowest", "Highest", "Decisions"]).with(rows)
    }

    fn numbers(&self) -> Table {
        let rows = self.0.inputs.iter().flat_map(|input| {
            input.points.iter().map(|point| {
                let decision = self.0.decisions.get(point.decision);
                vec![
                    Cell::words(&input.name),
                    Cell::words(&input.label),
                    decision.map_or_else(|| Cell::words(""), |decision| Cell::decision(&decision.label, &decision.digest)),
                    Cell::number(decision.map(|decision| decision.at as f64)),
                    Cell::number(point.value),
                    Cell::number(point.attribution),
                ]
            })
        });
        Table::new(self.title(), &["Name", "Input", "Decision", "At", "Value", "Contribution"]).with(rows)
    }
}

impl BeeswarmPlot<'_> {
    fn swarm(&self, svg: &mut Svg, scale: Scale, middle: f64, input: &InputOverview, linked: bool) {
        let points: Vec<&SwarmPoint> = input.points.iter().filter(|point| point.attribution.is_finite()).collect();
        let places = spread(&points.iter().map(|point| scale.place(point.attribution)).collect::<Vec<_>>());
        if !linked {
            let mut shades = vec![Path::default(); SHADES + 1];
            for (point, (x, y)) in points.iter().zip(places) {
                let shade = &mut shades[shade(point.relative)];
                *shade = std::mem::take(shade).dot(x, middle + y);
            }
            for (index, path) in shades.into_iter().enumerate().filter(|(_, path)| !path.is_empty()) {
                svg.path(&format!("{} many", class(index)), &path);
            }
            return;
        }
        for (point, (x, y)) in points.iter().zip(places) {
            let shade = shade(point.relative);
            let dot = |svg: &mut Svg| svg.circle(class(shade), (x, middle + y), radius(shade));
            match self.0.decisions.get(point.decision) {
                Some(decision) => {
                    let value = with_unit(known(point.value), &input.unit);
                    let label = format!("{}: {} {value}, {}", decision.label, input.label, signed(point.attribution));
                    svg.link(&decision_href(&decision.digest), &label, dot);
                }
                None => dot(svg),
            }
        }
    }
}

/// Where dots at these places go so that they lie beside each other: (along, off the middle). A crowd is pressed together
/// rather than leaving its row.
fn spread(along: &[f64]) -> Vec<(f64, f64)> {
    const BIN: f64 = 5.0;
    const APART: f64 = 6.4;
    let bin = |x: f64| (x / BIN).floor() as i64;
    let mut heights = std::collections::BTreeMap::<i64, usize>::new();
    along.iter().for_each(|x| *heights.entry(bin(*x)).or_default() += 1);
    let mut placed = std::collections::BTreeMap::<i64, usize>::new();
    along
        .iter()
        .map(|x| {
            let total = heights[&bin(*x)];
            let index = placed.entry(bin(*x)).or_default();
            let apart = APART.min(2.0 * (HALF - 3.0) / total.saturating_sub(1).max(1) as f64);
            // From the middle outwards, by turns above and below.
            let rank = index.div_ceil(2) as f64 * if index.is_multiple_of(2) { 1.0 } else { -1.0 };
            *index += 1;
            let middle = if total.is_multiple_of(2) { apart / 2.0 } else { 0.0 };
            (*x, rank * apart + middle)
        })
        .collect()
}

fn legend(svg: &mut Svg, layout: Layout) {
    let y = 12.0;
    let mut x = layout.pick(axis::LABELS + 22.0, 0.0);
    svg.text("small soft", (x, y + 4.0), Anchor::Start, "value: lowest");
    x += 78.0;
    for index in 0..SHADES {
        svg.circle(class(index), (x + 6.0, y), radius(index));
        x += 12.0;
    }
    svg.text("small soft", (x + 6.0, y + 4.0), Anchor::Start, "highest");
    svg.circle(class(SHADES), (x + 74.0, y), radius(SHADES));
    svg.text("small soft", (x + 82.0, y + 4.0), Anchor::Start, "not known");
    if !layout.narrow {
        svg.text("small soft", (layout.width - 112.0, y + 4.0), Anchor::Start, "mean size");
    }
}

/// Attributions of many decisions, as swarms, with the mean magnitudes beside them.
#[component]
pub fn Beeswarm(overview: Overview, #[prop(optional_no_strip, into)] export: Option<String>) -> impl IntoView {
    figure(&BeeswarmPlot(&overview), Frame { export, ..Frame::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_stays_in_its_row() {
        let places = spread(&[50.0; 300]);
        assert!(places.iter().all(|(_, y)| y.abs() <= HALF), "{places:?}");
        assert_eq!(spread(&[1.0]), [(1.0, 0.0)]);
        let pair = spread(&[1.0, 1.0]);
        assert_eq!(pair[0].1, -pair[1].1);
    }

    #[test]
    fn the_lowest_and_the_highest_have_shades_of_their_own() {
        assert_eq!([shade(Some(0.0)), shade(Some(1.0)), shade(Some(f64::NAN)), shade(None)], [0, 4, 5, 5]);
    }
}
