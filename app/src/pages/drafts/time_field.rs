//! Moments as a `datetime-local` field writes them, read as UTC.

use crate::components::iso;

/// `2026-12-31T00:00` for a unix second.
pub fn field_value(at: u64) -> String {
    iso(at).chars().take(16).collect()
}

/// The unix second of `2026-12-31T00:00` or `…T00:00:30`; `None` for what is not a moment since 1970.
pub fn unix_seconds(field: &str) -> Option<u64> {
    let (date, time) = field.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<u64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute) = (time.next()?.ok()?, time.next()?.ok()?);
    let second = time.next().and_then(Result::ok).unwrap_or(0);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1;
    (days - 719_468).checked_mul(86_400)?.checked_add(hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        for at in [0, 951_782_400, 1_709_164_740, 1_798_675_200, 4_107_542_400] {
            assert_eq!(unix_seconds(&field_value(at)), Some(at), "{at}");
        }
    }

    #[test]
    fn what_is_no_moment_is_not_read() {
        for field in ["", "2026-12-31", "1969-01-01T00:00", "2026-13-01T00:00", "2026-01-01T25:00"] {
            assert_eq!(unix_seconds(field), None, "{field}");
        }
    }
}
