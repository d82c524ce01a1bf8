//! Self-describing documents read from front to back: what XGBoost writes as [JSON](super::json) and as
//! [UBJSON](super::ubjson).
//!
//! A reader asks for what it expects to stand next. Long arrays of numbers, of which models consist, come as vectors of
//! the wanted type without anything in between. Nothing is allocated that the document does not hold.

use std::borrow::Cow;
use std::fmt;

/// How deep objects and arrays may be nested.
pub(super) const MAX_NESTING: u32 = 64;
/// The most fields of an object whose fields are read. Others may have as many as they like.
const MAX_FIELDS: usize = 256;

pub(super) trait Document<'a>: Clone {
    /// Reads an object; `field` is called with each name and reads its value.
    fn object(&mut self, field: impl FnMut(&mut Self, &str) -> Result<(), Broken>) -> Result<(), Broken>;
    /// Reads an array; `item` is called for each item and reads it.
    fn array(&mut self, item: impl FnMut(&mut Self) -> Result<(), Broken>) -> Result<(), Broken>;
    fn text(&mut self) -> Result<Cow<'a, str>, Broken>;
    /// Reads an array of numbers.
    fn numbers<N: Number>(&mut self) -> Result<Vec<N>, Broken>;
    /// Passes over a value.
    fn skip(&mut self) -> Result<(), Broken>;
    /// Nothing may follow the document's one value.
    fn end(&mut self) -> Result<(), Broken>;
    /// What is wrong at the present place.
    fn broken(&self, reason: impl Into<String>) -> Broken;

    /// An array of texts.
    fn texts(&mut self) -> Result<Vec<String>, Broken> {
        let mut texts = Vec::new();
        self.array(|document| {
            texts.push(document.text()?.into_owned());
            Ok(())
        })?;
        Ok(texts)
    }
}

/// Why a document cannot be read, and where.
#[derive(Debug)]
pub(super) struct Broken {
    /// Names of the fields that lead there, the innermost first.
    path: Vec<String>,
    byte: usize,
    reason: String,
}

impl Broken {
    pub fn new(byte: usize, reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), byte, reason: reason.into() }
    }

    /// The same, known to be within this field.
    pub fn within(mut self, field: impl Into<String>) -> Self {
        self.path.push(field.into());
        self
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in self.path.iter().rev() {
            // A name may be anything; what is shown of it is short and printable.
            write!(f, "{}: ", field.chars().take(40).collect::<String>().escape_debug())?;
        }
        write!(f, "{} (byte {})", self.reason, self.byte)
    }
}

/// The fields of an object met so far. A field that stands there twice would mean different things to different readers.
#[derive(Default)]
pub(super) struct Fields<'a>(Vec<Cow<'a, str>>);

impl<'a> Fields<'a> {
    pub fn meet(&mut self, name: Cow<'a, str>) -> Result<(), String> {
        if self.0.len() >= MAX_FIELDS {
            return Err(format!("more than {MAX_FIELDS} fields"));
        }
        if self.0.contains(&name) {
            return Err("it stands there twice".into());
        }
        self.0.push(name);
        Ok(())
    }
}

/// A number of the kind an array is wanted in.
pub(super) trait Number: Copy {
    /// Such as "a 32-bit float".
    const WHAT: &'static str;
    /// Reads the number that `text` begins with, and says how many bytes it took.
    fn scan(text: &[u8]) -> Option<(Self, usize)>;
    fn from_integer(value: i64) -> Option<Self>;
    fn from_float(value: f64) -> Option<Self>;
}

/// 0, 1, false or true: XGBoost has written both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub bool);

impl Number for Flag {
    const WHAT: &'static str = "0, 1, false or true";

    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        match text {
            [b'0' | b'1', b'0'..=b'9' | b'.' | b'e' | b'E', ..] => None,
            [b'0', ..] => Some((Self(false), 1)),
            [b'1', ..] => Some((Self(true), 1)),
            _ if text.starts_with(b"false") => Some((Self(false), 5)),
            _ if text.starts_with(b"true") => Some((Self(true), 4)),
            _ => None,
        }
    }

    fn from_integer(value: i64) -> Option<Self> {
        matches!(value, 0 | 1).then_some(Self(value == 1))
    }

    fn from_float(_value: f64) -> Option<Self> {
        None
    }
}

impl Number for i32 {
    const WHAT: &'static str = "a whole number of 32 bits";

    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        let (value, length) = i64::scan(text)?;
        Some((Self::try_from(value).ok()?, length))
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok()
    }

    fn from_float(_value: f64) -> Option<Self> {
        None
    }
}

impl Number for i64 {
    const WHAT: &'static str = "a whole number";

    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        let negative = text.first() == Some(&b'-');
        let start = usize::from(negative);
        // Eighteen digits cannot overflow.
        let digits = text[start..].iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=18).contains(&digits) {
            return None;
        }
        let value = text[start..start + digits].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        match text.get(start + digits) {
            Some(b'.' | b'e' | b'E') => None,
            _ => Some((if negative { -value } else { value }, start + digits)),
        }
    }

    fn from_integer(value: i64) -> Option<Self> {
        Some(value)
    }

    fn from_float(_value: f64) -> Option<Self> {
        None
    }
}

