//! The one place that knows bincode. Its line is complete and no longer developed, so that what stands
//! here can be replaced without touching anything else. The layout is fixed-int, little-endian.

use bincode::config::{Config, Configuration, Fixint, LittleEndian, NoLimit};
use bincode::enc::write::Writer;
use bytes::BufMut;
use serde::Serialize;
use serde::de::DeserializeOwned;

const CONFIG: Configuration<LittleEndian, Fixint, NoLimit> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_no_limit();

const SMALL: usize = 1 << 20;
const MEDIUM: usize = 64 << 20;
// A frame's length is a u32, so nothing that was received is longer.
const LARGE: usize = u32::MAX as usize;

/// Appends a value; on an error, what was appended so far stays.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, buffer: &mut impl BufMut) -> Result<(), String> {
    bincode::serde::encode_into_writer(value, Appender(buffer), CONFIG)
        .map_err(|error| explain_encode(&error))
}

/// Reads a value from the front of `bytes`, and tells how many bytes it took.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), String> {
    // bincode allocates what a string's length asks for before it looks whether the bytes are there.
    // Its limit stops that, but is a constant: hence a few sizes of it.
    if bytes.len() <= SMALL {
        read_with(bytes, CONFIG.with_limit::<SMALL>())
    } else if bytes.len() <= MEDIUM {
        read_with(bytes, CONFIG.with_limit::<MEDIUM>())
    } else {
        read_with(bytes, CONFIG.with_limit::<LARGE>())
    }
}

fn read_with<T: DeserializeOwned, C: Config>(bytes: &[u8], config: C) -> Result<(T, usize), String> {
    bincode::serde::decode_from_slice(bytes, config).map_err(|error| explain_decode(&error))
}

struct Appender<'a, B>(&'a mut B);

impl<B: BufMut> Writer for Appender<'_, B> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.put_slice(bytes);
        Ok(())
    }
}

fn explain_encode(error: &bincode::error::EncodeError) -> String {
    use bincode::error::EncodeError;
    match error {
        EncodeError::OtherString(text) => text.clone(),
        EncodeError::Other(text) => (*text).to_owned(),
        EncodeError::Serde(bincode::serde::EncodeError::SequenceMustHaveLength) => {
            "it has a sequence or map whose length is not known beforehand".to_owned()
        }
        other => other.to_string(),
    }
}

fn explain_decode(error: &bincode::error::DecodeError) -> String {
    use bincode::error::DecodeError;
    use bincode::serde::DecodeError as SerdeError;
    match error {
        DecodeError::UnexpectedEnd { additional } => {
            format!("the bytes end early, at least {additional} missing")
        }
        DecodeError::LimitExceeded => "a length in it is larger than the whole".to_owned(),
        DecodeError::InvalidBooleanValue(byte) => format!("a boolean is {byte}, not 0 or 1"),
        DecodeError::UnexpectedVariant { found, .. } => format!("there is no enum variant {found}"),
        DecodeError::Utf8 { .. } => "a string is not valid UTF-8".to_owned(),
        DecodeError::OtherString(text) => text.clone(),
        DecodeError::Other(text) => (*text).to_owned(),
        DecodeError::Serde(
            SerdeError::AnyNotSupported
            | SerdeError::IgnoredAnyNotSupported
            | SerdeError::IdentifierNotSupported,
        ) => "the type wants to be told what comes next, and bincode does not say it".to_owned(),
        other => other.to_string(),
    }
}
