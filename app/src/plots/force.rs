//! The same contributions as one line: what pushed up meets what pushed down at the answer.

use governance::explanation::{Bar, model::Link};
use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::{signed, with_unit},
    scale::Scale,
    svg::{Anchor, Layout, Path, Svg},
    table::Table,
    text::{listed, shortened},
    waterfall::{Contributions, WaterfallPlot},
};

const TOP: f64 = 44.0;
const THICK: f64 = 30.0;
/// A piece narrower than this has no room for its label.
const LABELLED: f64 = 44.0;

#[derive(Clone, Copy, Debug)]
pub struct ForcePlot<'a>(pub &'a Contributions);

impl ForcePlot<'_> {
    /// Those of one sign, the largest next to the answer.
    fn pushing(&self, sign: f64) -> Vec<Bar> {
        self.0.bars.iter().filter(|bar| bar.attribution.is_finite() && bar.attribution * sign > 0.0).cloned().collect()
    }
}

impl Plot for ForcePlot<'_> {
    fn id(&self) -> String {
        "force".into()
    }

    fn title(&self) -> String {
        "Push and pull".into()
    }

    fn caption(&self) -> String {
        "What pushed the answer up comes from the left, what pushed it down from the right; they meet at the answer.".into()
    }

    fn words(&self) -> String {
        let say = |bars: Vec<Bar>| {
            let said: Vec<String> = bars.iter().take(8).map(|bar| format!("{} {}", bar.label, signed(bar.attribution))).collect();
            if said.is_empty() { "nothing".into() } else { listed(&said) }
        };
        format!(
            "Upward: {}. Downward: {}. They meet at {}; {} is usual.",
            say(self.pushing(1.0)),
            say(self.pushing(-1.0)),
            with_unit(self.0.answer(self.0.output), &self.0.unit),
            self.0.answer(self.0.baseline)
        )
    }

    fn draw(&self, layout: Layout) -> Svg {
        let all = self.0;
        let (up, down) = (self.pushing(1.0), self.pushing(-1.0));
        let sum = |bars: &[Bar]| bars.iter().map(|bar| bar.attribution.abs()).sum::<f64>();
        let foot = TOP + THICK + 46.0;
        let mut svg = Svg::new(layout, foot + axis::AXIS);
        let ends = [all.output - sum(&up), all.output + sum(&down), all.baseline, all.output];
        let scale = Scale::over(ends, 4.0, layout.width - 4.0);
        axis::bottom(&mut svg, scale, (TOP - 8.0, foot), &all.axis_title());

        let mut end = all.output;
        for bar in &up {
            push(&mut svg, scale, (end - bar.attribution, end), bar, "up");
            end -= bar.attribution;
        }
        end = all.output;
        for bar in &down {
            push(&mut svg, scale, (end - bar.attribution, end), bar, "down");
            end -= bar.attribution;
        }
        let (usual, answer) = (scale.place(all.baseline), scale.place(all.output));
        svg.line("usual", (usual, TOP - 9.0), (usual, TOP + THICK));
        svg.rect("total", answer - 1.5, TOP - 10.0, 3.0, THICK + 20.0);
        let (anchor, x) = beside(answer, layout.width);
        svg.text("strong", (x, 14.0), anchor, &format!("This answer {}", all.answer(all.output)));
        let (anchor, x) = beside(usual, layout.width);
        svg.text("small soft", (x, 30.0), anchor, &format!("usual {}", all.answer(all.baseline)));
        svg
    }

    fn table(&self) -> Table {
        WaterfallPlot(self.0).table()
    }
}

/// A label stays inside the drawing.
fn beside(x: f64, width: f64) -> (Anchor, f64) {
    match x / width {
        left if left < 0.25 => (Anchor::Start, (x - 2.0).max(0.0)),
        right if right > 0.75 => (Anchor::End, (x + 2.0).min(width)),
        _ => (Anchor::Middle, x),
    }
}

/// `span` is where the piece begins and where it points.
fn push(svg: &mut Svg, scale: Scale, span: (f64, f64), bar: &Bar, class: &str) {
    let (from, to) = (scale.place(span.0), scale.place(span.1));
    let size = (to - from).abs();
    let value = if bar.value_text.is_empty() { String::new() } else { format!(", {}", bar.value_text) };
    svg.mark(&format!("{}{value}: {}", bar.label, signed(bar.attribution)), |svg| {
        let notch = (THICK * 0.3).min(size * 0.6) * (to - from).signum();
        let middle = TOP + THICK / 2.0;
        let shape = Path::at(from, TOP).line(to - notch, TOP).line(to, middle).line(to - notch, TOP + THICK).line(from, TOP + THICK);
        let shape = if size > 3.0 { shape.line(from + notch, middle).closed() } else { shape.closed() };
        svg.path(&format!("{class} push"), &shape);
        if size >= LABELLED {
            let x = f64::midpoint(from, to);
            svg.text("strong", (x, TOP + THICK + 18.0), Anchor::Middle, &signed(bar.attribution));
            let label = shortened(&bar.label, size - 8.0, axis::SMALL);
            if label == bar.label || label.chars().count() > 9 {
                svg.text("small soft", (x, TOP + THICK + 34.0), Anchor::Middle, &label);
            }
        }
    });
}

/// The contributions of one decision as a single line; harder to read than [`super::Waterfall`], so shown on request.
#[component]
pub fn Force(
    bars: Vec<Bar>,
    baseline: f64,
    output: f64,
    #[prop(into)] unit: String,
    #[prop(optional_no_strip, into)] link: Option<Link>,
    #[prop(optional_no_strip, into)] export: Option<String>,
) -> impl IntoView {
    figure(&ForcePlot(&Contributions { baseline, output, unit, bars, link }), Frame { export, ..Frame::default() })
}
