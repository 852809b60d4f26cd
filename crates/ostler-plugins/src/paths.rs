//! Paths of requests and responses. A path need not be UTF-8, and JSON is: there, a path that is not is an array of its
//! bytes. The binary encoding has the bytes, in the form of a text.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(Bytes).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(Option::<Owned>::deserialize(deserializer)?.map(|Owned(path)| path))
}

struct Bytes<'a>(&'a Path);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.as_os_str().as_bytes();
        match self.0.to_str() {
            Some(text) if serializer.is_human_readable() => serializer.serialize_str(text),
            _ if serializer.is_human_readable() => serializer.collect_seq(bytes),
            _ => serializer.serialize_bytes(bytes),
        }
    }
}

struct Owned(PathBuf);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(PathVisitor)
        } else {
            deserializer.deserialize_byte_buf(PathVisitor)
        }
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = Owned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path: a text, or an array of its bytes if it is not UTF-8")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Owned, E> {
        Ok(Owned(text.into()))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Owned, E> {
        self.visit_byte_buf(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Owned, E> {
        Ok(Owned(OsString::from_vec(bytes).into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Owned, A::Error> {
        let mut path = Vec::new();
        while let Some(byte) = bytes.next_element()? {
            path.push(byte);
        }
        self.visit_byte_buf(path)
    }
}