impl Number for f32 {
    const WHAT: &'static str = "a number";

    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        let decimal = Decimal::scan(text);
        let value = decimal.single().or_else(|| {
            // What is neither short nor plain, NaN and Infinity among them, is left to the standard library.
            std::str::from_utf8(&text[..decimal.length]).ok()?.parse().ok()
        })?;
        Some((value, decimal.length))
    }

    fn from_integer(value: i64) -> Option<Self> {
        Some(value as f32)
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(value as f32)
    }
}

/// A number as it is written: digits, moved by a power of ten.
struct Decimal {
    negative: bool,
    mantissa: u64,
    power: i32,
    /// Whether the fields above say it all.
    plain: bool,
    length: usize,
}

impl Decimal {
    #[inline]
    fn scan(text: &[u8]) -> Self {
        let mut at = 0;
        let negative = text.first() == Some(&b'-');
        at += usize::from(negative);
        let (mut mantissa, mut power) = (0u64, 0i32);
        let mut digits = 0;
        let mut take = |at: &mut usize| {
            let start = *at;
            while let Some(digit) = text.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
                *at += 1;
            }
            digits += *at - start;
            *at - start
        };
        take(&mut at);
        if text.get(at) == Some(&b'.') {
            at += 1;
            let behind = take(&mut at);
            power = -i32::try_from(behind).unwrap_or(i32::MAX);
        }
        // More digits than that might not fit a 64-bit float.
        let mut plain = (1..=15).contains(&digits);
        if let Some(b'e' | b'E') = text.get(at) {
            at += 1;
            let down = text.get(at) == Some(&b'-');
            at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
            let (start, mut exponent) = (at, 0i32);
            while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
                exponent = exponent.saturating_mul(10).saturating_add(i32::from(digit));
                at += 1;
            }
            plain &= at > start;
            power = power.saturating_add(if down { -exponent } else { exponent });
        }
        // Words such as NaN.
        while text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
            at += 1;
            plain = false;
        }
        Self { negative, mantissa, power, plain, length: at }
    }

    /// The nearest 32-bit float, where one operation on 64-bit floats finds it for certain.
    ///
    /// Digits and power are exact as 64-bit floats, so their product or quotient is the 64-bit float nearest to the
    /// number. Rounding that once more gives the 32-bit float nearest to the number unless it stands in the middle
    /// between two of them.
    #[inline]
    fn single(&self) -> Option<f32> {
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
        ];
        const BELOW_SINGLE: u64 = (1 << 29) - 1;
        if !self.plain {
            return None;
        }
        let power = *POWERS.get(self.power.unsigned_abs() as usize)?;
        let digits = self.mantissa as f64;
        let value = if self.power < 0 { digits / power } else { digits * power };
        let normal = value == 0.0 || (f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX)).contains(&value);
        if !normal || value.to_bits() & BELOW_SINGLE == 1 << 28 {
            return None;
        }
        Some(if self.negative { -value as f32 } else { value as f32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scanned(text: &str) -> Option<(f32, usize)> {
        f32::scan(text.as_bytes())
    }

    #[test]
    fn numbers_are_read_up_to_what_follows_them() {
        assert_eq!(scanned("-1.5E-1,2"), Some((-0.15, 7)));
        assert_eq!(scanned("7]"), Some((7.0, 1)));
        assert_eq!(scanned("Infinity,"), Some((f32::INFINITY, 8)));
        assert_eq!(scanned("-Infinity,"), Some((f32::NEG_INFINITY, 9)));
        assert!(scanned("NaN").unwrap().0.is_nan());
        assert_eq!(scanned("\"1\""), None);
        assert_eq!(scanned(","), None);
        assert_eq!(scanned("1E"), None);
        assert_eq!(scanned("1e5x"), None);
        assert_eq!(scanned(""), None);
    }

    #[test]
    fn whole_numbers_are_whole() {
        assert_eq!(i32::scan(b"-2147483648,"), Some((i32::MIN, 11)));
        assert_eq!(i32::scan(b"2147483648"), None);
        assert_eq!(i32::scan(b"1.0"), None);
        assert_eq!(i32::scan(b"1e3"), None);
        assert_eq!(i64::scan(b"9999999999999999999"), None);
        assert_eq!(Flag::scan(b"true,"), Some((Flag(true), 4)));
        assert_eq!(Flag::scan(b"10"), None);
    }

    #[test]
    fn numbers_in_the_middle_between_two_floats_are_rounded_once() {
        // One and a half steps above 1, and a little more or less than a 64-bit float can tell.
        for text in ["1.00000017881393432617187499", "1.000000178813934326171875", "1.00000017881393432617187501", "16777217", "16777219"] {
            assert_eq!(scanned(text).unwrap().0, text.parse::<f32>().unwrap(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn every_float_reads_as_the_standard_library_reads_it(bits in any::<u32>(), digits in 0usize..20) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value:e}"), format!("{value:.digits$e}"), format!("{value}"), format!("{value:E}")] {
                prop_assert_eq!(scanned(&text), Some((text.parse().unwrap(), text.len())), "{}", text);
            }
        }

        #[test]
        fn every_decimal_reads_as_the_standard_library_reads_it(digits in 0u64..10_000_000_000_000_000, power in -50i32..50) {
            let text = format!("{digits}e{power}");
            prop_assert_eq!(scanned(&text).unwrap().0, text.parse::<f32>().unwrap());
        }
    }
}
