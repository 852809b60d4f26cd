//! How a payload is announced in an envelope, and taken from where it is.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::{Attachment, Encoding, Payload, Place};

/// Parts up to this size are copied: a slice would keep the whole receive buffer alive.
const COPY_UP_TO: usize = 4096;

#[derive(Serialize, Deserialize)]
pub(crate) struct PayloadHeader {
    encoding: Encoding,
    body: Place,
    attachments: Vec<AttachmentHeader>,
}

#[derive(Serialize, Deserialize)]
struct AttachmentHeader {
    name: String,
    media_type: String,
    place: Place,
}

/// Borrows what [`PayloadHeader`] owns; both have the same layout.
#[derive(Serialize)]
pub(crate) struct PayloadHeaderRef<'a> {
    encoding: Encoding,
    body: Place,
    attachments: Vec<AttachmentHeaderRef<'a>>,
}

#[derive(Serialize)]
struct AttachmentHeaderRef<'a> {
    name: &'a str,
    media_type: &'a str,
    place: Place,
}

impl<'a> PayloadHeaderRef<'a> {
    /// The places are those of the body and of the attachments, in order; a part without one is in the frame.
    pub(crate) fn of(payload: &'a Payload, places: &[Place]) -> Self {
        let mut places = places.iter().copied();
        let mut place = |part: &Bytes| places.next().unwrap_or(Place::Inline { len: part.len() as u64 });
        let body = place(payload.body());
        let announce = |attachment: &'a Attachment| AttachmentHeaderRef {
            name: &attachment.name,
            media_type: &attachment.media_type,
            place: place(&attachment.bytes),
        };
        Self {
            encoding: payload.encoding(),
            body,
            attachments: payload.attachments().iter().map(announce).collect(),
        }
    }
}

impl PayloadHeader {
    fn places(&self) -> impl Iterator<Item = Place> {
        std::iter::once(self.body).chain(self.attachments.iter().map(|attachment| attachment.place))
    }

    /// How many bytes it announces behind the envelope. Saturates: no frame is that long.
    pub(crate) fn inline(&self) -> u64 {
        sum(self.places().filter(|place| place.is_inline()))
    }

    /// How many bytes it announces in shared memory. Saturates.
    pub(crate) fn shared(&self) -> u64 {
        sum(self.places().filter(|place| !place.is_inline()))
    }

    /// Whether a part of it is not in the frame.
    pub(crate) fn has_shared(&self) -> bool {
        self.places().any(|place| !place.is_inline())
    }

    /// Takes the payload from `tail`, which must be [`inline`](Self::inline) bytes long, and from where `shared` finds it.
    pub(crate) fn cut(
        self,
        tail: BytesMut,
        mut shared: impl FnMut(Place) -> Result<Bytes, String>,
    ) -> Result<Payload, String> {
        let mut source = Source::new(tail);
        let mut take = |place: Place| match place {
            Place::Inline { len } => Ok(source.take(len)),
            other => shared(other),
        };
        let body = take(self.body)?;
        let attachments = self
            .attachments
            .into_iter()
            .map(|AttachmentHeader { name, media_type, place }| {
                Ok(Attachment { name, media_type, bytes: take(place)? })
            })
            .collect::<Result<_, String>>()?;
        Ok(Payload::from_parts(self.encoding, body, attachments))
    }
}

fn sum(places: impl Iterator<Item = Place>) -> u64 {
    places.fold(0, |sum, place| sum.saturating_add(place.len()))
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
