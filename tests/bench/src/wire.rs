use bytes::BytesMut;
use ostler_wire::{
    DEFAULT_MAX_FRAME_BYTES, Encoding, Execute, FromWorker, JobId, Message, Payload, ToWorker, frame,
};
use uuid::Uuid;

use crate::Result;
use crate::line::Line;

/// How many bytes a small job takes on the socket: a limit moves as many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WireSize {
    /// To the worker.
    pub(crate) request: usize,
    /// Back to the host.
    pub(crate) response: usize,
}

impl WireSize {
    /// Of an echo of [`Line::small`].
    pub(crate) fn of_a_small_job() -> Result<Self> {
        let payload = Payload::encode(Encoding::Bincode, &Line::small())?;
        let (request, job, attempt) = (1, JobId::from_uuid(Uuid::nil()), 1);
        let execute = Execute {
            request,
            job,
            attempt,
            plugin: "echo".to_owned(),
            deadline_ms: None,
            stream: false,
            payload: payload.clone(),
        };
        let started = FromWorker::Started { request, job, attempt };
        let result = FromWorker::Result { request, job, attempt, outcome: Ok(payload) };
        Ok(Self { request: size(&ToWorker::Execute(execute))?, response: size(&started)? + size(&result)? })
    }
}

fn size<M: Message>(message: &M) -> Result<usize> {
    let mut buffer = BytesMut::new();
    frame::encode(message, DEFAULT_MAX_FRAME_BYTES, &mut buffer)?;
    Ok(buffer.len())
}
