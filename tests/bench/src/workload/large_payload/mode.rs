use bytes::Bytes;
use ostler::JobManager;

use crate::line::Line;
use crate::{Bound, Result};

/// In which way a payload travels with its job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Attached to the request, and to the response.
    Attached,
}

impl Mode {
    pub(super) const ALL: [Self; 1] = [Self::Attached];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Attached => "attached",
        }
    }

    /// What it has to keep beside the shared arena, the socket, and the descriptor that changes hands.
    pub(super) fn bounds(self) -> [Option<Bound>; 3] {
        match self {
            Self::Attached => [Some(Bound::AtMostTimes(1.25)), Some(Bound::AtMostTimes(1.0)), None],
        }
    }

    /// Sends it, and returns what came back.
    pub(super) async fn there_and_back(self, manager: &JobManager<Line>, payload: &Bytes) -> Result<Bytes> {
        match self {
            Self::Attached => {
                let request = manager.job("echo", Line::empty());
                let job = request.attach("data", "application/octet-stream", payload.clone()).start().await?;
                let finished = job.finished().await;
                let data = finished.attachment("data").ok_or("a payload did not come back")?;
                Ok(data.bytes.clone())
            }
        }
    }
}
