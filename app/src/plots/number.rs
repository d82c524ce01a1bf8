//! Numbers as plots and their tables write them: at most three significant digits, and a minus that is a minus.

/// At most three significant digits: `27.4`, `−0.609`, `12,346`, `1.2×10⁻⁷`. What is not a number is said in words.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "not known".into();
    }
    let size = value.abs();
    let digits = match size {
        0.0 => "0".to_owned(),
        _ if size.is_infinite() => "∞".to_owned(),
        _ if !(0.000_995..9_999_999.5).contains(&size) => scientific(size),
        _ if size >= 99.95 => grouped(&format!("{size:.0}")),
        _ => {
            // The power of ten once rounded, so that 9.999 becomes 10 and not 10.00.
            let places = (2 - format!("{size:.2e}").split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)).max(0) as usize;
            trimmed(&format!("{size:.places$}")).to_owned()
        }
    };
    if value < 0.0 { format!("−{digits}") } else { digits }
}

/// Like [`number`], with its sign even where it is a plus.
pub fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}

/// A part of one in per cent.
pub fn percent(part: f64) -> String {
    if part.is_nan() { number(part) } else { format!("{}%", number((part * 1000.0).round() / 10.0)) }
}

/// A number or, where there is none, the words for that.
pub fn known(value: Option<f64>) -> String {
    value.map_or_else(|| "not known".into(), number)
}

/// A number with its unit, as one writes it: `27.4 tokens/day`, `97%`.
pub fn with_unit(number: String, unit: &str) -> String {
    match unit {
        "" => number,
        "%" => format!("{number}%"),
        unit => format!("{number} {unit}"),
    }
}

/// A number at an axis whose ticks are `step` apart: as many digits as tell neighbours from each other.
pub fn tick(value: f64, step: f64) -> String {
    let size = value.abs();
    if size < step.abs() * 1e-6 {
        return "0".into();
    }
    if !(1e-4..1e7).contains(&size) || step < 1e-6 {
        return number(value);
    }
    let places = (-step.abs().log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    let digits = format!("{size:.places$}");
    let digits = match digits.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", grouped(whole)),
        None => grouped(&digits),
    };
    if value < 0.0 { format!("−{digits}") } else { digits }
}

fn scientific(size: f64) -> String {
    let text = format!("{size:.2e}");
    let Some((digits, power)) = text.split_once('e') else {
        return text;
    };
    let power: String = power
        .chars()
        .map(|c| if c == '-' { '⁻' } else { ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][c as usize % 16 % 10] })
        .collect();
    format!("{}×10{power}", trimmed(digits))
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Thousands apart from each other, from five digits on.
fn grouped(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept_whatever_the_size() {
        let cases = [
            (0.0, "0"),
            (27.44, "27.4"),
            (4.0, "4"),
            (0.0401, "0.0401"),
            (-0.609_4, "−0.609"),
            (9.999, "10"),
            (99.97, "100"),
            (127.4, "127"),
            (9_999.0, "9999"),
            (12_345.6, "12,346"),
            (1_234_567.0, "1,234,567"),
            (1.234_5e9, "1.23×10⁹"),
            (-1.2e-7, "−1.2×10⁻⁷"),
            (f64::NAN, "not known"),
            (f64::NEG_INFINITY, "−∞"),
            (f64::MAX, "1.8×10³⁰⁸"),
        ];
        for (value, written) in cases {
            assert_eq!(number(value), written);
        }
    }

    #[test]
    fn contributions_carry_their_sign() {
        assert_eq!([signed(4.123), signed(-0.05), signed(0.0), signed(-0.0)], ["+4.12", "−0.05", "0", "0"]);
    }

    #[test]
    fn ticks_have_the_digits_of_their_step() {
        assert_eq!([tick(0.1 + 0.2, 0.1), tick(-1e-17, 0.1), tick(20.0, 5.0), tick(-2.5, 0.5)], ["0.3", "0", "20", "−2.5"]);
        assert_eq!(tick(15_000.0, 5_000.0), "15,000");
    }

    #[test]
    fn parts_are_written_in_per_cent() {
        assert_eq!([percent(0.4567), percent(1.0), percent(-0.05)], ["45.7%", "100%", "−5%"]);
        assert_eq!([with_unit("3".into(), ""), with_unit("3".into(), "%"), with_unit("3".into(), "ETH")], ["3", "3%", "3 ETH"]);
    }
}
