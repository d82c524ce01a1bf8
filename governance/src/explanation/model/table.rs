//! Rows of features as people keep them, CSV or JSON, brought into the order of a model's features.
//!
//! A value that is not there is NaN from here on. What can be read in two ways is refused by naming line and column;
//! what was passed over or taken for something is said in [`Read::notes`].

use super::Rows;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{cell::RefCell, collections::HashMap, fmt};

/// Rows, and what a person should know about how they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub rows: Rows,
    pub notes: Vec<String>,
}

/// Why a file of rows was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    #[error("there is nothing in it")]
    Empty,
    #[error("the model has no features, so it takes no rows")]
    NoFeatures,
    #[error("no column is named {}; the columns are {found}", missing.join(", "))]
    Missing { missing: Vec<String>, found: String },
    #[error(
        "it has {found} columns, none of which is named like one of the model's {needed} features ({names}); name them, or give {needed} columns in that order"
    )]
    Count { found: usize, needed: usize, names: String },
    #[error("two columns are named {name}")]
    Twice { name: String },
    #[error("line {line}, column {column}: {found:?} is not a number; leave it empty or write nan where a value is missing")]
    Cell { line: u64, column: String, found: String },
    #[error("it is not CSV: {0}")]
    Csv(String),
    #[error("it is not JSON: {0}{hint}", hint = if .0.starts_with("expected value") { "; NaN and Infinity are not JSON, null is a missing value" } else { "" })]
    Json(String),
    #[error("{place}: {reason}")]
    Row { place: String, reason: String },
}

/// Reads CSV with a header, or JSON: a list of rows, or an object whose `rows` is one. Each JSON row is an array in the
/// model's order or an object by the features' names.
pub fn read(bytes: &[u8], features: &[String]) -> Result<Read, RowsError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if features.is_empty() {
        return Err(RowsError::NoFeatures);
    }
    match bytes.trim_ascii_start().first() {
        None => Err(RowsError::Empty),
        Some(b'[' | b'{') => read_json(bytes, features),
        Some(_) => read_csv(bytes, features),
    }
}

/// Where each feature stands in a line, or what keeps the header from saying so.
fn places(header: &[String], features: &[String], notes: &mut Vec<String>) -> Result<Vec<usize>, RowsError> {
    let mut columns: HashMap<&str, usize> = HashMap::new();
    for (at, name) in header.iter().enumerate() {
        if columns.insert(name, at).is_some() && features.contains(name) {
            return Err(RowsError::Twice { name: name.clone() });
        }
    }
    let found: Vec<Option<usize>> = features.iter().map(|name| columns.get(name.as_str()).copied()).collect();
    if let Some(places) = found.iter().copied().collect::<Option<Vec<usize>>>() {
        let others: Vec<&str> = header.iter().filter(|name| !features.contains(name)).map(|name| shown(name)).collect();
        if !others.is_empty() {
            notes.push(format!("The model has no feature named {}; such columns are passed over.", some(&others)));
        }
        return Ok(places);
    }
    if found.iter().any(Option::is_some) {
        let missing = features.iter().zip(&found).filter(|(_, place)| place.is_none()).map(|(name, _)| name.clone()).collect();
        return Err(RowsError::Missing { missing, found: some(&header.iter().map(|name| shown(name)).collect::<Vec<_>>()) });
    }
    // A first column without a name is where data frames write their row numbers.
    let unnamed = usize::from(header.len() == features.len() + 1 && header.first().is_some_and(String::is_empty));
    if header.len() - unnamed != features.len() {
        let names = some(&features.iter().map(String::as_str).collect::<Vec<_>>());
        return Err(RowsError::Count { found: header.len(), needed: features.len(), names });
    }
    notes.push(format!(
        "No column is named like a feature of the model; they are taken in the model's order, beginning with {}.",
        features[0]
    ));
    Ok((unnamed..header.len()).collect())
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "(no name)" } else { name }
}

/// A list that stays readable however long it is.
fn some(names: &[&str]) -> String {
    match names {
        [first @ .., _, _] if names.len() > 12 => format!("{} and {} more", first[..10].join(", "), names.len() - 10),
        _ => names.join(", "),
    }
}

fn read_csv(bytes: &[u8], features: &[String]) -> Result<Read, RowsError> {
    let wrong = |error: csv::Error| RowsError::Csv(error.to_string());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let mut notes = Vec::new();
    if !reader.read_byte_record(&mut record).map_err(wrong)? {
        return Err(RowsError::Empty);
    }
    let header: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let mut values = Vec::new();
    let places = if is_a_row(&header) && header.len() == features.len() {
        notes.push("The first line holds only numbers, so it is taken for a row; the columns are taken in the model's order.".into());
        let places = (0..header.len()).collect();
        take(&record, 1, &places, &header, &mut values)?;
        places
    } else {
        places(&header, features, &mut notes)?
    };
    while reader.read_byte_record(&mut record).map_err(wrong)? {
        let line = record.position().map_or(0, csv::Position::line);
        take(&record, line, &places, &header, &mut values)?;
    }
    Ok(Read { rows: Rows::from_values(features.len(), values), notes })
}

