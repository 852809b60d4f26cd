/// What a cancel has come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use = "the job may have ended otherwise"]
pub enum CancelOutcome {
    /// It is cancelled, and that is proven: no code of it runs any more. All who asked before its end learn the same.
    Cancelled,
    /// It had been cancelled before somebody asked.
    AlreadyCancelled,
    /// It had completed or failed before somebody asked.
    AlreadyEnded,
    /// It was there, but its own end was handled first: it completed or failed.
    EndedFirst,
    /// There is no such job, or not any more.
    Unknown,
}

impl CancelOutcome {
    /// Whether the job was cancelled by this request, alone or with others.
    pub const fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled)
    }
}
