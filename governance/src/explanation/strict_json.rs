//! JSON read so that it means one thing: no duplicate keys, no number that two readers could take differently.
//!
//! A decision record is hashed and signed. Were a duplicate key or an integer beyond 2^53 accepted, two honest readers
//! could see two records under one digest. Every refusal names the field. What the fields mean is left to the caller.

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::fmt;

/// Integers up to here are the same number to every JSON reader.
const LARGEST_NUMBER: f64 = 9_007_199_254_740_992.0;

/// Where reading stopped, such as `inputs[2].value`, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) field: String,
    pub(super) reason: String,
}

/// The way from the document's root to where reading is. A failing reader leaves it as it stands.
#[derive(Default)]
struct Place(RefCell<Vec<String>>);

impl Place {
    fn within<T, E>(&self, step: String, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.0.borrow_mut().push(step);
        let value = read()?;
        self.0.borrow_mut().pop();
        Ok(value)
    }

    fn refusal(&self, error: &serde_json::Error) -> Refusal {
        let path = self.0.borrow().concat();
        let field = if path.is_empty() { "the record" } else { path.trim_start_matches('.') };
        Refusal { field: field.chars().take(200).collect(), reason: error.to_string() }
    }
}

/// Reads a document, refusing what is ambiguous.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Refusal> {
    let place = Place::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict(&place)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| place.refusal(&error))
}

/// Turns a document into a type, naming the field that does not fit.
pub(super) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Refusal> {
    let place = Place::default();
    T::deserialize(Located { value, place: &place }).map_err(|error| place.refusal(&error))
}

struct Strict<'a>(&'a Place);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        if value > LARGEST_NUMBER as u64 { Err(beyond(value)) } else { Ok(value.into()) }
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value < -(LARGEST_NUMBER as i64) { Err(beyond(value)) } else { Ok(value.into()) }
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() > LARGEST_NUMBER {
            return Err(beyond(value));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(format!("{value} is not a number")))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            match self.0.within(format!("[{}]", items.len()), || seq.next_element_seed(Strict(self.0)))? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = self.0.within(format!(".{key}"), || {
                if fields.contains_key(&key) {
                    return Err(de::Error::custom("it stands there twice"));
                }
                map.next_value_seed(Strict(self.0))
            })?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

fn beyond<E: de::Error>(value: impl fmt::Display) -> E {
    E::custom(format!("{value} is beyond 2^53, where JSON readers differ"))
}

struct Located<'a> {
    value: &'a Value,
    place: &'a Place,
}

impl<'a, 'de> IntoDeserializer<'de, serde_json::Error> for Located<'a> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Located<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Array(items) => visitor.visit_seq(Items { items, next: 0, place: self.place }),
            Value::Object(fields) => visitor.visit_map(Fields { fields: fields.iter(), value: None, place: self.place }),
            Value::String(text) => visitor.visit_str(text),
            // Numbers, booleans and null say themselves what is wrong with them.
            plain => plain.clone().deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'a> {
    items: &'a [Value],
    next: usize,
    place: &'a Place,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = serde_json::Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        let Some(value) = self.items.get(self.next) else {
            return Ok(None);
        };
        let step = format!("[{}]", self.next);
        self.next += 1;
        self.place.within(step, || seed.deserialize(Located { value, place: self.place })).map(Some)
    }
}

struct Fields<'a> {
    fields: serde_json::map::Iter<'a>,
    value: Option<(&'a String, &'a Value)>,
    place: &'a Place,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = serde_json::Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.value = self.fields.next();
        match self.value {
            Some((key, _)) => {
                let key: de::value::StrDeserializer<'_, Self::Error> = key.as_str().into_deserializer();
                seed.deserialize(key).map(Some)
            }
            None => Ok(None),
        }
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        let (key, value) = self.value.take().ok_or_else(|| de::Error::custom("a value without a key"))?;
        self.place.within(format!(".{key}"), || seed.deserialize(Located { value, place: self.place }))
    }
}
