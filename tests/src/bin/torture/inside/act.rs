use ostler::{Category, FailureKind};
use serde::{Deserialize, Serialize};

use super::Rebel;

/// What a job does, good or bad.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// Answers.
    Answer,
    /// Answers with this text.
    Echo(String),
    /// Sends its attachment back.
    Attachment,
    /// Sends its attachment of so many MiB back, and one of its own.
    Attachments(u64),
    /// May open no more than so many files, and answers with an attachment of its own.
    Pinch(u64),
    /// Answers with the number that its plugin was loaded with.
    Model,
    /// Sleeps for so many milliseconds, and answers.
    Nap(u64),
    /// Gives so many chunks, progress and log lines, and answers.
    Chunks(u64),
    /// Prints so many lines on stdout and stderr, and answers.
    Print(u64),
    /// Floods stdout, stderr and its stream, and answers.
    Flood,
    /// Leaves files open, one of them only in memory, and answers.
    LeaveFiles,
    /// Leaves so many MiB of memory behind, and answers.
    Grow(usize),
    /// Leaves children in its worker's group, and answers.
    Brood,
    /// Leaves a daemon with a session of its own that ignores all signals, and answers.
    Daemon,
    /// Answers with an error.
    Fail(Category),
    /// Panics.
    Panic,
    /// Aborts.
    Abort,
    /// Leaves children in its worker's group and a daemon, and aborts.
    BroodAndAbort,
    /// Touches memory that is not there.
    Segfault,
    /// Ends its process with this code.
    Exit(i32),
    /// Takes memory until it is stopped.
    Hog,
    /// Never ends, uses the processor for it, and ignores SIGTERM.
    Spin,
    /// Stops its own process.
    Stop,
    /// Ends when it is asked to.
    Tidy,
    /// Never ends, whoever asks.
    Deaf,
    /// Does something to its process, and never ends.
    Rebel(Rebel),
}

impl Act {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Echo(_) => "echo",
            Self::Attachment => "attachment",
            Self::Attachments(_) => "large attachments",
            Self::Pinch(_) => "answer without files",
            Self::Model => "model",
            Self::Nap(_) => "nap",
            Self::Chunks(_) => "chunks",
            Self::Print(_) => "print",
            Self::Flood => "flood",
            Self::LeaveFiles => "leave files",
            Self::Grow(_) => "grow",
            Self::Brood => "brood",
            Self::Daemon => "daemon",
            Self::Fail(_) => "fail",
            Self::Panic => "panic",
            Self::Abort => "abort",
            Self::BroodAndAbort => "brood and abort",
            Self::Segfault => "segfault",
            Self::Exit(_) => "exit",
            Self::Hog => "hog",
            Self::Spin => "spin",
            Self::Stop => "stop",
            Self::Tidy => "tidy",
            Self::Deaf => "deaf",
            Self::Rebel(rebel) => rebel.name(),
        }
    }

    /// What it is for those who count which conditions were met.
    pub(crate) const fn condition(&self) -> Option<&'static str> {
        match self {
            Self::Attachments(_) => Some("a job that sends large attachments back"),
            Self::Pinch(_) => Some("a plugin that answers without files"),
            Self::Rebel(Rebel::JoinHost) => Some("a plugin that tries to join its host's group"),
            Self::Rebel(Rebel::Session) => Some("a plugin with a child in a session of its own"),
            Self::Rebel(Rebel::Close) => Some("a plugin that closes all descriptors but its connection"),
            Self::Rebel(Rebel::FewFiles(_)) => Some("a plugin that lowers its limit of files"),
            _ => None,
        }
    }

    /// Whether it answers if nobody disturbs it.
    pub(crate) const fn answers(&self) -> bool {
        !self.is_endless() && self.own_failure().is_none()
    }

    /// Whether it ends only if somebody ends it: by a cancel, a timeout, or because its worker is silent.
    pub(crate) const fn is_endless(&self) -> bool {
        matches!(self, Self::Spin | Self::Stop | Self::Tidy | Self::Deaf | Self::Rebel(_))
    }

    /// How it fails by itself.
    pub(crate) const fn own_failure(&self) -> Option<FailureKind> {
        match self {
            Self::Fail(_) => Some(FailureKind::Plugin),
            Self::Panic => Some(FailureKind::Panicked),
            Self::Abort | Self::BroodAndAbort | Self::Segfault | Self::Exit(_) | Self::Hog => {
                Some(FailureKind::Crashed)
            }
            _ => None,
        }
    }

    /// How its worker ends by it, as the rest of a sentence that begins with "the worker".
    pub(crate) fn own_end(&self) -> Option<String> {
        match self {
            Self::Abort | Self::BroodAndAbort => Some("was ended by SIGABRT".to_owned()),
            Self::Segfault => Some("was ended by SIGSEGV".to_owned()),
            Self::Exit(code) => Some(format!("exited with code {code}")),
            _ => None,
        }
    }
}
