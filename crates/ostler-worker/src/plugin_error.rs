use std::fmt;

use ostler_wire::{Category, Failure};

/// Why a plugin could not load, or a job could not be done.
///
/// Every [`std::error::Error`] becomes a fatal one by `?`, with its causes joined by `": "`. That is why
/// this type does not implement `Error` itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PluginError {
    category: Category,
    message: String,
}

impl PluginError {
    /// An error of any category.
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self { category, message: message.into() }
    }

    /// The request is wrong: the same request fails again.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Category::Input, message)
    }

    /// May go away by itself: try again.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(Category::Transient, message)
    }

    /// Something ran short: memory, disk, a device.
    pub fn resource(message: impl Into<String>) -> Self {
        Self::new(Category::Resource, message)
    }

    /// The plugin or its surroundings are broken.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(Category::Fatal, message)
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

impl<E: std::error::Error> From<E> for PluginError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self::fatal(message)
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        Self::plugin(error.category, error.message)
    }
}
