use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

use crate::job::panic_message;

/// What a hook of [`BaseJobManager`](crate::BaseJobManager) answers when it cannot do its part.
///
/// `?` makes one of everything that converts into a `Box<dyn Error + Send + Sync>`: an error, a boxed error, an
/// `anyhow::Error`, a text.
///
/// ```
/// use ostler::HookError;
///
/// fn check(pages: u32) -> Result<(), HookError> {
///     if pages == 0 {
///         return Err("there is nothing to print".into());
///     }
///     std::fs::metadata("printer")?;
///     Ok(())
/// }
/// # assert_eq!(check(0).unwrap_err().to_string(), "there is nothing to print");
/// ```
pub struct HookError(Box<dyn StdError + Send + Sync>);

impl HookError {
    /// The error inside.
    pub fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.0
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for HookError {
    fn from(error: E) -> Self {
        Self(error.into())
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

/// A hook of the host panicked: a method of [`BaseJobManager`](crate::BaseJobManager) or of an integration. Nothing of
/// the manager's was lost by it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the host's {hook} panicked: {message}")]
pub struct HookPanicked {
    /// The name of the method.
    pub hook: &'static str,
    /// What the panic said.
    pub message: String,
}

impl HookPanicked {
    pub(crate) fn new(hook: &'static str, panic: &(dyn Any + Send)) -> Self {
        Self { hook, message: panic_message(panic).to_owned() }
    }
}
