//! How a payload is announced in an envelope, and taken from the bytes behind it.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::{Attachment, Encoding, Payload};

/// Parts up to this size are copied: a slice would keep the whole receive buffer alive.
const COPY_UP_TO: usize = 4096;

#[derive(Serialize, Deserialize)]
pub(crate) struct PayloadHeader {
    encoding: Encoding,
    body_len: u64,
    attachments: Vec<AttachmentHeader>,
}

#[derive(Serialize, Deserialize)]
struct AttachmentHeader {
    name: String,
    media_type: String,
    len: u64,
}

/// Borrows what [`PayloadHeader`] owns; both have the same layout.
#[derive(Serialize)]
pub(crate) struct PayloadHeaderRef<'a> {
    encoding: Encoding,
    body_len: u64,
    attachments: Vec<AttachmentHeaderRef<'a>>,
}

#[derive(Serialize)]
struct AttachmentHeaderRef<'a> {
    name: &'a str,
    media_type: &'a str,
    len: u64,
}

impl<'a> PayloadHeaderRef<'a> {
    pub(crate) fn of(payload: &'a Payload) -> Self {
        let announce = |attachment: &'a Attachment| AttachmentHeaderRef {
            name: &attachment.name,
            media_type: &attachment.media_type,
            len: attachment.bytes.len() as u64,
        };
        Self {
            encoding: payload.encoding(),
            body_len: payload.body().len() as u64,
            attachments: payload.attachments().iter().map(announce).collect(),
        }
    }
}

impl PayloadHeader {
    /// How many bytes it announces, body and attachments together. Saturates: no frame is that long.
    pub(crate) fn total(&self) -> u64 {
        self.attachments.iter().fold(self.body_len, |sum, attachment| sum.saturating_add(attachment.len))
    }

    /// Cuts the payload out of `tail`, which must be [`total`](Self::total) bytes long.
    pub(crate) fn cut(self, tail: BytesMut) -> Payload {
        let mut source = Source::new(tail);
        let body = source.take(self.body_len);
        let attachments = self
            .attachments
            .into_iter()
            .map(|AttachmentHeader { name, media_type, len }| Attachment {
                name,
                media_type,
                bytes: source.take(len),
            })
            .collect();
        Payload::from_parts(self.encoding, body, attachments)
    }
}

struct Source {
    rest: Bytes,
    total: usize,
}

impl Source {
    fn new(tail: BytesMut) -> Self {
        Self { total: tail.len(), rest: tail.freeze() }
    }

    fn take(&mut self, len: u64) -> Bytes {
        // The caller has compared the sum of all lengths with the bytes that are there.
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(self.rest.len());
        let part = self.rest.split_to(len);
        // Who keeps a small part must not keep all of a large frame with it.
        let is_small = len <= COPY_UP_TO || len < self.total / 4;
        if is_small { Bytes::copy_from_slice(&part) } else { part }
    }
}
