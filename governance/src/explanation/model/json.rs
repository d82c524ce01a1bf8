//! JSON as a [`Document`]: made for arrays of a million floats, which a general reader takes twice as long for.
//!
//! NaN and Infinity, which XGBoost writes among floats, are read although JSON has no such words.

use super::document::{Broken, Document, Fields, MAX_NESTING, Number};
use std::borrow::Cow;

#[derive(Clone)]
pub(super) struct Json<'a> {
    bytes: &'a [u8],
    at: usize,
    nesting: u32,
}

impl<'a> Json<'a> {
    /// Begins reading; a byte order mark is passed over.
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Self { bytes, at, nesting: 0 }
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(found) => Err(self.broken(format!("{:?} where {:?} was expected", char::from(found), char::from(byte)))),
            None => Err(self.broken(format!("the file ends where {:?} was expected", char::from(byte)))),
        }
    }

    /// Whether another item follows: after a comma, or at once when it is the first.
    #[inline]
    fn more(&mut self, first: bool, close: u8) -> Result<bool, Broken> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(self.broken(format!("',' or {:?} was expected", char::from(close)))),
            None => Err(self.broken("the file ends within a list")),
        }
    }

    fn nest(&mut self) -> Result<(), Broken> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { Err(self.broken(format!("nested deeper than {MAX_NESTING}"))) } else { Ok(()) }
    }

    /// The place behind the text whose opening quote stands at the present place.
    fn end_of_text(&self) -> Result<usize, Broken> {
        let mut at = self.at + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return Err(self.broken("the file ends within a text")),
            }
        }
    }
}

impl<'a> Document<'a> for Json<'a> {
    fn object(&mut self, mut field: impl FnMut(&mut Self, &str) -> Result<(), Broken>) -> Result<(), Broken> {
        self.expect(b'{')?;
        self.nest()?;
        let mut fields = Fields::default();
        let mut first = true;
        while self.more(first, b'}')? {
            let name = self.text()?;
            self.expect(b':')?;
            fields.meet(name.clone()).map_err(|reason| self.broken(reason).within(&*name))?;
            field(self, &name).map_err(|broken| broken.within(&*name))?;
            first = false;
        }
        self.nesting -= 1;
        Ok(())
    }

    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Broken>) -> Result<(), Broken> {
        self.expect(b'[')?;
        self.nest()?;
        let mut count = 0usize;
        while self.more(count == 0, b']')? {
            item(self).map_err(|broken| broken.within(count.to_string()))?;
            count += 1;
        }
        self.nesting -= 1;
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Broken> {
        if self.peek() != Some(b'"') {
            return Err(self.broken("a text was expected"));
        }
        let end = self.end_of_text()?;
        let quoted = &self.bytes[self.at..end];
        let text = match std::str::from_utf8(&quoted[1..quoted.len() - 1]) {
            Ok(text) if !text.contains(|letter: char| letter == '\\' || letter < ' ') => Cow::Borrowed(text),
            // What is escaped, or wrong, goes the long way.
            _ => Cow::Owned(serde_json::from_slice(quoted).map_err(|error| self.broken(format!("not a text: {error}")))?),
        };
        self.at = end;
        Ok(text)
    }

    fn numbers<N: Number>(&mut self) -> Result<Vec<N>, Broken> {
        self.expect(b'[')?;
        let mut numbers = Vec::new();
        while self.more(numbers.is_empty(), b']')? {
            self.peek();
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let (number, length) = N::scan(rest).ok_or_else(|| self.broken(format!("{} was expected", N::WHAT)))?;
            self.at += length;
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn skip(&mut self) -> Result<(), Broken> {
        // What is passed over is not checked beyond its brackets: a bit per open one, 1 for braces.
        let (mut open, mut depth) = (0u64, 0u32);
        loop {
            match self.peek().ok_or_else(|| self.broken("the file ends where a value was expected"))? {
                b'"' => self.at = self.end_of_text()?,
                byte @ (b'{' | b'[') => {
                    if depth == MAX_NESTING {
                        return Err(self.broken(format!("nested deeper than {MAX_NESTING}")));
                    }
                    open = open << 1 | u64::from(byte == b'{');
                    depth += 1;
                    self.at += 1;
                }
                byte @ (b'}' | b']') => {
                    if depth == 0 || open & 1 != u64::from(byte == b'}') {
                        return Err(self.broken(format!("an unexpected {:?}", char::from(byte))));
                    }
                    open >>= 1;
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth == 0 => return Err(self.broken("a value was expected")),
                b',' | b':' => self.at += 1,
                _ => {
                    // Within brackets, everything up to the next one or the next quote.
                    let rest = &self.bytes[self.at..];
                    let length = if depth == 0 {
                        rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace())
                    } else {
                        rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))
                    };
                    self.at += length.unwrap_or(rest.len());
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn end(&mut self) -> Result<(), Broken> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.broken("something follows the end")),
        }
    }

    fn broken(&self, reason: impl Into<String>) -> Broken {
        Broken::new(self.at, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skipped(text: &str) -> Result<usize, String> {
        let mut json = Json::new(text.as_bytes());
        json.skip().map(|()| json.at).map_err(|broken| broken.to_string())
    }

    #[test]
    fn values_are_passed_over_whole() {
        assert_eq!(skipped("[1, [2], {\"a\": \"]\\\"\"}],3"), Ok(22));
        assert_eq!(skipped("12.5e3,"), Ok(6));
        assert_eq!(skipped("\"a\\\\\"x"), Ok(5));
        assert!(skipped("[1}").unwrap_err().contains("unexpected"));
        assert!(skipped("]").unwrap_err().contains("unexpected"));
        assert!(skipped("[1,").unwrap_err().contains("ends"));
        assert!(skipped("\"a\\").unwrap_err().contains("ends"));
        assert!(skipped(&"[".repeat(1_000_000)).unwrap_err().contains("nested deeper"));
    }

    #[test]
    fn a_field_that_stands_there_twice_is_refused_with_its_place() {
        let mut json = Json::new(br#" {"a": {"b": [1], "b": [2]}}"#);
        let broken = json.object(|json, _| json.object(|json, _| json.numbers::<i32>().map(drop))).unwrap_err();
        assert_eq!(broken.to_string(), "a: b: it stands there twice (byte 22)");
    }

    #[test]
    fn escapes_in_texts_are_undone() {
        assert_eq!(Json::new(br#""a\"\u00e9\n""#).text().unwrap(), "a\"\u{e9}\n");
        assert_eq!(Json::new("\"\u{e9}\"".as_bytes()).text().unwrap(), "\u{e9}");
        assert!(Json::new(b"\"\xFF\"").text().is_err());
        assert!(Json::new(b"\"\n\"").text().is_err());
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_passed_over_to_its_end(value in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert_eq!(skipped(&text), Ok(text.len()));
            prop_assert_eq!(skipped(&format!("{text} ,")), Ok(text.len()));
        }

        #[test]
        fn numbers_come_as_they_were(numbers in prop::collection::vec(any::<f32>(), 0..20)) {
            let text = format!("{:?}", numbers).replace("inf", "Infinity");
            let mut json = Json::new(text.as_bytes());
            let read: Vec<f32> = json.numbers().unwrap();
            prop_assert!(read.iter().zip(&numbers).all(|(a, b)| a == b || a.is_nan() && b.is_nan()) && read.len() == numbers.len());
            prop_assert!(json.end().is_ok());
        }
    }
}
