use std::fmt;

/// A broken promise: which check noticed it, and what it saw.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) check: &'static str,
    pub(crate) what: String,
}

/// Whether a step kept all promises.
pub(crate) type Verdict = Result<(), Violation>;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}

/// Fails under the name of a check; the explanation is only made when it is needed.
pub(crate) fn ensure(holds: bool, check: &'static str, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Violation { check, what: what() }) }
}
