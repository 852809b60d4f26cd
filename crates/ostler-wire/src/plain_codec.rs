//! Plain bytes as an encoding: of a value that is nothing but bytes or text.

use std::fmt;

use serde::de::value::BytesDeserializer;
use serde::de::{self, DeserializeOwned};
use serde::ser::{self, Impossible};
use serde::{Serialize, Serializer};

/// The value's bytes; an error if it is more than bytes or text.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotPlain> {
    value.serialize(PlainSerializer)
}

/// The value that is these bytes, or this text.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotPlain> {
    T::deserialize(BytesDeserializer::<NotPlain>::new(bytes))
}

/// A value is not bytes, or the bytes are no such value.
#[derive(Debug)]
pub(crate) struct NotPlain(pub(crate) String);

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotPlain {}

impl ser::Error for NotPlain {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl de::Error for NotPlain {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct PlainSerializer;

type Refused = Result<Impossible<Vec<u8>, NotPlain>, NotPlain>;

fn refuse<T>(what: &str) -> Result<T, NotPlain> {
    Err(NotPlain(format!("it is {what}, and not bytes or text")))
}

/// Refuses values of one type each.
macro_rules! refuse_values {
    ($($function:ident: $type:ty, $what:literal;)*) => {
        $(fn $function(self, _: $type) -> Result<Vec<u8>, NotPlain> {
            refuse($what)
        })*
    };
}

impl Serializer for PlainSerializer {
    type Ok = Vec<u8>;
    type Error = NotPlain;
    type SerializeSeq = Impossible<Vec<u8>, NotPlain>;
    type SerializeTuple = Impossible<Vec<u8>, NotPlain>;
    type SerializeTupleStruct = Impossible<Vec<u8>, NotPlain>;
    type SerializeTupleVariant = Impossible<Vec<u8>, NotPlain>;
    type SerializeMap = Impossible<Vec<u8>, NotPlain>;
    type SerializeStruct = Impossible<Vec<u8>, NotPlain>;
    type SerializeStructVariant = Impossible<Vec<u8>, NotPlain>;

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Vec<u8>, NotPlain> {
        Ok(bytes.to_vec())
    }

    fn serialize_str(self, text: &str) -> Result<Vec<u8>, NotPlain> {
        Ok(text.as_bytes().to_vec())
    }

    refuse_values! {
        serialize_bool: bool, "a truth value";
        serialize_i8: i8, "a number";
        serialize_i16: i16, "a number";
        serialize_i32: i32, "a number";
        serialize_i64: i64, "a number";
        serialize_u8: u8, "a number";
        serialize_u16: u16, "a number";
        serialize_u32: u32, "a number";
        serialize_u64: u64, "a number";
        serialize_f32: f32, "a number";
        serialize_f64: f64, "a number";
        serialize_char: char, "a character";
        serialize_unit_struct: &'static str, "a unit";
    }

    fn serialize_unit(self) -> Result<Vec<u8>, NotPlain> {
        refuse("a unit")
    }

    fn serialize_none(self) -> Result<Vec<u8>, NotPlain> {
        refuse("an option")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Vec<u8>, NotPlain> {
        refuse("an option")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<Vec<u8>, NotPlain> {
        refuse("an enum")
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<u8>, NotPlain> {
        // It could be written, and not be read back.
        refuse("a struct (give it #[serde(transparent)] if it is made of bytes alone)")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<u8>, NotPlain> {
        refuse("an enum")
    }

    fn serialize_seq(self, _: Option<usize>) -> Refused {
        refuse("a sequence (of bytes, take `Bytes`)")
    }

    fn serialize_tuple(self, _: usize) -> Refused {
        refuse("a tuple")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Refused {
        refuse("a struct")
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Refused {
        refuse("an enum")
    }

    fn serialize_map(self, _: Option<usize>) -> Refused {
        refuse("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Refused {
        refuse("a struct")
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Refused {
        refuse("an enum")
    }
}
