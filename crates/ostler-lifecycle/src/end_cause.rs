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
    /// The end as the rest of a sentence that begins with "the worker", with its last words if nobody had asked for the
    /// end.
    pub fn describe(&self, exit: &WorkerExit) -> String {
        let mut text = self.describe_briefly(exit);
        if let Some(words) = exit.last_words().filter(|_| self.is_fault()) {
            text.push_str("; the last line of its stderr: ");
            text.push_str(&words);
        }
        text
    }

    /// Whether it was the worker's own doing, or it did not do what it had to.
    fn is_fault(&self) -> bool {
        match self {
            Self::SpawnFailed(_) | Self::OnItsOwn => true,
            Self::Ended(reason) => matches!(
                reason,
                EndReason::Stalled
                    | EndReason::Unresponsive
                    | EndReason::SilentAtStart
                    | EndReason::LoadTimedOut
                    | EndReason::LoadFailed(_)
                    | EndReason::ControlTimedOut
                    | EndReason::Protocol(_)
            ),
        }
    }

    /// The same without its last words.
    pub fn describe_briefly(&self, exit: &WorkerExit) -> String {
        match self {
            Self::SpawnFailed(message) => format!("could not be started: {message}"),
            Self::Ended(reason @ EndReason::SilentAtStart) => match &exit.untaken {
                None => reason.to_string(),
                Some(why) => format!("{reason}: this host could not take its connection: {why}"),
            },
            Self::Ended(reason) => reason.to_string(),
            Self::OnItsOwn => match exit.half_said() {
                None => exit.status.describe(),
                Some(how) => format!("{} and left a frame half said: {how}", exit.status.describe()),
            },
        }
    }
}
