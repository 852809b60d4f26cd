//! Collecting the exit status of a child.

use std::time::Duration;

use ostler_lifecycle::ExitStatus;
use rustix::process::Pid;

/// What the kernel tells of an ended child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains {
    pub(super) status: ExitStatus,
    pub(super) cpu_time: Duration,
    /// In bytes.
    pub(super) peak_memory: u64,
}

/// Reaps one child, without waiting. `None` if it has not ended. If somebody else has reaped it, the
/// status is unknown.
#[expect(unsafe_code, reason = "wait4 is the only call that gives status and resource usage of one child")]
pub(super) fn try_reap(pid: Pid) -> Option<Remains> {
    let mut status = 0;
    // SAFETY: rusage is a plain C structure for which all zeroes are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let pid = pid.as_raw_nonzero().get();
    loop {
        // SAFETY: both pointers are to live, writable locals of the right type.
        let reaped = unsafe { libc::wait4(pid, &mut status, libc::WNOHANG, &mut usage) };
        if reaped == pid {
            return Some(Remains {
                status: decode(status),
                cpu_time: duration(usage.ru_utime) + duration(usage.ru_stime),
                peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
            });
        }
        if reaped == 0 {
            return None;
        }
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return Some(Remains { status: ExitStatus::Unknown, cpu_time: Duration::ZERO, peak_memory: 0 });
        }
    }
}

fn decode(status: i32) -> ExitStatus {
    if libc::WIFEXITED(status) {
        ExitStatus::Code(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        ExitStatus::Signal { number: libc::WTERMSIG(status), core_dumped: libc::WCOREDUMP(status) }
    } else {
        ExitStatus::Unknown
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
