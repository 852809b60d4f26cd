use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::LimitKind;

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

/// How much of the last line of a dead worker's stderr a message has.
const LAST_LINE_CHARS: usize = 200;

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
    /// From its start to its end.
    pub uptime: Duration,
    /// What shows that the kernel killed it for lack of memory, if anything does.
    pub out_of_memory: Option<String>,
    /// The limit that it ran into, if there is evidence of one.
    pub limit: Option<LimitKind>,
    /// It left a frame half said, and how.
    pub torn_frame: Option<String>,
    /// Why the host could not take its connection, if it could not until the end.
    #[serde(default)]
    pub untaken: Option<String>,
}

impl WorkerExit {
    /// An end of which nothing is known but the status.
    pub const fn bare(status: ExitStatus) -> Self {
        Self {
            status,
            cpu_time: Duration::ZERO,
            peak_memory: 0,
            stderr_tail: String::new(),
            uptime: Duration::ZERO,
            out_of_memory: None,
            limit: None,
            torn_frame: None,
            untaken: None,
        }
    }

    /// The last line that it wrote to stderr, shortened. What a panic ends with is a hint for whoever runs the program by
    /// hand.
    pub(crate) fn last_words(&self) -> Option<String> {
        let line =
            self.stderr_tail.lines().rfind(|line| !line.trim().is_empty() && !line.starts_with("note: "));
        line.map(|line| line.chars().take(LAST_LINE_CHARS).collect())
    }

    /// What it should have finished saying: who died of a signal could not, who exited by itself could.
    pub(crate) fn half_said(&self) -> Option<&str> {
        self.torn_frame.as_deref().filter(|_| matches!(self.status, ExitStatus::Code(_)))
    }
}

/// What ends a process whatever it does, see signal(7).
pub(crate) const SIGKILL: i32 = 9;

/// Whether a process brings this signal upon itself: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGXCPU,
/// SIGXFSZ and SIGSYS. Others can send them too, but rarely do.
pub(crate) const fn is_own_fault(signal: i32) -> bool {
    matches!(signal, 4..=8 | 11 | 13 | 24 | 25 | 31)
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
