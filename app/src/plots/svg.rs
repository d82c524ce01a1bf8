//! A drawing being made: shapes and text with classes, which the stylesheet colours. The same drawing stands in a page, where
//! marks can be reached by keyboard, and in a file of its own.

use std::fmt::Write;

use super::text::{escaped, shortened};

/// The size of the line at the very foot of a drawing, in which marks say their numbers; the title of the axis makes way.
const READOUT: f64 = 13.0;

/// What a drawing is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// In units that are about a pixel.
    pub width: f64,
    /// Labels stand above what they name, not beside it.
    pub narrow: bool,
    /// In a page: marks can be pointed at and focused, and dots link to decisions.
    pub live: bool,
}

impl Layout {
    pub const WIDE: Self = Self { width: 760.0, narrow: false, live: true };
    /// For a phone.
    pub const NARROW: Self = Self { width: 360.0, narrow: true, live: true };
    /// For a file of its own.
    pub const STILL: Self = Self { width: 760.0, narrow: false, live: false };

    /// One or the other, as the width asks.
    pub fn pick<T>(self, wide: T, narrow: T) -> T {
        if self.narrow { narrow } else { wide }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// Everything between `<svg>` and `</svg>`, and its size.
#[derive(Clone, Debug)]
pub struct Svg {
    pub width: f64,
    pub height: f64,
    has_marks: bool,
    has_links: bool,
    layout: Layout,
    body: String,
}

impl Svg {
    pub fn new(layout: Layout, height: f64) -> Self {
        Self { width: layout.width, height, has_marks: false, has_links: false, layout, body: String::new() }
    }

    /// Whether anything in it can be focused or followed, so that it is not one picture but a group of them.
    pub fn is_group(&self) -> bool {
        self.has_marks || self.has_links
    }

    /// The markup. In a group, what is not a mark is hidden from screen readers, who get the marks and the description.
    pub fn body(&self) -> String {
        match (self.has_marks, self.layout.narrow) {
            _ if !self.is_group() => self.body.clone(),
            (true, false) => {
                let hint = format!(
                    r#"<text class="hint" x="0" y="{}">Point at something, or tab to it, for its numbers.</text>"#,
                    Place(self.height - 6.0)
                );
                format!(r#"<g aria-hidden="true">{}{hint}</g>"#, self.body)
            }
            _ => format!(r#"<g aria-hidden="true">{}</g>"#, self.body),
        }
    }

    pub fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
            Place(x),
            Place(y),
            Place(width.max(0.0)),
            Place(height.max(0.0))
        );
    }

    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = write!(
            self.body,
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            Place(from.0),
            Place(from.1),
            Place(to.0),
            Place(to.1)
        );
    }

    pub fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = write!(self.body, r#"<circle class="{class}" cx="{}" cy="{}" r="{}"/>"#, Place(x), Place(y), Place(radius));
    }

    pub fn path(&mut self, class: &str, path: &Path) {
        let _ = write!(self.body, r#"<path class="{class}" d="{}"/>"#, path.0);
    }

    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        if text.is_empty() {
            return;
        }
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        let _ = write!(self.body, r#"<text{class} x="{}" y="{}"{anchor}>{}</text>"#, Place(x), Place(y), escaped(text));
    }

    /// Something that says its numbers at the foot of the drawing when it is pointed at or focused. Marks do not nest.
    pub fn mark(&mut self, label: &str, draw: impl FnOnce(&mut Self)) {
        let words = escaped(label);
        if self.layout.live {
            self.has_marks = true;
            let _ = write!(self.body, r#"</g><g class="mark" tabindex="0" role="img" aria-label="{words}">"#);
            draw(self);
            let tip = escaped(&shortened(label, self.width, READOUT));
            let _ = write!(self.body, r#"<text class="tip" x="0" y="{}">{tip}</text></g><g aria-hidden="true">"#, Place(self.height - 6.0));
        } else {
            let _ = write!(self.body, "<g><title>{words}</title>");
            draw(self);
            self.body.push_str("</g>");
        }
    }

    /// The ground on which a mark can be pointed at; it is drawn first.
    pub fn ground(&mut self, x: f64, y: f64, width: f64, height: f64) {
        if self.layout.live {
            self.rect("ground", x, y, width, height);
        }
    }

    /// Something to press that leads to a decision. Keyboards find the same link in the table.
    pub fn link(&mut self, href: &str, label: &str, draw: impl FnOnce(&mut Self)) {
        if self.layout.live {
            self.has_links = true;
            let _ = write!(self.body, r#"<a href="{}" tabindex="-1"><title>{}</title>"#, escaped(href), escaped(label));
            draw(self);
            self.body.push_str("</a>");
        } else {
            let _ = write!(self.body, "<g><title>{}</title>", escaped(label));
            draw(self);
            self.body.push_str("</g>");
        }
    }
}

/// The outline of a shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    pub fn at(x: f64, y: f64) -> Self {
        Self::default().to(x, y)
    }

    /// Moves there without drawing.
    pub fn to(mut self, x: f64, y: f64) -> Self {
        let _ = write!(self.0, "M{} {}", Place(x), Place(y));
        self
    }

    pub fn line(mut self, x: f64, y: f64) -> Self {
        let _ = write!(self.0, "L{} {}", Place(x), Place(y));
        self
    }

    /// Straight from one place to the next.
    pub fn through(places: impl IntoIterator<Item = (f64, f64)>) -> Self {
        places.into_iter().fold(Self::default(), |line, (x, y)| if line.is_empty() { line.to(x, y) } else { line.line(x, y) })
    }

    /// Along first, then up or down: a value holds until it changes.
    pub fn step(mut self, x: f64, y: f64) -> Self {
        let _ = write!(self.0, "H{}V{}", Place(x), Place(y));
        self
    }

    /// A dot, as wide as the stroke.
    pub fn dot(mut self, x: f64, y: f64) -> Self {
        let _ = write!(self.0, "M{} {}h0", Place(x), Place(y));
        self
    }

    pub fn closed(mut self) -> Self {
        self.0.push('z');
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A bar whose end points the way it goes, so that its direction shows without colour.
    pub fn arrow(from: f64, to: f64, top: f64, height: f64) -> Self {
        let sign = if to < from { -1.0 } else { 1.0 };
        let to = if (to - from).abs() < 2.0 { from + 2.0 * sign } else { to };
        let tip = ((to - from).abs() * 0.6).min(height * 0.32) * sign;
        Self::at(from, top).line(to - tip, top).line(to, top + height / 2.0).line(to - tip, top + height).line(from, top + height).closed()
    }
}

/// A coordinate: one digit after the point is finer than a pixel.
struct Place(f64);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = if self.0.is_finite() { (self.0 * 10.0).round().clamp(-1e6, 1e6) } else { 0.0 };
        let whole = tenths / 10.0;
        if tenths % 10.0 == 0.0 { write!(f, "{:.0}", whole + 0.0) } else { write!(f, "{whole:.1}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_anything_but_numbers() {
        let places: Vec<String> = [1.0, 2.25, -0.01, f64::NAN, f64::INFINITY, 1e300].map(|place| Place(place).to_string()).into();
        assert_eq!(places, ["1", "2.3", "0", "0", "0", "100000"]);
    }

    #[test]
    fn marks_speak_in_a_page_and_have_titles_in_a_file() {
        let drawn = |layout| {
            let mut svg = Svg::new(layout, 100.0);
            svg.mark("a <b>", |svg| svg.circle("dot", (1.0, 2.0), 3.0));
            svg.body()
        };
        let page = drawn(Layout::WIDE);
        assert!(page.contains(r#"tabindex="0" role="img" aria-label="a &lt;b&gt;""#));
        assert_eq!(page.matches("<g").count(), page.matches("</g>").count());
        let file = drawn(Layout::STILL);
        assert_eq!(file, r#"<g><title>a &lt;b&gt;</title><circle class="dot" cx="1" cy="2" r="3"/></g>"#);
    }

    #[test]
    fn a_bar_of_no_length_can_still_be_seen() {
        assert_eq!(Path::arrow(10.0, 10.0, 0.0, 10.0), Path::arrow(10.0, 12.0, 0.0, 10.0));
    }
}
