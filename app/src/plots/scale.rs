//! From values to places on a drawing.

/// A linear scale. What lies outside is drawn at the edge, so that nothing ever leaves the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale over all finite values, drawn between `from` and `to`. Without a spread it gets one, so that a single value
    /// lies in the middle.
    pub fn over(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite()).map(|value| value.clamp(-1e300, 1e300));
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = match (low, high) {
            (low, high) if low > high => (0.0, 1.0),
            (low, high) if high - low <= low.abs().max(high.abs()) * 1e-12 => {
                let half = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
                (low - half, high + half)
            }
            spread => spread,
        };
        Self { low, high, from, to }
    }

    /// The same with a little room at both ends.
    pub fn roomy(self, part: f64) -> Self {
        let room = (self.high - self.low) * part;
        Self { low: self.low - room, high: self.high + room, ..self }
    }

    /// The place of a value. The middle for what is not a number.
    pub fn place(self, value: f64) -> f64 {
        if value.is_nan() {
            return f64::midpoint(self.from, self.to);
        }
        self.from + ((value.clamp(self.low, self.high) - self.low) / (self.high - self.low)) * (self.to - self.from)
    }

    pub fn low(self) -> f64 {
        self.low
    }

    pub fn high(self) -> f64 {
        self.high
    }

    pub fn from(self) -> f64 {
        self.from
    }

    pub fn to(self) -> f64 {
        self.to
    }

    /// Round numbers within the scale, about so many, and how far apart they are.
    pub fn ticks(self, about: usize) -> (Vec<f64>, f64) {
        let step = self.step(about);
        let first = (self.low / step - 1e-9).ceil();
        let ticks = (0..=about * 3).map(|index| (first + index as f64) * step).take_while(|tick| *tick <= self.high + step * 1e-9);
        (ticks.filter(|tick| tick.is_finite()).collect(), step)
    }

    /// 1, 2 or 5 times a power of ten, whichever comes nearest to so many steps.
    fn step(self, about: usize) -> f64 {
        let raw = (self.high - self.low) / about.max(1) as f64;
        let power = 10_f64.powf(raw.log10().floor());
        let factor = match raw / power {
            small if small < 1.4 => 1.0,
            middle if middle < 3.2 => 2.0,
            large if large < 7.1 => 5.0,
            _ => 10.0,
        };
        (factor * power).max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_inside_the_scale() {
        let (ticks, step) = Scale::over([15.3, 27.4], 0.0, 100.0).ticks(5);
        assert_eq!((ticks, step), (vec![16.0, 18.0, 20.0, 22.0, 24.0, 26.0], 2.0));
    }

    #[test]
    fn every_value_has_a_place_inside() {
        for values in [vec![], vec![3.0], vec![0.0, 0.0], vec![f64::NAN, f64::INFINITY], vec![-f64::MAX, f64::MAX], vec![1e-300, 2e-300]] {
            let scale = Scale::over(values.clone(), 10.0, 90.0).roomy(0.05);
            for value in values.into_iter().chain([0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]) {
                let place = scale.place(value);
                assert!((10.0..=90.0).contains(&place), "{value} at {place} of {scale:?}");
            }
            assert!(scale.ticks(5).0.len() <= 16);
        }
    }

    #[test]
    fn a_scale_may_run_downward() {
        assert_eq!(Scale::over([-2.0, 6.0], 0.0, 80.0).place(0.0), 20.0);
        let downward = Scale::over([-2.0, 6.0], 80.0, 0.0);
        assert_eq!(downward.place(6.0), 0.0);
    }
}
