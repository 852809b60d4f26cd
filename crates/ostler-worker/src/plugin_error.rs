use std::error::Error as StdError;
use std::fmt;

use ostler_wire::{Category, Failure};

/// Why a plugin could not load, or a job could not be done.
///
/// `?` makes a fatal one of everything that converts into a `Box<dyn Error>`: an error, a `Box<dyn Error>`, an
/// `anyhow::Error`, a text. Its causes are joined by `": "`. The constructors choose another category. This type does
/// not implement `Error` itself: else it could not be made of every error.
///
/// ```
/// # mod ostler { pub use ostler_worker as worker; }
/// use std::fs;
/// use ostler::worker::PluginError;
///
/// fn read(path: &str) -> Result<usize, PluginError> {
///     let text = fs::read_to_string(path).map_err(PluginError::input)?; // the path came with the request
///     if text.is_empty() {
///         return Err(PluginError::input(format!("{path} is empty")));
///     }
///     Ok(text.trim().parse()?) // fatal
/// }
/// # assert_eq!(read("/nothing/here").unwrap_err().category(), ostler_worker::Category::Input);
/// ```
///
/// A `Box<dyn Error + Send + Sync>` does not convert into a `Box<dyn Error>`, which the standard library lacks: name the
/// conversion, as in `.map_err(|error| -> Box<dyn Error> { error })?`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PluginError {
    category: Category,
    message: String,
}

impl PluginError {
    /// An error of any category, made of a text or of another error. An error that has a category gets this one.
    pub fn new(category: Category, cause: impl Into<Self>) -> Self {
        Self { category, message: cause.into().message }
    }

    /// The request is wrong: the same request fails again.
    pub fn input(cause: impl Into<Self>) -> Self {
        Self::new(Category::Input, cause)
    }

    /// May go away by itself: try again.
    pub fn transient(cause: impl Into<Self>) -> Self {
        Self::new(Category::Transient, cause)
    }

    /// Something ran short: memory, disk, a device.
    pub fn resource(cause: impl Into<Self>) -> Self {
        Self::new(Category::Resource, cause)
    }

    /// The plugin or its surroundings are broken.
    pub fn fatal(cause: impl Into<Self>) -> Self {
        Self::new(Category::Fatal, cause)
    }

    /// Whose turn it is to act.
    pub const fn category(&self) -> Category {
        self.category
    }

    /// What a person should read.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Puts words before the message: `"{context}: {message}"`.
    #[must_use]
    pub fn context(self, context: impl fmt::Display) -> Self {
        Self { category: self.category, message: format!("{context}: {}", self.message) }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: Into<Box<dyn StdError>>> From<E> for PluginError {
    fn from(error: E) -> Self {
        let error = error.into();
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self { category: Category::Fatal, message }
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        Self::plugin(error.category, error.message)
    }
}
