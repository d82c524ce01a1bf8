//! Path data, written compactly with relative integer coordinates.

use std::fmt::Write;

pub(super) type Point = (i64, i64);

/// The `d` of an SVG path under construction.
#[derive(Default)]
pub(super) struct Path {
    data: String,
    at: Point,
}

impl Path {
    pub fn start(mut self, to: Point) -> Self {
        self.go(to);
        self
    }

    /// Lifts the pen and sets it down elsewhere.
    pub fn go(&mut self, to: Point) {
        self.letter('M');
        self.pair(to);
        self.at = to;
    }

    /// A straight stroke.
    pub fn line(&mut self, to: Point) {
        self.letter('l');
        self.pair((to.0 - self.at.0, to.1 - self.at.1));
        self.at = to;
    }

    /// A stroke bent towards one control point.
    pub fn bend(&mut self, control: Point, to: Point) {
        self.letter('q');
        self.pair((control.0 - self.at.0, control.1 - self.at.1));
        self.pair((to.0 - self.at.0, to.1 - self.at.1));
        self.at = to;
    }

    /// A smooth curve from here through every point.
    ///
    /// Each tangent is the Catmull-Rom one, a sixth of the chord between the
    /// neighbours, so the incoming and outgoing handles mirror each other and
    /// the short form of the cubic command suffices.
    pub fn through(&mut self, points: &[Point]) {
        for (i, &to) in points.iter().enumerate() {
            let from = self.at;
            let next = points.get(i + 1).copied().unwrap_or(to);
            let handle = ((next.0 - from.0) / 6, (next.1 - from.1) / 6);
            if i == 0 {
                self.letter('c');
                self.pair(((to.0 - from.0) / 6, (to.1 - from.1) / 6));
            } else if i == 1 {
                self.letter('s');
            }
            self.pair((to.0 - handle.0 - from.0, to.1 - handle.1 - from.1));
            self.pair((to.0 - from.0, to.1 - from.1));
            self.at = to;
        }
    }

    /// Joins the end to the start.
    pub fn close(&mut self) {
        self.letter('z');
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub fn data(&self) -> &str {
        &self.data
    }

    fn letter(&mut self, letter: char) {
        self.data.push(letter);
    }

    fn pair(&mut self, (x, y): Point) {
        self.number(x);
        self.number(y);
    }

    fn number(&mut self, value: i64) {
        if value >= 0 && self.data.ends_with(|c: char| c.is_ascii_digit()) {
            self.data.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.data, "{value}");
    }
}
