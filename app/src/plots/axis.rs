//! Axes and what else plots share: grids, ticks, and labels beside or above rows.

use governance::calendar;

use super::{
    number::{number, tick},
    scale::Scale,
    svg::{Anchor, Layout, Svg},
    text::{shortened, width, wrapped},
};

/// Font sizes, as in the stylesheet.
pub const SIZE: f64 = 13.0;
pub const SMALL: f64 = 12.0;
/// What an axis with a title takes up below the plot.
pub const AXIS: f64 = 42.0;

/// A horizontal axis below a plot, with a faint line up to `top` at each tick.
pub fn bottom(svg: &mut Svg, scale: Scale, (top, y): (f64, f64), title: &str) {
    let (ticks, step) = scale.ticks((((scale.to() - scale.from()) / 76.0) as usize).clamp(2, 8));
    let mut free = f64::NEG_INFINITY;
    for value in ticks {
        let x = scale.place(value);
        svg.line("grid", (x, top), (x, y + 4.0));
        let label = tick(value, step);
        let half = width(&label, SMALL) / 2.0;
        if x - half > free {
            svg.text("small soft", (x, y + 18.0), Anchor::Middle, &label);
            free = x + half + 8.0;
        }
    }
    svg.line("axis", (scale.from(), y), (scale.to(), y));
    svg.text("small soft title", (scale.to(), y + 36.0), Anchor::End, &shortened(title, svg.width, SMALL));
}

/// A vertical axis left of a plot, with a faint line to `right` at each tick.
pub fn left(svg: &mut Svg, scale: Scale, (x, right): (f64, f64)) {
    let (ticks, step) = scale.ticks((((scale.from() - scale.to()) / 60.0) as usize).clamp(2, 8));
    for value in ticks {
        let y = scale.place(value);
        svg.line("grid", (x, y), (right, y));
        svg.text("small soft", (x - 8.0, y + 4.0), Anchor::End, &tick(value, step));
    }
}

/// Days along the bottom.
pub fn days(svg: &mut Svg, scale: Scale, (top, y): (f64, f64)) {
    let count = (((scale.to() - scale.from()) / 130.0) as usize).clamp(1, 6);
    svg.line("axis", (scale.from(), y), (scale.to(), y));
    for index in 0..=count {
        let at = scale.low() + (scale.high() - scale.low()) * index as f64 / count as f64;
        let x = scale.place(at);
        svg.line("grid", (x, top), (x, y + 4.0));
        let anchor = match index {
            0 => Anchor::Start,
            last if last == count => Anchor::End,
            _ => Anchor::Middle,
        };
        svg.text("small soft", (x, y + 18.0), anchor, &day(at.max(0.0) as u64));
    }
}

/// `16 Nov 2026`.
pub fn day(at: u64) -> String {
    let text = calendar::date_time(at);
    text.split_once(',').map_or(text.clone(), |(day, _)| day.to_owned())
}

/// Probabilities above a plot of log-odds.
pub fn probabilities(svg: &mut Svg, scale: Scale, y: f64) {
    const ROUND: [f64; 15] = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];
    let inside = |parts: Vec<f64>| -> Option<Vec<f64>> {
        let margins = parts.into_iter().map(|part| (part / (1.0 - part)).ln());
        let found: Vec<f64> = margins.filter(|at| (scale.low()..=scale.high()).contains(at)).collect();
        (found.len() >= 3).then_some(found)
    };
    let every = |count: u32| (1..count).map(|index| f64::from(index) / f64::from(count)).collect();
    // Round ones where the plot is wide in log-odds, finer ones where it is not, and whatever there is where nothing is round.
    let chosen = inside(ROUND.into())
        .or_else(|| [10, 20, 50, 100, 1_000].into_iter().find_map(|count| inside(every(count))))
        .unwrap_or_else(|| (0..4).map(|index| scale.low() + (scale.high() - scale.low()) * f64::from(index) / 3.0).collect());
    let mut free = f64::NEG_INFINITY;
    for at in chosen {
        let x = scale.place(at);
        let label = probability(at);
        let half = width(&label, SMALL) / 2.0;
        if x - half < free {
            continue;
        }
        free = x + half + 8.0;
        svg.line("axis", (x, y), (x, y + 5.0));
        svg.text("small soft", (x, y - 5.0), Anchor::Middle, &label);
    }
    svg.line("axis", (scale.from(), y), (scale.to(), y));
    svg.text("small soft", (scale.to(), y - 22.0), Anchor::End, "probability");
}

