use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Attachment, DecodeError, EncodeError, Encoding, bin_codec, plain_codec};

/// An encoded body and any number of attachments: what a job is given, and what it gives back.
///
/// Clones share the bytes. It has no serde form on purpose: inside a serde format the bytes would be
/// copied one by one; in a frame they travel untouched.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    encoding: Encoding,
    body: Bytes,
    /// None if there are none: most have none, and many payloads may wait.
    attachments: Option<Arc<Vec<Attachment>>>,
}

/// What is reserved for a value that is about to be encoded, in bytes; what is not used is given back.
const FIRST_RESERVED: usize = 128;
/// A body that is not worth another system call, in bytes.
const SMALL: usize = 4_096;

impl Payload {
    /// Encodes a value.
    ///
    /// # Errors
    /// If the encoding cannot express the type.
    pub fn encode<T: Serialize + ?Sized>(encoding: Encoding, value: &T) -> Result<Self, EncodeError> {
        let type_name = type_name::<T>();
        let body = match encoding {
            Encoding::Bincode => {
                let mut buffer = Vec::with_capacity(FIRST_RESERVED);
                bin_codec::append(value, &mut buffer)
                    .map_err(|reason| EncodeError::Bincode { type_name, reason })?;
                buffer
            }
            Encoding::Json => {
                serde_json::to_vec(value).map_err(|reason| EncodeError::Json { type_name, reason })?
            }
            Encoding::Bytes => plain_codec::encode(value)
                .map_err(|error| EncodeError::Plain { type_name, reason: error.0 })?,
        };
        Ok(Self { encoding, body: without_room(body), attachments: None })
    }

    /// Encodes a value as JSON.
    ///
    /// # Errors
    /// If JSON cannot express the value, as with a map whose keys are not strings.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        Self::encode(Encoding::Json, value)
    }

    /// A body of plain bytes.
    pub fn raw(body: impl Into<Bytes>) -> Self {
        Self { encoding: Encoding::Bytes, body: body.into(), attachments: None }
    }

    /// Nothing: plain bytes of length 0.
    pub const fn empty() -> Self {
        Self { encoding: Encoding::Bytes, body: Bytes::new(), attachments: None }
    }

    /// Puts together what [`into_parts`](Self::into_parts) took apart. The body is not checked.
    pub fn from_parts(encoding: Encoding, body: Bytes, attachments: Vec<Attachment>) -> Self {
        let attachments = (!attachments.is_empty()).then(|| Arc::new(attachments));
        Self { encoding, body, attachments }
    }

    /// Decodes the body. Every byte of it must be used.
    ///
    /// # Errors
    /// If the body is not a `T`; the error names the type and the encoding.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let (type_name, len) = (type_name::<T>(), self.body.len());
        match self.encoding {
            Encoding::Bincode => match bin_codec::read(&self.body) {
                Ok((value, used)) if used == len => Ok(value),
                Ok((_, used)) => {
                    let reason = format!("{} bytes are left over", len - used);
                    Err(DecodeError::Bincode { type_name, len, reason })
                }
                Err(reason) => Err(DecodeError::Bincode { type_name, len, reason }),
            },
            Encoding::Json => {
                serde_json::from_slice(&self.body).map_err(|reason| DecodeError::Json { type_name, reason })
            }
            Encoding::Bytes => plain_codec::decode(&self.body)
                .map_err(|error| DecodeError::Plain { type_name, reason: error.0 }),
        }
    }

    /// Adds an attachment. Names need not be unique; [`attachment`](Self::attachment) finds the first.
    #[must_use]
    pub fn attach(
        mut self,
        name: impl Into<String>,
        media_type: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        self.push(Attachment { name: name.into(), media_type: media_type.into(), bytes: bytes.into() });
        self
    }

    /// Adds an attachment in place.
    pub fn push(&mut self, attachment: Attachment) {
        Arc::make_mut(self.attachments.get_or_insert_default()).push(attachment);
    }

    /// How the body is encoded.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The encoded body.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// All attachments, in the order in which they were added.
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.as_ref().map_or(&[], |attachments| attachments.as_slice())
    }

    /// The first attachment of that name.
    pub fn attachment(&self, name: &str) -> Option<&Attachment> {
        self.attachments().iter().find(|attachment| attachment.name == name)
    }

    /// Moves the attachments out.
    pub fn take_attachments(&mut self) -> Vec<Attachment> {
        self.attachments.take().map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    /// Takes the payload apart.
    pub fn into_parts(mut self) -> (Encoding, Bytes, Vec<Attachment>) {
        let attachments = self.take_attachments();
        (self.encoding, self.body, attachments)
    }

    /// The bytes of the body and of all attachments together.
    pub fn len(&self) -> usize {
        let attached: usize = self.attachments().iter().map(|attachment| attachment.bytes.len()).sum();
        self.body.len() + attached
    }

    /// Whether there is not one byte in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Gives back the room that is not used: a payload may wait for long.
fn without_room(body: Vec<u8>) -> Bytes {
    if body.len() < SMALL {
        // Shrunk where it is, a small one would leave a hole beside it that nothing fits into.
        Bytes::copy_from_slice(&body)
    } else {
        body.into_boxed_slice().into()
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be many and may be secret: logs get the length.
        f.debug_struct("Payload")
            .field("encoding", &self.encoding)
            .field("body_len", &self.body.len())
            .field("attachments", &self.attachments())
            .finish()
    }
}
