//! A plot as files of its own.

use std::fmt::Write;

use serde::Serialize;

use super::{
    figure::Plot,
    svg::Layout,
    text::{escaped, wrapped},
};

/// What colours the marks, in the page and here.
const MARKS: &str = include_str!("../../style/marks.css");

/// The page's names for colours and fonts, as they are in light. A drawing on its own has no page to ask, and few programs
/// that open one know custom properties.
const LIGHT: [(&str, &str); 18] = [
    ("--paper", "#fdfaf3"),
    ("--paper-raised", "#fdfaf3"),
    ("--ink", "#18222d"),
    ("--ink-soft", "#545a5e"),
    ("--rule", "#d8cdb8"),
    ("--rule-strong", "#8a8271"),
    ("--accent", "#0d6557"),
    ("--accent-wash", "#dceae2"),
    ("--against", "#b4513f"),
    ("--bad", "#98281d"),
    ("--now", "#7d4a00"),
    ("--ramp-0", "#1f5fa8"),
    ("--ramp-1", "#4f779f"),
    ("--ramp-2", "#7b7466"),
    ("--ramp-3", "#a0671f"),
    ("--ramp-4", "#b8520a"),
    ("--sans", "'Source Sans 3', 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"),
    ("--serif", "Palatino, 'Palatino Linotype', Georgia, 'Liberation Serif', serif"),
];

/// The plot as a complete SVG document, with its title, its caption and its colours in it.
pub fn standalone(plot: &dyn Plot) -> String {
    const EDGE: f64 = 28.0;
    let svg = plot.draw(Layout::STILL);
    let caption = wrapped(&plot.caption(), svg.width, 13.0, 3);
    let top = 40.0 + 18.0 * caption.len() as f64 + 14.0;
    let (width, height) = (svg.width + 2.0 * EDGE, svg.height + top + 2.0 * EDGE);
    let (title, words) = (escaped(&plot.title()), escaped(&plot.words()));
    let mut lines = String::new();
    for (index, line) in caption.iter().enumerate() {
        let _ = write!(lines, r#"<text class="soft" x="0" y="{}">{}</text>"#, 42 + 18 * index, escaped(line));
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="plot-drawing" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-labelledby="title words"><title id="title">{title}</title><desc id="words">{words}</desc><style>{}</style><rect class="paper" width="{width:.0}" height="{height:.0}"/><g transform="translate({EDGE} {EDGE})"><text class="heading" x="0" y="16">{title}</text>{lines}<g transform="translate(0 {top:.0})">{}</g></g></svg>
"#,
        style(),
        svg.body()
    )
}

/// The stylesheet of the marks with its names replaced by what they stand for.
fn style() -> String {
    let mut style = MARKS.to_owned();
    for (name, value) in LIGHT {
        style = style.replace(&format!("var({name})"), value);
    }
    style
}

/// All numbers of a plot, as CSV with a header line.
pub fn csv(plot: &dyn Plot) -> String {
    plot.numbers().csv()
}

/// The data behind a plot, as JSON. What is not a number is `null`.
pub fn json(data: &impl Serialize) -> String {
    serde_json::to_string_pretty(data).unwrap_or_else(|_| "null".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_its_own_asks_no_page_for_anything() {
        let style = style();
        assert!(!style.contains("var("), "{style}");
        assert!(!style.contains("url(") && !style.contains("@import"));
    }

    #[test]
    fn colours_in_files_are_those_of_the_light_page() {
        let page = include_str!("../../style/main.css");
        let plots = include_str!("../../style/plots.css");
        for (name, value) in LIGHT.iter().filter(|(name, value)| value.starts_with('#') && *name != "--paper") {
            let line = format!("{name}: {value};");
            assert!(page.contains(&line) || plots.contains(&line), "{line}");
        }
    }
}