/// The probability of these log-odds, in per cent.
pub fn probability(margin: f64) -> String {
    let part = 100.0 / (1.0 + (-margin).exp());
    if part > 99.5 && part < 100.0 { format!("{}%", (part * 1000.0).floor() / 1000.0) } else { format!("{}%", number(part)) }
}

/// Room for labels beside rows, alone and with values.
pub const LABELS: f64 = 218.0;
pub const LABELS_AND_VALUES: f64 = 284.0;

/// How high a row is that has this label, beside the plot `fits` wide.
pub fn row_height(layout: Layout, fits: f64, label: &str, extra: &str) -> f64 {
    layout.pick(if label_lines(layout, fits, label, extra).len() > 1 { 44.0 } else { 34.0 }, 50.0)
}

/// The middle of what is drawn in a row.
pub fn row_middle(layout: Layout, top: f64, height: f64) -> f64 {
    layout.pick(top + height / 2.0, top + 34.0)
}

/// A row's label, beside the plot or above it, and softer what belongs to it, such as an input's value.
pub fn row_label(svg: &mut Svg, layout: Layout, (top, height): (f64, f64), fits: f64, label: &str, extra: &str) {
    let lines = label_lines(layout, fits, label, extra);
    let first = layout.pick(top + height / 2.0 + 4.5 - 8.0 * (lines.len() as f64 - 1.0), top + 17.0);
    for (index, line) in lines.iter().enumerate() {
        svg.text("", (0.0, first + 16.0 * index as f64), Anchor::Start, line);
    }
    let at = layout.pick(top + height / 2.0 + 4.5, first);
    svg.text("soft", (layout.pick(fits, layout.width), at), Anchor::End, &shortened(extra, EXTRA, SIZE));
}

/// Room for an input's value.
const EXTRA: f64 = 112.0;

fn label_lines(layout: Layout, fits: f64, label: &str, extra: &str) -> Vec<String> {
    let taken = if extra.is_empty() { 0.0 } else { width(extra, SIZE).min(EXTRA) + 12.0 };
    wrapped(label, layout.pick(fits, layout.width) - taken, SIZE, layout.pick(2, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_are_written_as_probabilities() {
        assert_eq!([probability(0.0), probability(2.0), probability(-40.0), probability(8.0)], ["50%", "88.1%", "4.25×10⁻¹⁶%", "99.966%"]);
        assert_eq!(probability(800.0), "100%");
    }

    #[test]
    fn probabilities_stand_where_their_log_odds_do() {
        let scale = Scale::over([-3.0, 3.0], 0.0, 600.0);
        let mut svg = Svg::new(Layout::STILL, 100.0);
        probabilities(&mut svg, scale, 30.0);
        assert!(svg.body().contains(r#"<text class="small soft" x="300" y="25" text-anchor="middle">50%</text>"#));
        assert!(svg.body().contains(">5%<") && svg.body().contains(">95%<"));
    }

    #[test]
    fn a_long_label_makes_its_row_higher_only_where_there_is_room_beside_the_plot() {
        let label = "Share of offered mints that were taken within the last seven days";
        assert_eq!(row_height(Layout::WIDE, LABELS, label, "97%"), 44.0);
        assert_eq!(row_height(Layout::NARROW, LABELS, label, "97%"), row_height(Layout::NARROW, LABELS, "Price", ""));
    }
}
