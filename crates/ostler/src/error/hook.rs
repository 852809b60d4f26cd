use std::error::Error as StdError;
use std::fmt;

/// What a hook of [`BaseJobManager`](crate::BaseJobManager) answers when it cannot do its part.
///
/// Any error converts into it with `?`.
pub struct HookError(Box<dyn StdError + Send + Sync>);

impl HookError {
    /// An error of which there is only a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into().into())
    }

    /// The error inside.
    pub fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.0
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for HookError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