/// Whether a first line is numbers and not the numbering of columns that some tools write for a header.
fn is_a_row(header: &[String]) -> bool {
    let numbering = |from: usize| header.iter().enumerate().all(|(at, name)| name.parse() == Ok(at + from));
    header.iter().all(|name| name.parse::<f64>().is_ok()) && !(header.len() > 1 && (numbering(0) || numbering(1)))
}

fn take(record: &csv::ByteRecord, line: u64, places: &Vec<usize>, header: &[String], values: &mut Vec<f64>) -> Result<(), RowsError> {
    for place in places {
        let cell = record.get(*place).unwrap_or_default();
        let value = number(cell).ok_or_else(|| RowsError::Cell {
            line,
            column: header.get(*place).map_or_else(|| place.to_string(), |name| shown(name).to_owned()),
            found: String::from_utf8_lossy(cell).chars().take(40).collect(),
        })?;
        values.push(value);
    }
    Ok(())
}

fn number(cell: &[u8]) -> Option<f64> {
    if cell.is_empty() || [&b"nan"[..], b"na", b"null", b"none"].iter().any(|word| cell.eq_ignore_ascii_case(word)) {
        return Some(f64::NAN);
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

fn read_json(bytes: &[u8], features: &[String]) -> Result<Read, RowsError> {
    let reading = Reading {
        features,
        places: features.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect(),
        found: RefCell::new(Found { values: Vec::new(), rows: 0, unknown: Vec::new(), wrong: None }),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Document(&reading).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let found = reading.found.into_inner();
    read.map_err(|error| match found.wrong {
        Some((place, reason)) => RowsError::Row { place, reason },
        None => RowsError::Json(error.to_string()),
    })?;
    let mut notes = Vec::new();
    if !found.unknown.is_empty() {
        let others: Vec<&str> = found.unknown.iter().map(String::as_str).collect();
        notes.push(format!("The model has no feature named {}; such values are passed over.", some(&others)));
    }
    Ok(Read { rows: Rows::from_values(features.len(), found.values), notes })
}

struct Reading<'a> {
    features: &'a [String],
    places: HashMap<&'a str, usize>,
    found: RefCell<Found>,
}

struct Found {
    values: Vec<f64>,
    rows: usize,
    /// The first names that no feature has.
    unknown: Vec<String>,
    /// What stopped the reading beyond JSON itself.
    wrong: Option<(String, String)>,
}

impl Reading<'_> {
    /// Remembers what is wrong with the row being read, and makes an error that stops the reading.
    fn wrong<E: de::Error>(&self, reason: String) -> E {
        let mut found = self.found.borrow_mut();
        let place = format!("row {}", found.rows + 1);
        let error = E::custom(&reason);
        found.wrong.get_or_insert((place, reason));
        error
    }
}

/// Implements the seed that reads whatever its visitor takes.
macro_rules! seed {
    ($name:ident) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_any(self)
            }
        }
    };
}

struct Document<'a>(&'a Reading<'a>);
seed!(Document);

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, or an object whose `rows` is one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {
            self.0.found.borrow_mut().rows += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut there = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != "rows" {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut there, true) {
                return Err(de::Error::custom("`rows` stands there twice"));
            } else {
                map.next_value_seed(List(self.0))?;
            }
        }
        if there { Ok(()) } else { Err(de::Error::custom("the object has no `rows`")) }
    }
}

struct List<'a>(&'a Reading<'a>);
seed!(List);

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<(), A::Error> {
        Document(self.0).visit_seq(rows)
    }
}

struct Row<'a>(&'a Reading<'a>);
seed!(Row);

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: an array of numbers or an object of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let (reading, needed) = (self.0, self.0.features.len());
        let mut found = 0;
        while let Some(Cell(value)) = cells.next_element()? {
            found += 1;
            if found <= needed {
                reading.found.borrow_mut().values.push(value);
            }
        }
        if found == needed {
            return Ok(());
        }
        Err(reading.wrong(format!("it has {found} values where the model has {needed} features")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let (reading, needed) = (self.0, self.0.features.len());
        let start = reading.found.borrow().values.len();
        reading.found.borrow_mut().values.resize(start + needed, f64::NAN);
        let mut given = vec![false; needed];
        while let Some(name) = cells.next_key::<std::borrow::Cow<'de, str>>()? {
            let Some(place) = reading.places.get(name.as_ref()).copied() else {
                cells.next_value::<IgnoredAny>()?;
                let mut found = reading.found.borrow_mut();
                if found.unknown.len() < 20 && !found.unknown.iter().any(|known| *known == name) {
                    found.unknown.push(name.into_owned());
                }
                continue;
            };
            let Cell(value) = cells.next_value()?;
            if std::mem::replace(&mut given[place], true) {
                return Err(reading.wrong(format!("{name} stands there twice")));
            }
            reading.found.borrow_mut().values[start + place] = value;
        }
        let missing: Vec<&str> = reading.features.iter().zip(&given).filter(|(_, given)| !**given).map(|(name, _)| name.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(reading.wrong(format!("it has no {}; write null where a value is missing", some(&missing))))
    }
}

