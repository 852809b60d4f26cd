use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose turn it is to act on a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The request is wrong: the same request fails again.
    Input,
    /// May go away by itself: try again.
    Transient,
    /// Something ran short: memory, disk, a device.
    Resource,
    /// The plugin or its worker is broken.
    Fatal,
}

impl Category {
    /// The name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Transient => "transient",
            Self::Resource => "resource",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What made a job fail, as far as its worker can tell: only a living worker reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The plugin returned an error, or could not use the request.
    Plugin,
    /// The plugin panicked, and the worker caught it.
    Panicked,
}

/// How a job failed, as its worker reports it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// Whose turn it is.
    pub category: Category,
    /// What a person should read.
    pub message: String,
}

impl Failure {
    /// An error that a plugin returned.
    pub fn plugin(category: Category, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Plugin, category, message: message.into() }
    }

    /// A panic that the worker caught.
    pub fn panicked(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Panicked, category: Category::Fatal, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
