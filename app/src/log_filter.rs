//! What a reader looks for in the log, as it stands in addresses: read from them, and written back into them.
//!
//! Pages, the REST list and the exports share these names, so that an address found in one serves in the others.

use governance::{calendar, log::EntryKind};

use crate::views::LogFilter;

/// The words that a verdict can be.
pub const VERDICTS: [&str; 3] = ["holds", "doubtful", "fails"];
/// The longest text that is searched, in bytes, and the most words in it.
pub const LONGEST_TEXT: usize = 200;
/// The longest id, account or name that a condition takes, in bytes.
const LONGEST_NAME: usize = 200;
const DAY: u64 = 86_400;

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name in the address.
    pub field: &'static str,
    /// What was found and what is needed, as a sentence.
    pub detail: String,
}

impl LogFilter {
    /// The names that conditions have in addresses.
    pub const FIELDS: [&str; 8] = ["kind", "proposal", "agent", "parameter", "verdict", "from", "until", "text"];

    /// Reads conditions; `get` gives what stands under a name. Those that cannot be read are left out and listed.
    /// `from` and `until` are days such as `2026-11-20`, both included, or moments in unix seconds, `until` not included.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> (Self, Vec<Unreadable>) {
        let mut wrong = Vec::new();
        let mut refuse = |field, detail: String| wrong.push(Unreadable { field, detail });
        let given = |field: &str| get(field).map(|value| value.trim().to_owned()).unwrap_or_default();
        let mut filter = Self::default();

