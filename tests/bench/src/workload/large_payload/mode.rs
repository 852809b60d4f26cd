use bytes::Bytes;
use ostler::JobManager;

use crate::line::Line;
use crate::{Bound, Result};

/// In which way a payload travels with its job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Attached to the request; the plugin attaches the same to the response; read where it lies.
    Attached,
    /// Attached to the request; the plugin copies it into its response; the host copies it out as it comes.
    Copied,
    /// The same; but the host leaves it where it lies, and it is copied out here: as with the bare arena.
    CopiedHere,
    /// Both sides have written in shared memory; the host copies what comes.
    Written,
    /// Both sides have written where the other reads.
    InPlace,
}

impl Mode {
    pub(super) const ALL: [Self; 5] =
        [Self::Attached, Self::Copied, Self::CopiedHere, Self::Written, Self::InPlace];

    /// Whether the host leaves results in the memory of the worker.
    pub(super) fn is_in_place(self) -> bool {
        matches!(self, Self::CopiedHere | Self::InPlace)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Attached => "attached, and passed on",
            Self::Copied => "copied in, through and out",
            Self::CopiedHere => "copied in, through and out, results in place",
            Self::Written => "written in place",
            Self::InPlace => "written in place, results in place",
        }
    }

    fn plugin(self) -> &'static str {
        match self {
            Self::Attached => "echo",
            Self::Copied | Self::CopiedHere => "copy",
            Self::Written | Self::InPlace => "place",
        }
    }

    /// What it has to keep beside the shared arena, the socket, and the descriptor that changes hands. A host that copies
    /// into new memory each time, which the bare arena does not, has to be faster than the socket.
    pub(super) fn bounds(self) -> [Option<Bound>; 3] {
        match self {
            Self::Attached | Self::CopiedHere => {
                [Some(Bound::AtMostTimes(1.25)), Some(Bound::AtMostTimes(1.0)), None]
            }
            Self::Copied | Self::Written => [None, Some(Bound::AtMostTimes(1.0)), None],
            Self::InPlace => [None, None, Some(Bound::AtMostTimes(2.0))],
        }
    }

    /// What is sent. The clock does not run yet: the bare descriptor changes hands with all written before, too.
    pub(super) fn prepare(self, manager: &JobManager<Line>, payload: &Bytes) -> Bytes {
        match self {
            Self::Attached | Self::Copied | Self::CopiedHere => payload.clone(),
            Self::Written | Self::InPlace => {
                let mut buffer = manager.buffer(payload.len());
                buffer.copy_from_slice(payload);
                buffer.freeze()
            }
        }
    }

    /// Sends it, and returns what came back. `out` is where it is copied to, if it is.
    pub(super) async fn there_and_back(
        self,
        manager: &JobManager<Line>,
        payload: Bytes,
        out: &mut [u8],
    ) -> Result<Bytes> {
        let request = manager.job(self.plugin(), Line::empty());
        let job = request.attach("data", "application/octet-stream", payload).start().await?;
        let finished = job.finished().await;
        let data = finished.attachment("data").ok_or("a payload did not come back")?;
        if self == Self::CopiedHere {
            out.copy_from_slice(&data.bytes);
        }
        Ok(data.bytes.clone())
    }

    /// Whether that is what was to come back: in place, the plugin writes only both ends, as nobody writes the bare segment.
    pub(super) fn is_whole(self, back: &[u8], payload: &[u8]) -> bool {
        match self {
            Self::Attached | Self::Copied | Self::CopiedHere => back == payload,
            Self::Written | Self::InPlace => {
                back.len() == payload.len()
                    && back.first() == payload.first()
                    && back.last() == payload.last()
            }
        }
    }
}
