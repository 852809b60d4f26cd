//! A payload as JSON, for readers: bodies that are not JSON are base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ostler_wire::{Encoding, Payload};
use serde::ser::{Error, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// `{"encoding": "json", "body": …, "attachments": […]}`: with the value itself if the body is JSON, else with a text in
/// base64. Of attachments there are name, media type and size.
pub(crate) fn serialize<S: Serializer>(payload: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Payload", 3)?;
    fields.serialize_field("encoding", &payload.encoding())?;
    match payload.encoding() {
        Encoding::Json => {
            let body: Value = serde_json::from_slice(payload.body()).map_err(Error::custom)?;
            fields.serialize_field("body", &body)?;
        }
        Encoding::Bincode | Encoding::Bytes => {
            fields.serialize_field("body", &STANDARD.encode(payload.body()))?;
        }
    }
    let attachments: Vec<_> = payload.attachments().iter().map(Attached::of).collect();
    fields.serialize_field("attachments", &attachments)?;
    fields.end()
}

/// As [`serialize`], or null.
pub(crate) fn serialize_option<S: Serializer>(
    payload: &Option<Payload>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    struct Form<'a>(&'a Payload);
    impl Serialize for Form<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serialize(self.0, serializer)
        }
    }
    payload.as_ref().map(Form).serialize(serializer)
}

#[derive(Serialize)]
struct Attached<'a> {
    name: &'a str,
    media_type: &'a str,
    size: usize,
}

impl<'a> Attached<'a> {
    fn of(attachment: &'a ostler_wire::Attachment) -> Self {
        Self { name: &attachment.name, media_type: &attachment.media_type, size: attachment.bytes.len() }
    }
}
