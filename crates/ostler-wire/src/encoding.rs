use std::fmt;

use serde::{Deserialize, Serialize};

/// How a payload's body is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Fixed-int, little-endian bincode: small and fast. It is not self-describing, so types with
    /// `serde_json::Value`, `untagged`, `flatten` or `skip_serializing_if` need [`Encoding::Json`].
    Bincode,
    /// JSON text: for any serde type, and for programs in other languages.
    Json,
    /// Plain bytes, for values that are nothing but bytes or text: `Bytes`, `String`.
    Bytes,
}

impl Encoding {
    /// The name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bincode => "bincode",
            Self::Json => "json",
            Self::Bytes => "bytes",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
