//! Gauss–Legendre quadrature: the few points at which a polynomial must be known for its integral to be exact.

/// Points and weights on [0, 1], points rising, that integrate every polynomial of degree below `2 * count` exactly.
///
/// Points are the roots of the Legendre polynomial, found by Newton's method from the usual cosine guess.
pub(super) fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let mut found = vec![(0.5, 1.0); count];
    for place in 0..count.div_ceil(2) {
        let mut root = (std::f64::consts::PI * (place as f64 + 0.75) / (count as f64 + 0.5)).cos();
        let mut slope = 1.0;
        // Converges quadratically from a guess that is good to a few digits; the bound is never met.
        for _ in 0..100 {
            let (value, derivative) = legendre(count, root);
            let step = value / derivative;
            root -= step;
            slope = derivative;
            if step.abs() < 1e-16 {
                break;
            }
        }
        let weight = 1.0 / ((1.0 - root * root) * slope * slope);
        found[place] = ((1.0 - root) / 2.0, weight);
        found[count - 1 - place] = ((1.0 + root) / 2.0, weight);
    }
    if count % 2 == 1 {
        found[count / 2].0 = 0.5;
    }
    found
}

/// The Legendre polynomial of this degree and its derivative, inside (-1, 1).
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut here) = (1.0, x);
    for n in 2..=degree {
        let n = n as f64;
        (before, here) = (here, ((2.0 * n - 1.0) * x * here - (n - 1.0) * before) / n);
    }
    (here, degree as f64 * (x * here - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for count in 1..=64 {
            let points = gauss_legendre(count);
            assert!(points.is_sorted_by(|a, b| a.0 < b.0));
            for power in 0..2 * count {
                let found: f64 = points.iter().map(|(t, w)| w * t.powi(power as i32)).sum();
                let expected = 1.0 / (power as f64 + 1.0);
                assert!((found - expected).abs() < 1e-14, "{count} points, power {power}: {found} is not {expected}");
            }
        }
    }
}
