//! Universal Binary JSON as a [`Document`], as far as XGBoost writes it (`save_model("….ubj")`): big-endian numbers,
//! arrays with a count or with a type and a count, objects.

use super::document::{Broken, Document, Fields, MAX_NESTING, Number};
use super::{Format, Model, ModelError, xgboost};
use std::borrow::Cow;

pub(super) fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    xgboost::read(Ubjson { bytes, at: 0, nesting: 0 }, Format::XgboostUbjson)
}

#[derive(Clone)]
pub(super) struct Ubjson<'a> {
    bytes: &'a [u8],
    at: usize,
    nesting: u32,
}

/// How an array or object says where it ends.
#[derive(Clone, Copy)]
enum Extent {
    /// Its closing bracket follows.
    Open,
    /// So many items.
    Count(usize),
    /// So many items, all of the type this marker names, which they do not repeat.
    Typed(u8, usize),
}

/// A number, whatever its width.
enum Scalar {
    Integer(i64),
    Float(f64),
}

impl<'a> Ubjson<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.broken(format!("{length} bytes were expected, and {} follow", self.bytes.len() - self.at)))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    fn marker(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?[0])
    }

    fn expect(&mut self, marker: u8) -> Result<(), Broken> {
        let found = self.marker()?;
        if found == marker {
            return Ok(());
        }
        self.at -= 1;
        Err(self.broken(format!("marker {:?} where {:?} was expected", char::from(found), char::from(marker))))
    }

    /// The number behind its marker, or nothing when the marker names no number.
    fn scalar(&mut self, marker: u8) -> Result<Option<Scalar>, Broken> {
        Ok(Some(match marker {
            b'i' => Scalar::Integer(i8::from_be_bytes(self.fixed()?).into()),
            b'U' => Scalar::Integer(u8::from_be_bytes(self.fixed()?).into()),
            b'I' => Scalar::Integer(i16::from_be_bytes(self.fixed()?).into()),
            b'l' => Scalar::Integer(i32::from_be_bytes(self.fixed()?).into()),
            b'L' => Scalar::Integer(i64::from_be_bytes(self.fixed()?)),
            b'd' => Scalar::Float(f32::from_be_bytes(self.fixed()?).into()),
            b'D' => Scalar::Float(f64::from_be_bytes(self.fixed()?)),
            _ => return Ok(None),
        }))
    }

    /// A count or length: any whole number with its marker.
    fn length(&mut self) -> Result<usize, Broken> {
        let marker = self.marker()?;
        match self.scalar(marker)? {
            Some(Scalar::Integer(length)) => {
                usize::try_from(length).map_err(|_| self.broken(format!("{length} where a length was expected")))
            }
            _ => Err(self.broken(format!("marker {:?} where a length was expected", char::from(marker)))),
        }
    }

    fn counted_text(&mut self) -> Result<Cow<'a, str>, Broken> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| self.broken("a text that is not UTF-8"))
    }

    /// What stands behind an opening bracket.
    fn extent(&mut self) -> Result<Extent, Broken> {
        let extent = match self.bytes.get(self.at) {
            Some(b'#') => {
                self.at += 1;
                Extent::Count(self.length()?)
            }
            Some(b'$') => {
                self.at += 1;
                let marker = self.marker()?;
                self.expect(b'#')?;
                Extent::Typed(marker, self.length()?)
            }
            _ => Extent::Open,
        };
        // An item takes a byte or more. Types that take none would stand for any number of items in no space.
        match extent {
            Extent::Typed(marker, _) if width(marker).is_none() => {
                Err(self.broken(format!("a list of items of type {:?}", char::from(marker))))
            }
            Extent::Count(count) | Extent::Typed(_, count) if count > self.bytes.len() - self.at => {
                Err(self.broken(format!("{count} items where {} bytes follow", self.bytes.len() - self.at)))
            }
            extent => Ok(extent),
        }
    }

    fn more(&mut self, extent: Extent, met: usize, close: u8) -> Result<bool, Broken> {
        match extent {
            Extent::Count(count) | Extent::Typed(_, count) => Ok(met < count),
            Extent::Open => match self.bytes.get(self.at) {
                Some(byte) if *byte == close => {
                    self.at += 1;
                    Ok(false)
                }
                Some(_) => Ok(true),
                None => Err(self.broken("the file ends within a list")),
            },
        }
    }

    fn nest(&mut self) -> Result<(), Broken> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { Err(self.broken(format!("nested deeper than {MAX_NESTING}"))) } else { Ok(()) }
    }

    /// Behind an opening brace. XGBoost closes its objects with a brace although it counts none of them.
    fn object_extent(&mut self) -> Result<Extent, Broken> {
        match self.extent()? {
            Extent::Typed(..) => Err(self.broken("an object whose values are all of one type")),
            extent => Ok(extent),
        }
    }
}

