//! Text that has to fit beside what is drawn. A drawing cannot ask for the size of a font, so widths are estimated, rather
//! too wide than too narrow.

/// The estimated width of a text at this font size.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// A letter's width as a part of the font's size.
fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.26,
        ' ' | 'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' | '·' | '“' | '”' => 0.34,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '—' => 0.88,
        'a'..='z' | '0'..='9' => 0.56,
        'A'..='Z' | '+' | '−' | '±' | '×' | '…' | '→' | '≈' => 0.70,
        '\u{300}'..='\u{36f}' => 0.0,
        '⁰'..='⁹' | '¹' | '²' | '³' | '⁻' => 0.40,
        '\u{1100}'.. => 1.0,
        _ => 0.64,
    }
}

/// The text if it fits, or as much of its beginning as does, with an ellipsis. The table has it in full.
pub fn shortened(text: &str, fits: f64, size: f64) -> String {
    if width(text, size) <= fits {
        return text.to_owned();
    }
    let mut left = fits - width("…", size);
    let mut kept = String::new();
    for letter in text.chars() {
        left -= advance(letter) * size;
        if left < 0.0 {
            break;
        }
        kept.push(letter);
    }
    format!("{}…", kept.trim_end_matches([' ', ',', ';', '.']))
}

/// The text in at most so many lines, broken between words; the last line is shortened if it must be.
pub fn wrapped(text: &str, fits: f64, size: f64, lines: usize) -> Vec<String> {
    let mut written: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while written.len() + 1 < lines && words.peek().is_some() {
        let mut line = String::new();
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() { (*word).to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer, size) > fits {
                break;
            }
            line = longer;
            words.next();
        }
        written.push(shortened(&line, fits, size));
    }
    let rest: Vec<_> = words.collect();
    if !rest.is_empty() {
        written.push(shortened(&rest.join(" "), fits, size));
    }
    written
}

/// Text as it may stand in markup and in quoted attributes. Characters that XML does not know are left out.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// Items as one says them: `a`, `a and b`, `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A count with its noun: `1 input`, `3 inputs`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(shortened("Mint price", 100.0, 13.0), "Mint price");
        let short = shortened("New collectors, last 7 days", 100.0, 13.0);
        assert!(short.ends_with('…') && width(&short, 13.0) <= 100.0, "{short}");
        assert_eq!(shortened("abc", 0.0, 13.0), "…");
    }

    #[test]
    fn a_label_breaks_between_words_and_never_takes_more_lines_than_it_has() {
        let lines = wrapped("Share of offered mints taken, last 7 days", 150.0, 13.0, 2);
        assert_eq!(lines, ["Share of offered mints", "taken, last 7 days"]);
        assert_eq!(wrapped("one", 150.0, 13.0, 2), ["one"]);
        assert!(wrapped("", 150.0, 13.0, 2).is_empty());
        let long = wrapped(&"Donaudampfschifffahrtsgesellschaft ".repeat(9), 150.0, 13.0, 2);
        assert_eq!(long.len(), 2);
        assert!(long.iter().all(|line| line.ends_with('…') && width(line, 13.0) <= 150.0), "{long:?}");
    }

    #[test]
    fn markup_in_a_label_stays_text() {
        assert_eq!(escaped("<b a=\"1\">&'\u{0}\n"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39; ");
    }

    #[test]
    fn items_are_listed_as_one_says_them() {
        let items: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!([listed(&items), listed(&items[..2]), listed(&[])], ["a, b and c", "a and b", ""]);
        assert_eq!([counted(1, "input"), counted(0, "input")], ["1 input", "0 inputs"]);
    }
}
