//! Times on the chain's clock: absolute in UTC, in words, and counting down.
//!
//! The server writes the words once; a countdown ticks only after hydration, from the same first value.

use leptos::prelude::*;

use crate::{shell::Elapsed, views::Site};

pub use governance::calendar::{date_time, iso};

/// A length of time in its largest unit: `3 days`, `1 hour`, `40 seconds`.
pub fn duration_words(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..5_184_000 => (seconds / 86_400, "day"),
        5_184_000..63_072_000 => (seconds / 2_592_000, "month"),
        _ => (seconds / 31_536_000, "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What is left until a moment, in two units: `2 days 4 h`, `3 h 12 min`, `4 min 10 s`.
pub fn remaining_words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        86_400..172_800 => format!("1 day {} h", seconds / 3_600 % 24),
        _ => format!("{} days {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `3 days ago`, `in 2 hours`, `just now`.
pub fn relative_words(at: u64, now: u64) -> String {
    match at.abs_diff(now) {
        0..10 => "just now".into(),
        apart if at < now => format!("{} ago", duration_words(apart)),
        apart => format!("in {}", duration_words(apart)),
    }
}

/// A moment: the date, and how long ago or how soon as the page was read. `brief` shows the words alone, the date in its title.
#[component]
pub fn Moment(at: u64, #[prop(optional)] brief: bool) -> impl IntoView {
    let words = use_context::<Site>().map(|site| relative_words(at, site.chain_time));
    let date = date_time(at);
    match (brief, words) {
        (true, Some(words)) => view! { <time class="moment" datetime=iso(at) title=date>{words}</time> }.into_any(),
        (_, words) => view! {
            <time class="moment" datetime=iso(at)>{date}</time>
            {words.map(|words| view! { <span class="moment-ago">" ("{words}")"</span> })}
        }
        .into_any(),
    }
}

/// Time left until a moment on the chain's clock; `label` stands before it and `past` replaces both afterwards.
#[component]
pub fn Countdown(until: u64, #[prop(into)] label: String, #[prop(into)] past: String) -> impl IntoView {
    let (chain_time, rate) = use_context::<Site>().map_or((0, 0.0), |site| (site.chain_time, site.chain_rate));
    let elapsed = use_context::<Elapsed>();
    let left = move || {
        let passed = elapsed.map_or(0.0, |elapsed| elapsed.0.get()) * rate;
        until.saturating_sub(chain_time.saturating_add(passed.max(0.0) as u64))
    };
    // Closures over the page's own clock alone: nothing made here may outlive, or die before, the text it ticks in.
    let over = move || left() == 0;
    view! {
        <span class="countdown">
            <span>{move || if over() { past.clone() } else { label.clone() }}</span>
            " "
            <b>
                <time datetime=iso(until) title=date_time(until)>
                    {move || if over() { String::new() } else { remaining_words(left()) }}
                </time>
            </b>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_in_two_units() {
        assert_eq!(remaining_words(59), "59 s");
        assert_eq!(remaining_words(250), "4 min 10 s");
        assert_eq!(remaining_words(11_520), "3 h 12 min");
        assert_eq!(remaining_words(2 * 86_400 + 4 * 3_600), "2 days 4 h");
        assert_eq!(remaining_words(86_400), "1 day 0 h");
        assert_eq!(remaining_words(90 * 86_400), "90 days 0 h");
    }

    #[test]
    fn a_moment_is_placed_before_or_after_now() {
        assert_eq!(relative_words(100, 105), "just now");
        assert_eq!(relative_words(0, 7_200), "2 hours ago");
        assert_eq!(relative_words(90_000, 0), "in 1 day");
    }
}
