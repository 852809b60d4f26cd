//! Numbers and truth values that may also come as text, where the format tells them apart.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A whole number, or the text of one. `expected` says in an error what it should have been.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D, expected: &str) -> Result<u32, D::Error> {
    if !deserializer.is_human_readable() {
        return u32::deserialize(deserializer);
    }
    let scalar = deserializer.deserialize_any(ScalarVisitor(expected))?;
    scalar.whole().ok_or_else(|| scalar.mismatch(expected))
}

/// Like [`whole`], or nothing.
pub(crate) fn optional_whole<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &str,
) -> Result<Option<u32>, D::Error> {
    if !deserializer.is_human_readable() {
        return Option::deserialize(deserializer);
    }
    match deserializer.deserialize_any(ScalarVisitor(expected))? {
        Scalar::Null => Ok(None),
        scalar => scalar.whole().map(Some).ok_or_else(|| scalar.mismatch(expected)),
    }
}

/// Any number, or the text of one.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D, expected: &str) -> Result<f64, D::Error> {
    if !deserializer.is_human_readable() {
        return f64::deserialize(deserializer);
    }
    let scalar = deserializer.deserialize_any(ScalarVisitor(expected))?;
    scalar.number().ok_or_else(|| scalar.mismatch(expected))
}

/// True or false, or the text of it.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D, expected: &str) -> Result<bool, D::Error> {
    if !deserializer.is_human_readable() {
        return bool::deserialize(deserializer);
    }
    let scalar = deserializer.deserialize_any(ScalarVisitor(expected))?;
    scalar.flag().ok_or_else(|| scalar.mismatch(expected))
}

enum Scalar {
    Null,
    Flag(bool),
    Negative(i64),
    Whole(u64),
    Number(f64),
    Text(String),
}

impl Scalar {
    fn whole(&self) -> Option<u32> {
        match self {
            Self::Whole(value) => u32::try_from(*value).ok(),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(*value as f64),
            Self::Negative(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn mismatch<E: Error>(&self, expected: &str) -> E {
        let found = match self {
            Self::Null => Unexpected::Other("null"),
            Self::Flag(value) => Unexpected::Bool(*value),
            Self::Negative(value) => Unexpected::Signed(*value),
            Self::Whole(value) => Unexpected::Unsigned(*value),
            Self::Number(value) => Unexpected::Float(*value),
            Self::Text(text) => Unexpected::Str(text),
        };
        E::invalid_value(found, &expected)
    }
}

struct ScalarVisitor<'a>(&'a str);

impl Visitor<'_> for ScalarVisitor<'_> {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(value).map_or(Scalar::Negative(value), Scalar::Whole))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
}