/// A number; null is NaN.
struct Cell(f64);

impl<'de> de::Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Cell;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or null where it is missing")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
                Ok(Cell(value as f64))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell(value as f64))
            }
            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell(f64::NAN))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn rows(text: &str) -> Vec<Vec<f64>> {
        read(text.as_bytes(), &features(&["a", "b"])).unwrap().rows.iter().map(<[f64]>::to_vec).collect()
    }

    fn notes(text: &str) -> String {
        read(text.as_bytes(), &features(&["a", "b"])).unwrap().notes.join("\n")
    }

    fn refusal(text: &str) -> String {
        read(text.as_bytes(), &features(&["a", "b"])).unwrap_err().to_string()
    }

    #[test]
    fn columns_may_stand_in_any_order_among_others() {
        assert_eq!(rows("b,id,a\n1,x,2\n3,y,4.5e1\n"), [[2.0, 1.0], [45.0, 3.0]]);
        assert!(notes("b,id,a\n1,x,2\n").contains("no feature named id"));
        assert_eq!(notes("b,a\n1,2\n"), "");
        assert_eq!(rows("\u{feff}\"a\",b \r\n 1 ,\"2\"\r\n"), [[1.0, 2.0]]);
        assert_eq!(rows("a,b\n"), Vec::<Vec<f64>>::new());
    }

    #[test]
    fn an_empty_cell_or_nan_is_a_missing_value() {
        for empty in ["", "nan", "NaN", "null", " "] {
            let row = &rows(&format!("a,b\n{empty},2\n"))[0];
            assert!(row[0].is_nan() && row[1] == 2.0, "{empty:?}");
        }
        let row = &rows(r#"[[null, 2]]"#)[0];
        assert!(row[0].is_nan() && row[1] == 2.0);
    }

    #[test]
    fn columns_with_other_names_are_taken_in_order_and_that_is_said() {
        assert_eq!(rows("x,y\n1,2\n"), [[1.0, 2.0]]);
        assert!(notes("x,y\n1,2\n").contains("taken in the model's order"));
        assert_eq!(rows(",x,y\n0,1,2\n1,3,4\n"), [[1.0, 2.0], [3.0, 4.0]], "row numbers are no feature");
        assert_eq!(rows("0,1\n5,6\n"), [[5.0, 6.0]], "numbered columns are a header");
        assert_eq!(rows("0.5,1\n5,6\n"), [[0.5, 1.0], [5.0, 6.0]], "numbers are a row");
        assert!(notes("0.5,1\n5,6\n").contains("The first line"));
    }

    #[test]
    fn what_is_wrong_with_a_csv_is_named() {
        assert!(refusal("a,c\n1,2\n").contains("no column is named b; the columns are a, c"));
        assert!(refusal("x,y,z\n1,2,3\n").contains("3 columns, none of which is named like one of the model's 2 features (a, b)"));
        assert!(refusal("a,b,a\n1,2,3\n").contains("two columns are named a"));
        assert!(refusal("a,b\n1,2\n1,two\n").contains("line 3, column b: \"two\" is not a number"));
        assert!(refusal("a,b\n1,2\n1\n").contains("not CSV"));
        assert!(refusal("").contains("nothing"));
        assert_eq!(read(b"a\n", &[]), Err(RowsError::NoFeatures));
    }

    #[test]
    fn json_rows_are_arrays_or_objects_in_a_list_or_under_rows() {
        assert_eq!(rows(r#"[[1, 2], [3, -4.5]]"#), [[1.0, 2.0], [3.0, -4.5]]);
        assert_eq!(rows(r#"{"about": {"x": []}, "rows": [{"b": 2, "a": 1}, [3, 4]]}"#), [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(rows("[]"), Vec::<Vec<f64>>::new());
        assert!(notes(r#"[{"b": 2, "c": "text", "a": 1}]"#).contains("no feature named c"));
    }

    #[test]
    fn what_is_wrong_with_json_is_named() {
        assert_eq!(refusal("[[1, 2], [1, 2, 3]]"), "row 2: it has 3 values where the model has 2 features");
        assert_eq!(refusal(r#"[{"a": 1}]"#), "row 1: it has no b; write null where a value is missing");
        assert_eq!(refusal(r#"[{"a": 1, "a": 1, "b": 2}]"#), "row 1: a stands there twice");
        assert!(refusal("[[1, NaN]]").contains("null is a missing value"));
        assert!(refusal(r#"[[1, "2"]]"#).contains("a number, or null"));
        assert!(refusal("[1, 2]").contains("a row: an array of numbers or an object of them"));
        assert!(refusal(r#"{"data": []}"#).contains("no `rows`"));
        assert!(refusal("[[1, 2]] tail").contains("trailing"));
        assert!(refusal(&"[".repeat(100_000)).contains("not JSON"));
    }
}