        let kind = given("kind");
        if kind.is_empty() || EntryKind::ALL.iter().any(|known| known.name() == kind) {
            filter.kind = kind;
        } else {
            let known = EntryKind::ALL.map(EntryKind::name).join(", ");
            refuse("kind", format!("kind is {}; it must be one of {known}.", shown(&kind)));
        }
        let proposal = given("proposal");
        if proposal.len() <= 78 && proposal.bytes().all(|byte| byte.is_ascii_digit()) {
            filter.proposal = proposal;
        } else {
            refuse("proposal", format!("proposal is {}; it must be a proposal id in decimal digits.", shown(&proposal)));
        }
        let agent = given("agent");
        if agent.len() <= LONGEST_NAME && !agent.contains(char::is_whitespace) {
            filter.agent = agent;
        } else {
            refuse("agent", format!("agent is {}; it must be an agent's short name or account.", shown(&agent)));
        }
        let parameter = given("parameter");
        let named = parameter.split_once('/').is_some_and(|(engine, key)| !engine.is_empty() && !key.is_empty());
        if parameter.is_empty() || named && parameter.len() <= LONGEST_NAME {
            filter.parameter = parameter;
        } else {
            refuse("parameter", format!("parameter is {}; it must be an engine and a key, such as tideline/palette.", shown(&parameter)));
        }
        let verdict = given("verdict");
        if verdict.is_empty() || VERDICTS.contains(&verdict.as_str()) {
            filter.verdict = verdict;
        } else {
            refuse("verdict", format!("verdict is {}; it must be one of {}.", shown(&verdict), VERDICTS.join(", ")));
        }
        for (field, after) in [("from", 0), ("until", DAY)] {
            let text = given(field);
            let moment = text.parse().ok().filter(|seconds| *seconds <= governance::log::entry::LARGEST_INTEGER);
            match moment.or_else(|| calendar::day(&text).map(|day| day + after)) {
                moment @ Some(_) if field == "from" => filter.from = moment,
                moment @ Some(_) => filter.until = moment,
                None if text.is_empty() => {}
                None => refuse(field, format!("{field} is {}; it must be a day such as 2026-11-20, or unix seconds.", shown(&text))),
            }
        }
        let text = given("text");
        if text.len() <= LONGEST_TEXT {
            filter.text = text;
        } else {
            refuse("text", format!("text has {} bytes; {LONGEST_TEXT} are searched at most.", text.len()));
        }
        (filter, wrong)
    }

    /// True when nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The condition under a name, as it stands in an address; empty when it is not asked for.
    pub fn get(&self, field: &str) -> String {
        match field {
            "kind" => self.kind.clone(),
            "proposal" => self.proposal.clone(),
            "agent" => self.agent.clone(),
            "parameter" => self.parameter.clone(),
            "verdict" => self.verdict.clone(),
            "from" => self.from.map_or_else(String::new, |at| moment(at, 0)),
            "until" => self.until.map_or_else(String::new, |at| moment(at, DAY)),
            "text" => self.text.clone(),
            _ => String::new(),
        }
    }

    /// The same without one of its conditions.
    pub fn without(&self, field: &str) -> Self {
        Self::read(|name| (name != field).then(|| self.get(name))).0
    }

    /// The conditions as the query of an address, without a question mark; empty when there are none.
    pub fn query(&self) -> String {
        let given = Self::FIELDS.into_iter().map(|field| (field, self.get(field))).filter(|(_, value)| !value.is_empty());
        given.map(|(field, value)| format!("{field}={}", encoded(&value))).collect::<Vec<_>>().join("&")
    }

    /// An address with these conditions, and with more after them, such as `before=5`.
    pub fn address(&self, path: &str, more: &str) -> String {
        let query = [self.query(), more.to_owned()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// A day where a moment begins one, else unix seconds.
fn moment(at: u64, after: u64) -> String {
    match at.checked_sub(after).filter(|day| day % DAY == 0) {
        Some(day) => calendar::iso(day).chars().take(10).collect(),
        None => at.to_string(),
    }
}

/// What was found, short enough to repeat.
fn shown(found: &str) -> String {
    let short: String = found.chars().filter(|letter| !letter.is_control()).take(60).collect();
    format!("“{short}”")
}

/// For the query of an address (RFC 3986).
fn encoded(text: &str) -> String {
    let one = |byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (LogFilter, Vec<Unreadable>) {
        LogFilter::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn conditions_come_back_from_the_address_they_were_written_into() {
        let pairs = [
            ("kind", "decision"),
            ("proposal", "7"),
            ("agent", "cadence-steward"),
            ("parameter", "tideline/mint.cadence"),
            ("verdict", "holds"),
            ("from", "2026-11-01"),
            ("until", "2026-11-20"),
            ("text", "50 % tide&x"),
        ];
        let (filter, wrong) = read(&pairs);
        assert_eq!(wrong, []);
        assert_eq!((filter.from, filter.until), (Some(1_793_491_200), Some(1_795_219_200)), "the last day is included");
        for (field, value) in pairs {
            assert_eq!(filter.get(field), value);
        }
        assert!(filter.query().ends_with("from=2026-11-01&until=2026-11-20&text=50%20%25%20tide%26x"), "{}", filter.query());
        assert_eq!(filter.without("kind").kind, "");
        assert_eq!(filter.without("kind").text, filter.text);
        assert_eq!(LogFilter::default().address("/log", "before=5"), "/log?before=5");
        assert_eq!(filter.without("text").address("/log", "").matches('?').count(), 1);
    }

    #[test]
    fn a_moment_within_a_day_stays_what_it_was() {
        let (filter, wrong) = read(&[("from", "1793491201"), ("until", "1793491201")]);
        assert_eq!((wrong.len(), filter.from, filter.until), (0, Some(1_793_491_201), Some(1_793_491_201)));
        assert_eq!((filter.get("from").as_str(), filter.get("until").as_str()), ("1793491201", "1793491201"));
        assert_eq!(read(&[("until", "5")]).0.get("until"), "5");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_left_out() {
        let long = "x".repeat(201);
        for (field, value) in [
            ("kind", "decisions"),
            ("proposal", "0x07"),
            ("agent", "a b"),
            ("parameter", "palette"),
            ("parameter", "/palette"),
            ("verdict", "good"),
            ("from", "yesterday"),
            ("from", "2026-02-30"),
            ("until", "-1"),
            ("until", "18446744073709551615"),
            ("text", &long),
        ] {
            let (filter, wrong) = read(&[(field, value), ("unknown", "1")]);
            assert!(filter.is_empty(), "{field}={value}");
            assert_eq!(wrong.iter().map(|one| one.field).collect::<Vec<_>>(), [field], "{value}");
            assert!(wrong[0].detail.starts_with(field), "{}", wrong[0].detail);
        }
    }
}
