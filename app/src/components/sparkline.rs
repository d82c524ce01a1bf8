//! A value's past as a small step chart.

use leptos::prelude::*;

/// `points` are (unix seconds, value), oldest first; `now` is where the last step ends. One point alone draws nothing.
#[component]
pub fn Sparkline(points: Vec<(u64, f64)>, now: u64, #[prop(into)] label: String) -> impl IntoView {
    (points.len() > 1).then(|| {
        let Steps { path, end } = steps(&points, now);
        view! {
            <svg class="spark" viewBox="0 0 140 24" preserveAspectRatio="none" role="img" aria-label=label>
                <path class="spark-base" d="M0 23.500H140"/>
                <path d=path/>
                <circle cx="140" cy=end r="2.500"/>
            </svg>
        }
    })
}

struct Steps {
    path: String,
    end: String,
}

fn steps(points: &[(u64, f64)], now: u64) -> Steps {
    let first = points.first().map_or(0, |point| point.0);
    let last = points.last().map_or(first, |point| point.0).max(now).max(first + 1);
    let low = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let x = |at: u64| at.saturating_sub(first) as f64 / (last - first) as f64 * 140.0;
    let y = |value: f64| 21.0 - (value - low) / span * 18.0;
    let mut path = String::new();
    for (index, (at, value)) in points.iter().enumerate() {
        if index == 0 {
            path = format!("M0 {:.1}", y(*value));
        } else {
            path.push_str(&format!("H{:.1}V{:.1}", x(*at), y(*value)));
        }
    }
    path.push_str("H140");
    Steps { path, end: format!("{:.1}", points.last().map_or(12.0, |point| y(point.1))) }
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn a_value_holds_until_its_next_change() {
        let drawn = steps(&[(0, 10.0), (50, 20.0)], 100);
        assert_eq!(drawn.path, "M0 21.0H70.0V3.0H140");
        assert_eq!(drawn.end, "3.0");
    }

    #[test]
    fn a_value_that_returned_to_itself_is_a_flat_line() {
        assert_eq!(steps(&[(0, 5.0), (10, 5.0)], 10).path, "M0 21.0H140.0V21.0H140");
    }
}
