/// Why a shutdown left something behind.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShutdownError {
    /// These processes were killed and do not die, as in uninterruptible sleep.
    #[error("the manager is shut down, but processes {pids:?} were killed and do not die")]
    StillDying {
        /// The processes.
        pids: Vec<u32>,
    },
    /// The runtime that the manager worked on is gone; its workers were killed.
    #[error("the runtime of the manager is gone; its workers were killed")]
    RuntimeGone,
}
