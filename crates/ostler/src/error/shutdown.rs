/// Why a shutdown left something behind.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShutdownError {
    /// These processes were killed and do not die, as in uninterruptible sleep.
    #[error("the manager is shut down, but processes {pids:?} were killed and do not die")]
    StillDying {
        /// The processes.
        pids: Vec<u32>,
    },
}
