//! Times on the chain's clock: absolute in UTC, in words, and counting down.
//!
//! The server writes the words once; a countdown ticks only after hydration, from the same first value.

use leptos::prelude::*;

use crate::{shell::Elapsed, views::Site};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month (1..12) and day of a day count since 1970-01-01, in the Gregorian calendar.
///
/// Counts from 1 March of year 0, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, usize, u64) {
    let since_era_start = days + 719_468;
    let era = since_era_start / 146_097;
    let day_of_era = since_era_start % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month as usize, day)
}

/// `2026-11-20T11:40:00Z`, for machines.
pub fn iso(at: u64) -> String {
    let (year, month, day) = civil(at / 86_400);
    let second = at % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// `20 Nov 2026, 11:40 UTC`.
pub fn date_time(at: u64) -> String {
    let (year, month, day) = civil(at / 86_400);
    let second = at % 86_400;
    format!("{day} {} {year}, {:02}:{:02} UTC", MONTHS[month - 1], second / 3_600, second / 60 % 60)
}

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
    let over = Memo::new(move |_| left() == 0);
    view! {
        <span class="countdown">
            <span>{move || if over.get() { past.clone() } else { label.clone() }}</span>
            " "
            <b>
                <time datetime=iso(until) title=date_time(until)>
                    {move || if over.get() { String::new() } else { remaining_words(left()) }}
                </time>
            </b>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar_across_leap_days() {
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(iso(1_709_164_799), "2024-02-28T23:59:59Z");
        assert_eq!(iso(1_709_164_800), "2024-02-29T00:00:00Z");
        assert_eq!(iso(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(date_time(1_798_675_200), "31 Dec 2026, 00:00 UTC");
    }

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
