//! What is known of a worker's end, put into the machine's words.

use ostler_lifecycle::{ExitStatus, LimitKind, WorkerExit};
use ostler_process::{Certainty, ChildExit, WorkerLimits};

use super::tail::Tail;

/// The signals of the kernel's limits, and of a process that gives up; see signal(7).
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// An exit without what the worker wrote.
pub(super) fn of(remains: &ChildExit, limits: &WorkerLimits) -> WorkerExit {
    let out_of_memory = remains.oom.as_ref().map(|evidence| match evidence.certainty {
        Certainty::Certain => evidence.text.clone(),
        Certainty::Probable => format!("probably: {}", evidence.text),
    });
    let mut exit = WorkerExit::bare(remains.status);
    exit.cpu_time = remains.cpu_time;
    exit.peak_memory = remains.peak_memory;
    exit.uptime = remains.uptime;
    exit.out_of_memory = out_of_memory;
    exit.limit = limit(&exit, limits, remains.killed_at.is_none());
    exit
}

/// The same with the end of its stderr, which may tell of a limit that shows in no signal.
pub(super) fn with_stderr(mut exit: WorkerExit, stderr: &Tail, limits: &WorkerLimits) -> WorkerExit {
    exit.stderr_tail = stderr.text();
    let aborted = matches!(exit.status, ExitStatus::Signal { number: SIGABRT, .. });
    // Rust says so before it aborts, and so does the C++ library.
    let gave_up = stderr.mentions("memory allocation of") || stderr.mentions("bad_alloc");
    if aborted && gave_up && limits.address_space.is_some() {
        exit.limit = Some(LimitKind::AddressSpace);
    }
    exit
}

fn limit(exit: &WorkerExit, limits: &WorkerLimits, by_itself: bool) -> Option<LimitKind> {
    let ExitStatus::Signal { number, .. } = exit.status else { return None };
    match number {
        SIGXCPU if limits.cpu_time.is_some() => Some(LimitKind::CpuTime),
        // Who does not die of SIGXCPU is killed by the kernel a second later.
        SIGKILL if by_itself && limits.cpu_time.is_some_and(|limit| exit.cpu_time >= limit) => {
            Some(LimitKind::CpuTime)
        }
        SIGXFSZ => Some(LimitKind::FileSize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn killed_by(number: i32, cpu_seconds: u64) -> WorkerExit {
        let mut exit = WorkerExit::bare(ExitStatus::Signal { number, core_dumped: false });
        exit.cpu_time = Duration::from_secs(cpu_seconds);
        exit
    }

    #[test]
    fn a_limit_is_named_only_if_there_was_one() {
        let limits = WorkerLimits { cpu_time: Some(Duration::from_secs(5)), ..WorkerLimits::default() };
        let none = WorkerLimits::default();
        assert_eq!(limit(&killed_by(SIGXCPU, 5), &limits, true), Some(LimitKind::CpuTime));
        assert_eq!(limit(&killed_by(SIGXCPU, 5), &none, true), None);
        assert_eq!(limit(&killed_by(SIGKILL, 6), &limits, true), Some(LimitKind::CpuTime));
        assert_eq!(limit(&killed_by(SIGKILL, 1), &limits, true), None, "it had time left");
        assert_eq!(limit(&killed_by(SIGKILL, 6), &limits, false), None, "we killed it");
    }

    #[test]
    fn an_allocation_that_failed_is_the_address_space_if_that_was_limited() {
        let limits = WorkerLimits { address_space: Some(1 << 30), ..WorkerLimits::default() };
        let none = WorkerLimits::default();
        let says = |text: &str, limits| {
            let mut stderr = Tail::default();
            stderr.push(text.as_bytes());
            with_stderr(killed_by(SIGABRT, 0), &stderr, limits).limit
        };
        let backtrace = "  0: somewhere\n".repeat(50);
        let text = format!("memory allocation of 9 bytes failed\n{backtrace}");
        assert_eq!(says(&text, &limits), Some(LimitKind::AddressSpace));
        assert_eq!(says("memory allocation of 9 bytes failed", &none), None);
        assert_eq!(says("assertion failed", &limits), None);
    }
}
