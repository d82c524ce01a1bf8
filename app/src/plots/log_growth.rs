//! How a log grew, and how far the chain holds it.

use leptos::prelude::*;

use super::{
    axis,
    figure::{Frame, Plot, figure},
    number::number,
    scale::Scale,
    svg::{Layout, Path, Svg},
    table::{Cell, Table},
};
use crate::views::AnchorView;

const LEFT: f64 = 52.0;

/// Moments and how many entries tell of something until then, oldest first, and the anchors on chain.
#[derive(Clone, Copy, Debug)]
pub struct LogGrowthPlot<'a> {
    pub growth: &'a [(u64, u64)],
    pub anchors: &'a [AnchorView],
}

impl Plot for LogGrowthPlot<'_> {
    fn id(&self) -> String {
        "log-growth".into()
    }

    fn title(&self) -> String {
        "How the log grew".into()
    }

    fn caption(&self) -> String {
        if self.anchors.is_empty() {
            "Entries by the time of what they tell.".into()
        } else {
            "Entries by the time of what they tell. A dot is a root that the chain holds: nothing below it can be changed unseen by anyone."
                .into()
        }
    }

    fn words(&self) -> String {
        let Some(((from, _), (to, size))) = self.growth.first().zip(self.growth.last()) else { return "The log is empty.".into() };
        let anchors = match self.anchors.len() {
            0 => "No anchor is known.".to_owned(),
            1 => format!("One anchor, over {} entries.", self.anchors[0].size),
            many => {
                format!("{many} anchors, the largest over {} entries.", self.anchors.iter().map(|anchor| anchor.size).max().unwrap_or(0))
            }
        };
        format!("{size} entries between {} and {}. {anchors}", axis::day(*from), axis::day(*to))
    }

    fn draw(&self, layout: Layout) -> Svg {
        let (top, below) = (12.0, layout.pick(180.0, 160.0));
        let mut svg = Svg::new(layout, below + 30.0);
        let moments = self.growth.iter().map(|(at, _)| *at).chain(self.anchors.iter().map(|anchor| anchor.at));
        let x = Scale::over(moments.map(|at| at as f64), LEFT + 8.0, layout.width - 12.0);
        let sizes = self.growth.iter().map(|(_, size)| *size as f64).chain([0.0]);
        let y = Scale::over(sizes, below, top);
        axis::left(&mut svg, y, (LEFT, layout.width));
        axis::days(&mut svg, x, (top, below));
        if let Some((first, rest)) = self.growth.split_first() {
            let start = Path::at(x.place(first.0 as f64), y.place(first.1 as f64));
            let line = rest.iter().fold(start, |line, (at, size)| line.step(x.place(*at as f64), y.place(*size as f64)));
            svg.path("thin", &line);
        }
        for anchor in self.anchors {
            let label = format!("{}: block {} holds the root over {} entries", axis::day(anchor.at), anchor.block, anchor.size);
            svg.mark(&label, |svg| {
                let place = (x.place(anchor.at as f64), y.place(anchor.size as f64));
                svg.ground(place.0 - 8.0, place.1 - 8.0, 16.0, 16.0);
                svg.circle("dot here", place, 4.2);
            });
        }
        svg
    }

    fn table(&self) -> Table {
        let grown = self.growth.iter().map(|(at, size)| vec![Cell::words(axis::day(*at)), Cell::number(*size as f64), Cell::words("")]);
        let anchored = self.anchors.iter().map(|anchor| {
            let block = format!("block {}, by {}", number(anchor.block as f64), anchor.account.label());
            vec![Cell::words(axis::day(anchor.at)), Cell::number(anchor.size as f64), Cell::words(block)]
        });
        Table::new("Entries over time", &["When", "Entries", "Anchored"]).with(grown).with(anchored)
    }
}

/// The size of the log over time, with what the chain holds of it.
#[component]
pub fn LogGrowth(growth: Vec<(u64, u64)>, anchors: Vec<AnchorView>) -> impl IntoView {
    figure(&LogGrowthPlot { growth: &growth, anchors: &anchors }, Frame::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_begins_at_the_first_entry_and_anchors_are_dots_on_it() {
        let anchor = AnchorView {
            chain: String::new(),
            contract: String::new(),
            account: Default::default(),
            origin: String::new(),
            size: 4,
            root: String::new(),
            block: 77,
            at: 1_795_000_000,
            transaction: String::new(),
            finalized: true,
        };
        let growth = [(1_794_000_000, 1), (1_794_500_000, 5), (1_795_000_000, 9)];
        let plot = LogGrowthPlot { growth: &growth, anchors: &[anchor] };
        let drawn = plot.draw(Layout::WIDE).body();
        assert_eq!(drawn.matches("class=\"dot here\"").count(), 1);
        assert!(drawn.contains("block 77 holds the root over 4 entries"));
        assert!(plot.words().starts_with("9 entries"), "{}", plot.words());
        assert_eq!(plot.table().rows.len(), 4);
        let empty = LogGrowthPlot { growth: &[], anchors: &[] };
        assert_eq!((empty.words().as_str(), empty.draw(Layout::NARROW).body().contains("NaN")), ("The log is empty.", false));
    }
}
