use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use ostler::{LaunchError, StartError};

/// How the command ends, as its exit code says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    Completed,
    Failed,
    /// The command line makes no sense; clap uses the same code.
    Usage,
    /// As `timeout` from coreutils says it.
    TimedOut,
    /// As shells say it of a program that Ctrl-C ended.
    Cancelled,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::Cancelled => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the command came to nothing: what to tell the user, and with which code to exit.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// Ended on request, before there was anything to report.
    pub(crate) fn cancelled() -> Self {
        Self { exit: Exit::Cancelled, message: "cancelled".to_owned() }
    }

    /// A mistake in what was asked for. `command` is the one whose help explains it.
    pub(crate) fn usage(command: &str, error: &dyn Error) -> Self {
        let message = format!("{}\n\nFor more information, try 'ostler {command} --help'.", chain(error));
        Self { exit: Exit::Usage, message }
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        Self::failed(chain(&error))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::failed(chain(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error and its causes as one sentence.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
