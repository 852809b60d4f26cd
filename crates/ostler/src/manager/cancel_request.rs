use std::time::Duration;

/// A cancel with more than the job's name: what stands on its record as [`Cancellation`](crate::Cancellation).
///
/// ```
/// # use std::time::Duration;
/// use ostler::CancelRequest;
///
/// let request = CancelRequest::new().by("alice").because("wrong file").grace(Duration::from_secs(2));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use = "nothing is cancelled until it is handed to a manager"]
pub struct CancelRequest {
    pub(crate) by: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) grace: Option<Duration>,
}

impl CancelRequest {
    /// Nobody says who or why, with the manager's `cancel_grace`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who asks.
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.by = Some(who.into());
        self
    }

    /// Why.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// How long a running job may tidy up before it is killed, instead of the manager's `cancel_grace`. Zero kills at
    /// once. If the job is being cancelled already, this can only make it sooner.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }
}
