use bytes::Bytes;
use ostler_shm::Arena;
use ostler_wire::{Category, Encoding, Failure, FromWorker, Payload};

/// What became of a message on its way here, of which parts may have come in shared memory.
pub(super) fn received(mut message: FromWorker, loss: Option<String>, arena: &Arena) -> FromWorker {
    if let FromWorker::Result { outcome, .. } = &mut message {
        match (loss, &mut *outcome) {
            (Some(reason), _) => {
                let text = format!("a part of the result could not be taken over: {reason}");
                *outcome = Err(Failure::plugin(Category::Resource, text));
            }
            (None, Ok(response)) => own_typed_body(response, arena),
            (None, Err(_)) => {}
        }
    }
    message
}

/// Copies a body that will be decoded, if it is the worker's memory: a worker gone wrong could change it after the decoder
/// has looked, and a text that was checked must stay one. Plain bytes are whatever they are.
fn own_typed_body(response: &mut Payload, arena: &Arena) {
    if response.encoding() != Encoding::Bytes && arena.is_of_peer(response.body()) {
        let (encoding, body, attachments) = std::mem::take(response).into_parts();
        *response = Payload::from_parts(encoding, Bytes::copy_from_slice(&body), attachments);
    }
}
