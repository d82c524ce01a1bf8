//! Dates in UTC from unix seconds. The moment itself is always an argument.

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

/// The unix seconds at which a day such as `2026-11-20` begins, from 1970 to 9999. `None` for what is no such day.
pub fn day(text: &str) -> Option<u64> {
    // Digits alone: a number may also be written with a sign.
    let number = |part: &str, count| -> Option<u64> {
        let digits = part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // Counted as in `civil`, and turned back there: a day that a month does not have comes out as another.
    let year_from_march = year - u64::from(month <= 2);
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    (civil(days) == (year, month as usize, day)).then_some(days * 86_400)
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
    fn a_day_is_read_back_and_no_other_text_is_one() {
        for at in [0, 951_782_400, 1_709_164_800, 1_798_675_200, 4_107_542_400] {
            assert_eq!(day(&iso(at)[..10]), Some(at));
        }
        let days = [
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-11-00",
            "2026-11-31",
            "1969-12-31",
            "26-11-20",
            "2026-1-2",
            "",
            "+026-11-20",
            "2026-11-20T",
        ];
        for text in days {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
