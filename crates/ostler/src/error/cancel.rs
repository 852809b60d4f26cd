use ostler_lifecycle::JobId;

/// Why a cancel has no outcome yet.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// The worker was killed and does not die, as in uninterruptible sleep; the job stays `Cancelling`, and other
    /// jobs go on with another worker. Or the system refused the kill, and then says why. Ask again to learn whether it is
    /// dead by now.
    #[error(
        "job {job} was killed, but its process ({}) does not die; it stays in cancelling{}",
        pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {pid}")),
        refusal.as_ref().map(|refusal| format!(": {refusal}")).unwrap_or_default()
    )]
    StillDying {
        /// The job.
        job: JobId,
        /// The process.
        pid: Option<u32>,
        /// Why the system refused to kill it, if it did.
        refusal: Option<String>,
    },
}
