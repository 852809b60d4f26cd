/// Why a shutdown left something behind.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShutdownError {
    /// These processes were killed and do not die, as in uninterruptible sleep, or because the system refused the kill.
    #[error(
        "the manager is shut down, but processes {pids:?} were killed and do not die{}",
        refusal.as_ref().map(|refusal| format!(": {refusal}")).unwrap_or_default()
    )]
    StillDying {
        /// The processes.
        pids: Vec<u32>,
        /// Why the system refused to kill one of them, if it did.
        refusal: Option<String>,
    },
}
