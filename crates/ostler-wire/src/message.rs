use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{FromWorker, Payload, ToWorker};

/// What fits into a frame: [`ToWorker`] and [`FromWorker`].
pub trait Message: sealed::Carrier + Serialize + DeserializeOwned {
    /// The direction, for error messages.
    const NAME: &'static str;
    /// How many variants there are; their tags count from 0.
    const TAGS: u32;

    /// Whether it has a place in the order of messages.
    fn is_in_order(&self) -> bool;

    /// Whether a descriptor comes with it that is no part of its payload.
    fn brings_descriptor(&self) -> bool;
}

impl Message for ToWorker {
    const NAME: &'static str = "host-to-worker";
    const TAGS: u32 = 10;

    fn is_in_order(&self) -> bool {
        !matches!(self, Self::Nudge)
    }

    fn brings_descriptor(&self) -> bool {
        matches!(self, Self::Init(init) if init.ring)
    }
}

impl Message for FromWorker {
    const NAME: &'static str = "worker-to-host";
    const TAGS: u32 = 13;

    fn is_in_order(&self) -> bool {
        !matches!(self, Self::Nudge)
    }

    fn brings_descriptor(&self) -> bool {
        false
    }
}

pub(crate) mod sealed {
    use super::Payload;

    /// Gives the codec the payload of a message, which serde does not see.
    pub trait Carrier {
        fn payload(&self) -> Option<&Payload>;
        fn payload_mut(&mut self) -> Option<&mut Payload>;
        /// Whether parts of the payload may lie in shared memory. Those of a chunk may not: chunks are kept for
        /// long, and would hold the memory that is there for requests and results.
        fn may_share(&self) -> bool;
    }
}

impl sealed::Carrier for ToWorker {
    fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Execute(execute) => Some(&execute.payload),
            _ => None,
        }
    }

    fn payload_mut(&mut self) -> Option<&mut Payload> {
        match self {
            Self::Execute(execute) => Some(&mut execute.payload),
            _ => None,
        }
    }

    fn may_share(&self) -> bool {
        true
    }
}

impl sealed::Carrier for FromWorker {
    fn payload(&self) -> Option<&Payload> {
        match self {
            Self::StreamChunk { payload, .. } => Some(payload),
            Self::Result { outcome, .. } => outcome.as_ref().ok(),
            _ => None,
        }
    }

    fn payload_mut(&mut self) -> Option<&mut Payload> {
        match self {
            Self::StreamChunk { payload, .. } => Some(payload),
            Self::Result { outcome, .. } => outcome.as_mut().ok(),
            _ => None,
        }
    }

    fn may_share(&self) -> bool {
        !matches!(self, Self::StreamChunk { .. })
    }
}
