use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a process ended, as the kernel reported it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal {
        /// The signal's number.
        number: i32,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
    /// Somebody else collected the status.
    Unknown,
}

impl ExitStatus {
    /// The end as the rest of a sentence that begins with "the process".
    pub fn describe(self) -> String {
        match self {
            Self::Code(code) => format!("exited with code {code}"),
            Self::Signal { .. } => format!("was ended by {self}"),
            Self::Unknown => "ended; its exit status went to somebody else".to_owned(),
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { number, core_dumped } => {
                f.write_str(&signal_name(number))?;
                if core_dumped { f.write_str(" (core dumped)") } else { Ok(()) }
            }
            Self::Unknown => f.write_str("unknown exit status"),
        }
    }
}

/// All that is known once a worker is gone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkerExit {
    /// How its process ended.
    pub status: ExitStatus,
    /// User and system time of the process and its reaped children.
    pub cpu_time: Duration,
    /// The largest resident size, in bytes.
    pub peak_memory: u64,
    /// The last lines that it wrote to stderr, bounded.
    pub stderr_tail: String,
}

impl WorkerExit {
    /// An end of which nothing is known but the status.
    pub const fn bare(status: ExitStatus) -> Self {
        Self { status, cpu_time: Duration::ZERO, peak_memory: 0, stderr_tail: String::new() }
    }
}

/// The evidence of a job that died with its worker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Forensics {
    /// The process that died.
    pub pid: Option<u32>,
    /// How it ended.
    pub status: ExitStatus,
    /// The signal's name, if a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The last lines of its stderr, of its whole life: some may be of earlier jobs.
    pub stderr_tail: String,
    /// Processor time in its whole life.
    pub cpu_time: Duration,
    /// Largest resident size in its whole life, in bytes.
    pub peak_memory: u64,
}

impl Forensics {
    /// The evidence that an exit leaves.
    pub fn of(pid: Option<u32>, exit: &WorkerExit) -> Self {
        let signal = match exit.status {
            ExitStatus::Signal { number, .. } => Some(signal_name(number).into_owned()),
            _ => None,
        };
        Self {
            pid,
            status: exit.status,
            signal,
            stderr_tail: exit.stderr_tail.clone(),
            cpu_time: exit.cpu_time,
            peak_memory: exit.peak_memory,
        }
    }
}

/// The name of a Linux signal, as in `SIGSEGV`; `signal N` for one without a name.
pub fn signal_name(number: i32) -> Cow<'static, str> {
    // The numbers of x86-64 and Arm, from signal(7).
    const NAMES: [&str; 32] = [
        "",
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    match usize::try_from(number).ok().and_then(|index| NAMES.get(index)) {
        Some(name) if !name.is_empty() => Cow::Borrowed(name),
        _ => Cow::Owned(format!("signal {number}")),
    }
}
