//! The part of ONNX's Protocol Buffers that is read (`onnx-ml.proto`), written by hand. Other fields are skipped.

use super::super::{ModelError, malformed, unsupported};
use prost::Message;
use std::borrow::Cow;

/// The most messages (nodes, attributes, tensors, inputs) a file may hold, and texts beyond one per [`BYTES_PER_TEXT`]
/// bytes. A message of two bytes becomes some hundred bytes of memory, so they are counted before anything is decoded.
const MAX_MESSAGES: usize = 65_536;
/// A list of texts takes memory for each, however short; the modes of tree nodes, the longest there are, take six bytes.
const BYTES_PER_TEXT: usize = 5;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ModelProto {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetId>,
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSetId {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// 1 where the data stand in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TypeProto {
    /// Not there for sequences and maps.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    /// Not there where the length has only a name.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
}

/// Types of a tensor's elements.
pub(super) mod element {
    pub const FLOAT: i32 = 1;
    pub const UINT8: i32 = 2;
    pub const INT32: i32 = 6;
    pub const INT64: i32 = 7;
    pub const STRING: i32 = 8;
    pub const BOOL: i32 = 9;
    pub const DOUBLE: i32 = 11;
}

/// Reads a file, having counted what is in it.
pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto, String> {
    let mut count = Count { messages: MAX_MESSAGES, texts: MAX_MESSAGES + bytes.len() / BYTES_PER_TEXT };
    count.message(bytes, MODEL)?;
    ModelProto::decode(bytes).map_err(|error| error.to_string())
}

/// What length-delimited fields of a message hold: other messages, or texts where the kind is `None`.
struct Kind(&'static [(u64, Option<&'static Kind>)]);

const MODEL: &Kind = &Kind(&[(7, Some(GRAPH)), (8, Some(PLAIN)), (14, Some(PLAIN))]);
const GRAPH: &Kind = &Kind(&[(1, Some(NODE)), (5, Some(PLAIN)), (11, Some(INFO)), (12, Some(INFO))]);
const NODE: &Kind = &Kind(&[(1, None), (2, None), (5, Some(ATTRIBUTE))]);
const ATTRIBUTE: &Kind = &Kind(&[(5, Some(PLAIN)), (9, None)]);
const INFO: &Kind = &Kind(&[(2, Some(TYPE))]);
const TYPE: &Kind = &Kind(&[(1, Some(TENSOR_TYPE))]);
const TENSOR_TYPE: &Kind = &Kind(&[(2, Some(SHAPE))]);
const SHAPE: &Kind = &Kind(&[(1, Some(PLAIN))]);
const PLAIN: &Kind = &Kind(&[]);

/// How many more messages and texts there may be.
struct Count {
    messages: usize,
    texts: usize,
}

impl Count {
    /// Walks over a message; recursion goes as deep as the kinds do.
    fn message(&mut self, bytes: &[u8], kind: &Kind) -> Result<(), String> {
        self.messages = self.messages.checked_sub(1).ok_or_else(|| format!("it has more than {MAX_MESSAGES} messages"))?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let key = varint(&mut rest)?;
            let length = match key & 7 {
                0 => {
                    varint(&mut rest)?;
                    continue;
                }
                1 => 8,
                2 => varint(&mut rest)?,
                5 => 4,
                other => return Err(format!("wire type {other}")),
            };
            let length = usize::try_from(length).ok().filter(|length| *length <= rest.len()).ok_or("it ends too early")?;
            let (field, after) = rest.split_at(length);
            rest = after;
            if key & 7 == 2
                && let Some((_, inner)) = kind.0.iter().find(|(number, _)| *number == key >> 3)
            {
                match inner {
                    Some(inner) => self.message(field, inner)?,
                    None => self.texts = self.texts.checked_sub(1).ok_or("it has too many short texts")?,
                }
            }
        }
        Ok(())
    }
}

fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or("it ends too early")?;
        *rest = after;
        value |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes".into())
}

impl TensorProto {
    /// Its shape.
    pub fn shape(&self) -> Result<Vec<usize>, ModelError> {
        self.dims
            .iter()
            .map(|&length| usize::try_from(length).map_err(|_| malformed(self.place(), format!("a dimension of {length}"))))
            .collect()
    }

    fn place(&self) -> String {
        format!("tensor {:?}", self.name)
    }

