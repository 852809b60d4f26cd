use crate::{EndReason, WorkerExit};

/// Why a worker ended, from evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndCause {
    /// Its process could not be made.
    SpawnFailed(String),
    /// We ended it.
    Ended(EndReason),
    /// It ended without our doing: see the exit status.
    OnItsOwn,
}

impl EndCause {
    /// The end as the rest of a sentence that begins with "the worker".
    pub fn describe(&self, exit: &WorkerExit) -> String {
        match self {
            Self::SpawnFailed(message) => format!("could not be started: {message}"),
            Self::Ended(reason) => reason.to_string(),
            Self::OnItsOwn => match exit.half_said() {
                None => exit.status.describe(),
                Some(how) => format!("{} and left a frame half said: {how}", exit.status.describe()),
            },
        }
    }
}