/// The bytes an item of this type takes within a typed array, where that is a fixed number.
fn width(marker: u8) -> Option<usize> {
    match marker {
        b'i' | b'U' | b'C' => Some(1),
        b'I' => Some(2),
        b'l' | b'd' => Some(4),
        b'L' | b'D' => Some(8),
        _ => None,
    }
}

impl<'a> Document<'a> for Ubjson<'a> {
    fn object(&mut self, mut field: impl FnMut(&mut Self, &str) -> Result<(), Broken>) -> Result<(), Broken> {
        self.expect(b'{')?;
        self.nest()?;
        let extent = self.object_extent()?;
        let mut fields = Fields::default();
        let mut met = 0;
        while self.more(extent, met, b'}')? {
            let name = self.counted_text()?;
            fields.meet(name.clone()).map_err(|reason| self.broken(reason).within(&*name))?;
            field(self, &name).map_err(|broken| broken.within(&*name))?;
            met += 1;
        }
        self.nesting -= 1;
        Ok(())
    }

    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Broken>) -> Result<(), Broken> {
        self.expect(b'[')?;
        self.nest()?;
        let extent = self.extent()?;
        if let Extent::Typed(_, 1..) = extent {
            return Err(self.broken("a list of numbers where another was expected"));
        }
        let mut met = 0;
        while self.more(extent, met, b']')? {
            item(self).map_err(|broken| broken.within(met.to_string()))?;
            met += 1;
        }
        self.nesting -= 1;
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Broken> {
        self.expect(b'S')?;
        self.counted_text()
    }

    fn numbers<N: Number>(&mut self) -> Result<Vec<N>, Broken> {
        let convert = |document: &Self, scalar| {
            let number = match scalar {
                Scalar::Integer(value) => N::from_integer(value),
                Scalar::Float(value) => N::from_float(value),
            };
            number.ok_or_else(|| document.broken(format!("{} was expected", N::WHAT)))
        };
        self.expect(b'[')?;
        let extent = self.extent()?;
        let mut numbers = Vec::new();
        if let Extent::Typed(marker, count) = extent {
            let bytes = width(marker).and_then(|width| width.checked_mul(count)).unwrap_or(usize::MAX);
            let start = self.at;
            self.take(bytes)?;
            self.at = start;
            numbers.reserve_exact(count);
        }
        while self.more(extent, numbers.len(), b']')? {
            let marker = match extent {
                Extent::Typed(marker, _) => marker,
                _ => self.marker()?,
            };
            let scalar = match marker {
                b'T' | b'F' => Some(Scalar::Integer(i64::from(marker == b'T'))),
                _ => self.scalar(marker)?,
            };
            let scalar = scalar.ok_or_else(|| self.broken(format!("marker {:?} where a number was expected", char::from(marker))))?;
            numbers.push(convert(self, scalar)?);
        }
        Ok(numbers)
    }

    fn skip(&mut self) -> Result<(), Broken> {
        let marker = self.marker()?;
        match marker {
            b'Z' | b'T' | b'F' => Ok(()),
            b'S' | b'H' => self.counted_text().map(drop),
            b'[' => {
                self.nest()?;
                let extent = self.extent()?;
                if let Extent::Typed(marker, count) = extent {
                    let bytes = width(marker).and_then(|width| width.checked_mul(count)).unwrap_or(usize::MAX);
                    self.take(bytes)?;
                } else {
                    let mut met = 0;
                    while self.more(extent, met, b']')? {
                        self.skip()?;
                        met += 1;
                    }
                }
                self.nesting -= 1;
                Ok(())
            }
            b'{' => {
                self.nest()?;
                let extent = self.object_extent()?;
                let mut met = 0;
                while self.more(extent, met, b'}')? {
                    self.counted_text()?;
                    self.skip()?;
                    met += 1;
                }
                self.nesting -= 1;
                Ok(())
            }
            _ => match width(marker) {
                Some(bytes) => self.take(bytes).map(drop),
                None => {
                    self.at -= 1;
                    Err(self.broken(format!("unknown marker {:?}", char::from(marker))))
                }
            },
        }
    }

    fn end(&mut self) -> Result<(), Broken> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.broken("something follows the end")) }
    }

    fn broken(&self, reason: impl Into<String>) -> Broken {
        Broken::new(self.at, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(bytes: &[u8]) -> Ubjson<'_> {
        Ubjson { bytes, at: 0, nesting: 0 }
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        let mut mixed = document(b"[i\xFFU\xFFI\xFF\x00l\x00\x00\x00\x01L\x00\x00\x00\x00\x00\x00\x00\x02]");
        assert_eq!(mixed.numbers::<i32>().unwrap(), [-1, 255, -256, 1, 2]);
        let mut typed = document(b"[$d#i\x02\x3F\x80\x00\x00\xC0\x00\x00\x00");
        assert_eq!(typed.numbers::<f32>().unwrap(), [1.0, -2.0]);
        assert!(typed.end().is_ok());
        assert_eq!(document(b"[D\x3F\xF8\x00\x00\x00\x00\x00\x00i\x02]").numbers::<f32>().unwrap(), [1.5, 2.0]);
        assert!(document(b"[d\x3F\x80\x00\x00]").numbers::<i32>().is_err());
        assert!(document(b"[Z]").numbers::<f32>().is_err());
    }

    #[test]
    fn counts_that_the_file_cannot_hold_are_refused_before_anything_is_allocated() {
        for huge in
            [&b"[$d#L\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00"[..], b"[#l\x7F\xFF\xFF\xFFi\x00", b"[$d#L\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"]
        {
            assert!(document(huge).numbers::<f32>().is_err());
            assert!(document(huge).skip().is_err());
        }
        // Nothing, a billion times.
        assert!(document(b"[$Z#l\x3F\xFF\xFF\xFF").skip().unwrap_err().to_string().contains("type 'Z'"));
        assert!(document(b"[$d#i\x02\x00\x00\x00\x00").numbers::<f32>().unwrap_err().to_string().contains("8 bytes"));
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        assert!(document(&b"[".repeat(1_000_000)).skip().unwrap_err().to_string().contains("nested deeper"));
        assert!(document(&b"{i\x01a".repeat(1_000_000)).skip().unwrap_err().to_string().contains("nested deeper"));
    }

    #[test]
    fn objects_may_be_counted_or_closed() {
        for bytes in [&b"{i\x01aSi\x01x}"[..], b"{#i\x01i\x01aSi\x01x"] {
            let mut found = Vec::new();
            let mut ubjson = document(bytes);
            ubjson
                .object(|ubjson, name| {
                    found.push((name.to_owned(), ubjson.text()?.into_owned()));
                    Ok(())
                })
                .unwrap();
            assert_eq!(found, [("a".into(), "x".into())]);
            ubjson.end().unwrap();
            document(bytes).skip().unwrap();
        }
    }
}