    /// Its elements as 64-bit floats, as many as its shape says.
    pub fn floats(&self) -> Result<Vec<f64>, ModelError> {
        let raw = self.raw_data.as_deref();
        let found: Vec<f64> = match (self.data_type, raw) {
            (element::FLOAT, None) => self.float_data.iter().map(|&value| value.into()).collect(),
            (element::FLOAT, Some(raw)) => self.chunks(raw, |bytes| f32::from_le_bytes(bytes).into())?,
            (element::DOUBLE, None) => self.double_data.clone(),
            (element::DOUBLE, Some(raw)) => self.chunks(raw, f64::from_le_bytes)?,
            _ => self.ints()?.into_iter().map(|value| value as f64).collect(),
        };
        self.whole(found)
    }

    /// Its elements as whole numbers, as many as its shape says.
    pub fn ints(&self) -> Result<Vec<i64>, ModelError> {
        let raw = self.raw_data.as_deref();
        let found = match (self.data_type, raw) {
            (element::INT64, None) => self.int64_data.clone(),
            (element::INT64, Some(raw)) => self.chunks(raw, i64::from_le_bytes)?,
            (element::INT32 | element::UINT8 | element::BOOL, None) => self.int32_data.iter().map(|&value| value.into()).collect(),
            (element::INT32, Some(raw)) => self.chunks(raw, |bytes| i32::from_le_bytes(bytes).into())?,
            (element::UINT8 | element::BOOL, Some(raw)) => raw.iter().map(|&byte| byte.into()).collect(),
            (other, _) => return Err(unsupported(format!("a tensor of element type {other} ({:?})", self.name))),
        };
        self.whole(found)
    }

    fn chunks<T, const N: usize>(&self, raw: &[u8], read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, ModelError> {
        let (chunks, rest) = raw.as_chunks::<N>();
        match rest.len() {
            0 => Ok(chunks.iter().map(|chunk| read(*chunk)).collect()),
            _ => Err(malformed(self.place(), format!("{} bytes are not whole elements of {N}", raw.len()))),
        }
    }

    fn whole<T>(&self, found: Vec<T>) -> Result<Vec<T>, ModelError> {
        if self.data_location != 0 {
            return Err(unsupported(format!("{} keeps its data in another file", self.place())));
        }
        let needed = self.shape()?.into_iter().try_fold(1usize, usize::checked_mul);
        if needed != Some(found.len()) {
            return Err(malformed(self.place(), format!("{} elements in the shape {:?}", found.len(), self.dims)));
        }
        Ok(found)
    }

    /// How many elements its shape says it has; a number too large where that is beyond counting.
    pub fn elements(&self) -> usize {
        let length = |length: &i64| usize::try_from(*length).unwrap_or(usize::MAX);
        self.dims.iter().map(length).fold(1, usize::saturating_mul)
    }
}

impl NodeProto {
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|attribute| attribute.f).map_or(default, f64::from)
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    pub fn text(&self, name: &str, default: &'static str) -> Result<Cow<'_, str>, ModelError> {
        match self.attribute(name).and_then(|attribute| attribute.s.as_deref()) {
            Some(bytes) => utf8(bytes).map(Cow::Borrowed),
            None => Ok(Cow::Borrowed(default)),
        }
    }

    pub fn ints(&self, name: &str) -> &[i64] {
        self.attribute(name).map_or(&[], |attribute| &attribute.ints)
    }

    pub fn strings(&self, name: &str) -> &[Vec<u8>] {
        self.attribute(name).map_or(&[], |attribute| &attribute.strings)
    }

    pub fn floats(&self, name: &str) -> Vec<f64> {
        self.attribute(name).map_or(Vec::new(), |attribute| attribute.floats.iter().map(|&value| value.into()).collect())
    }

    /// A list of floats, or the tensor that may stand in its place under the name with `_as_tensor`.
    pub fn floats_or_tensor(&self, name: &str) -> Result<Vec<f64>, ModelError> {
        match self.attribute(&format!("{name}_as_tensor")).and_then(|attribute| attribute.t.as_ref()) {
            Some(tensor) => tensor.floats(),
            None => Ok(self.floats(name)),
        }
    }

    pub fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.attribute(name).and_then(|attribute| attribute.t.as_ref())
    }

    /// The classes an operator tells apart, as texts; they are given as texts or as whole numbers.
    pub fn labels(&self, texts: &str, ints: &str) -> Result<Vec<String>, ModelError> {
        match self.strings(texts) {
            [] => Ok(self.ints(ints).iter().map(i64::to_string).collect()),
            texts => texts.iter().map(|text| utf8(text).map(str::to_owned)).collect(),
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, ModelError> {
    std::str::from_utf8(bytes).map_err(|_| malformed("an attribute", "its text is not UTF-8"))
}
