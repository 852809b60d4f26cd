//! What is known of a worker's end, and what is concluded from it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit::{SIGKILL, is_own_fault};
use crate::{EndCause, EndReason, ExitStatus, WorkerExit, signal_name};

/// Why a worker ended, as far as there is evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeathCause {
    /// We ended it.
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// Its process could not be made.
    NotStarted {
        /// Why not.
        message: String,
    },
    /// The kernel killed it because memory was short.
    OutOfMemory {
        /// What shows that.
        evidence: String,
    },
    /// It ran into a limit that it was given.
    Limit {
        /// Which one.
        limit: LimitKind,
    },
    /// A signal that a process brings upon itself, as by a wild pointer.
    Fault {
        /// The signal's name.
        signal: String,
    },
    /// A signal that comes from elsewhere. By whom it was sent the kernel does not tell.
    OutsideSignal {
        /// The signal's name.
        signal: String,
    },
    /// It exited by itself.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// Nobody knows.
    Unknown,
}

/// A limit that a worker was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Resident memory of all its processes.
    Memory,
    /// Address space.
    AddressSpace,
    /// Processor time.
    CpuTime,
    /// The size of a file.
    FileSize,
}

/// What a worker was doing when it ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathPhase {
    /// It had not said hello.
    Start,
    /// It loaded its plugins, or loaded one afresh.
    Load,
    /// It waited for a job.
    Idle,
    /// It had a job.
    Run,
    /// It had been told to stop.
    Stop,
}

/// The evidence of a worker's end, as it stands on the record of the job that died with it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Forensics {
    /// The process that died.
    pub pid: Option<u32>,
    /// Why, as far as there is evidence.
    pub cause: DeathCause,
    /// What it was doing.
    pub phase: DeathPhase,
    /// How it ended, as the kernel reported it.
    pub status: ExitStatus,
    /// The signal's name, if a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The last lines of its stderr, of its whole life: some may be of earlier jobs.
    pub stderr_tail: String,
    /// Processor time in its whole life.
    #[serde(with = "crate::serde_form::duration")]
    pub cpu_time: Duration,
    /// Largest resident size of its process in its whole life, in bytes; 0 if that is not known. The kernel counts what the
    /// host itself held when it made the process: where the host is the larger one, this is no more than a bound.
    pub peak_memory: u64,
    /// From its start to its end.
    #[serde(with = "crate::serde_form::duration")]
    pub uptime: Duration,
    /// Jobs that it had run before.
    pub jobs_done: u32,
}

impl Forensics {
    /// The evidence that an exit leaves.
    pub(crate) fn of(
        pid: Option<u32>,
        cause: &EndCause,
        phase: DeathPhase,
        jobs_done: u32,
        exit: &WorkerExit,
    ) -> Self {
        let signal = match exit.status {
            ExitStatus::Signal { number, .. } => Some(signal_name(number).into_owned()),
            _ => None,
        };
        Self {
            pid,
            cause: DeathCause::of(cause, exit),
            phase,
            status: exit.status,
            signal,
            stderr_tail: exit.stderr_tail.clone(),
            cpu_time: exit.cpu_time,
            peak_memory: exit.peak_memory,
            uptime: exit.uptime,
            jobs_done,
        }
    }

    /// Whether a core was dumped.
    pub const fn core_dumped(&self) -> bool {
        matches!(self.status, ExitStatus::Signal { core_dumped: true, .. })
    }
}

impl DeathCause {
    /// What the evidence says. What it does not say is not guessed.
    pub(crate) fn of(cause: &EndCause, exit: &WorkerExit) -> Self {
        match cause {
            EndCause::Ended(EndReason::MemoryLimit { .. }) => Self::Limit { limit: LimitKind::Memory },
            EndCause::Ended(reason) => Self::Ended { reason: reason.clone() },
            EndCause::SpawnFailed(message) => Self::NotStarted { message: message.clone() },
            EndCause::OnItsOwn => Self::by_itself(exit),
        }
    }

    fn by_itself(exit: &WorkerExit) -> Self {
        if let Some(limit) = exit.limit {
            return Self::Limit { limit };
        }
        match exit.status {
            ExitStatus::Code(code) => Self::Exited { code },
            ExitStatus::Unknown => Self::Unknown,
            ExitStatus::Signal { number, .. } => match &exit.out_of_memory {
                Some(evidence) if number == SIGKILL => Self::OutOfMemory { evidence: evidence.clone() },
                _ if is_own_fault(number) => Self::Fault { signal: signal_name(number).into_owned() },
                _ => Self::OutsideSignal { signal: signal_name(number).into_owned() },
            },
        }
    }
}

impl fmt::Display for DeathCause {
    /// The rest of a sentence that begins with "the worker".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { reason } => write!(f, "{reason}"),
            Self::NotStarted { message } => write!(f, "could not be started: {message}"),
            Self::OutOfMemory { evidence } => {
                write!(f, "was killed by the kernel for lack of memory ({evidence})")
            }
            Self::Limit { limit } => write!(f, "ran into its limit of {limit}"),
            Self::Fault { signal } => write!(f, "was ended by {signal}"),
            Self::OutsideSignal { signal } => {
                write!(f, "was ended by {signal} from outside")
            }
            Self::Exited { code } => write!(f, "exited with code {code}"),
            Self::Unknown => f.write_str("ended, and nobody knows why"),
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "resident memory",
            Self::AddressSpace => "address space",
            Self::CpuTime => "processor time",
            Self::FileSize => "file size",
        })
    }
}

impl fmt::Display for DeathPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "while it started",
            Self::Load => "while it loaded its plugins",
            Self::Idle => "while it waited for a job",
            Self::Run => "while it ran a job",
            Self::Stop => "while it stopped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(status: ExitStatus, change: impl FnOnce(&mut WorkerExit)) -> DeathCause {
        let mut exit = WorkerExit::bare(status);
        change(&mut exit);
        DeathCause::of(&EndCause::OnItsOwn, &exit)
    }

    const fn signal(number: i32) -> ExitStatus {
        ExitStatus::Signal { number, core_dumped: false }
    }

    #[test]
    fn a_cause_is_what_the_evidence_says_and_no_more() {
        let outside = |name: &str| DeathCause::OutsideSignal { signal: name.to_owned() };
        assert_eq!(cause(signal(9), |_| {}), outside("SIGKILL"), "without evidence nobody blames the kernel");
        assert_eq!(cause(signal(15), |_| {}), outside("SIGTERM"));
        assert_eq!(cause(signal(11), |_| {}), DeathCause::Fault { signal: "SIGSEGV".to_owned() });
        assert_eq!(cause(ExitStatus::Code(3), |_| {}), DeathCause::Exited { code: 3 });
        assert_eq!(cause(ExitStatus::Unknown, |_| {}), DeathCause::Unknown);
    }

    #[test]
    fn the_kernel_is_blamed_for_a_sigkill_with_evidence_only() {
        let evidence = "the kernel said so".to_owned();
        let with = |exit: &mut WorkerExit| exit.out_of_memory = Some(evidence.clone());
        assert_eq!(cause(signal(9), with), DeathCause::OutOfMemory { evidence: evidence.clone() });
        assert_eq!(cause(signal(11), with), DeathCause::Fault { signal: "SIGSEGV".to_owned() });
    }

    #[test]
    fn a_limit_is_named() {
        let limit = LimitKind::CpuTime;
        assert_eq!(cause(signal(24), |exit| exit.limit = Some(limit)), DeathCause::Limit { limit });
    }
}
