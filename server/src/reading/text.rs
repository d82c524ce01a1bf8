//! Small matters of text: titles, amounts, times.

use alloy_primitives::{U256, utils::format_units};

/// The first heading or line of a proposal's text.
pub fn title(description: &str) -> String {
    let line = description.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("Untitled proposal");
    let line = line.trim_start_matches('#').trim();
    let mut title: String = line.chars().filter(|letter| !letter.is_control()).take(160).collect();
    if title.is_empty() {
        title = "Untitled proposal".into();
    }
    title
}

/// 18-decimal units as whole tokens with thousands separators, and up to two places when below ten.
pub fn tokens(amount: U256) -> String {
    let exact = format_units(amount, 18).unwrap_or_else(|_| amount.to_string());
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    let places = fraction.get(..2).unwrap_or("").trim_end_matches('0');
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if whole.len() > 1 || places.is_empty() { grouped } else { format!("{grouped}.{places}") }
}

/// Wei as ETH with up to four places.
pub fn ether(wei: U256) -> String {
    let exact = format_units(wei, 18).unwrap_or_else(|_| wei.to_string());
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    let places = fraction.get(..4).unwrap_or("").trim_end_matches('0');
    if places.is_empty() { whole.to_owned() } else { format!("{whole}.{places}") }
}

/// `part` of `whole`, 0 when there is nothing.
pub fn share(part: U256, whole: U256) -> f64 {
    if whole.is_zero() { 0.0 } else { f64::from(part) / f64::from(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_readable() {
        let unit = U256::from(10).pow(U256::from(18));
        assert_eq!(tokens(U256::from(1_234_567) * unit), "1,234,567");
        assert_eq!(tokens(unit / U256::from(2)), "0.5");
        assert_eq!(ether(unit * U256::from(12) + unit / U256::from(8)), "12.125");
    }

    #[test]
    fn a_title_is_one_plain_line() {
        assert_eq!(title("\n# Warmer palette \nBecause"), "Warmer palette");
        assert_eq!(title(""), "Untitled proposal");
    }
}
