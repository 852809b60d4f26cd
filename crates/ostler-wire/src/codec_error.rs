use thiserror::Error;

use crate::Encoding;

/// A value could not be made into a payload.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// bincode cannot express the type.
    #[error(
        "cannot encode `{type_name}` with bincode: {reason}; for types with serde_json::Value, untagged, \
         flatten or skip_serializing_if set `const ENCODING: Encoding = Encoding::Json`"
    )]
    Bincode {
        /// The Rust type.
        type_name: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// JSON cannot express the value.
    #[error("cannot encode `{type_name}` as JSON: {reason}")]
    Json {
        /// The Rust type.
        type_name: &'static str,
        /// What was wrong.
        reason: serde_json::Error,
    },
    /// The value is not just bytes or text.
    #[error(
        "cannot encode `{type_name}` as plain bytes: {reason}; choose another encoding, or an attachment"
    )]
    Plain {
        /// The Rust type.
        type_name: &'static str,
        /// What it is instead.
        reason: String,
    },
}

/// A payload's body is not the type that was asked for.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The bytes are not that type in bincode.
    #[error(
        "cannot decode `{type_name}` from {len} bytes of bincode: {reason}; both sides must use the same \
         definition, and for types with serde_json::Value, untagged, flatten or skip_serializing_if set \
         `const ENCODING: Encoding = Encoding::Json`"
    )]
    Bincode {
        /// The Rust type.
        type_name: &'static str,
        /// How long the body is.
        len: usize,
        /// What was wrong.
        reason: String,
    },
    /// The bytes are not that type in JSON.
    #[error("cannot decode `{type_name}` from JSON: {reason}")]
    Json {
        /// The Rust type.
        type_name: &'static str,
        /// What was wrong, and where.
        reason: serde_json::Error,
    },
    /// The bytes are not that type.
    #[error("cannot decode `{type_name}` from plain bytes: {reason}")]
    Plain {
        /// The Rust type.
        type_name: &'static str,
        /// What was wrong.
        reason: String,
    },
}

impl DecodeError {
    /// The Rust type that was asked for.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Bincode { type_name, .. }
            | Self::Json { type_name, .. }
            | Self::Plain { type_name, .. } => type_name,
        }
    }

    /// The encoding of the payload.
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::Bincode { .. } => Encoding::Bincode,
            Self::Json { .. } => Encoding::Json,
            Self::Plain { .. } => Encoding::Bytes,
        }
    }
}
