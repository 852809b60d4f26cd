//! System calls on a child by its descriptor, which is nobody else's, whatever becomes of the number.
#![expect(
    unsafe_code,
    reason = "the library has these calls without the flags, and without what a child has used up"
)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use ostler_lifecycle::ExitStatus;
use rustix::process::Pid;

/// Of `pidfd_send_signal`, since Linux 6.9.
const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;

/// What the kernel tells of an ended child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains {
    pub(super) status: ExitStatus,
    pub(super) cpu_time: Duration,
    /// In bytes.
    pub(super) peak_memory: u64,
}

/// What a child is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Runs,
    /// It has ended, and its number is still its own.
    Ended,
    /// It has ended, and its number may be another's.
    Reaped,
}

/// Sends a signal to the group that the process leads or has led. 0 only asks whether there is anybody.
pub(super) fn signal_group(leader: &OwnedFd, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: the call gets numbers, and no information to go with the signal.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            leader.as_raw_fd(),
            signal,
            ptr::null::<libc::siginfo_t>(),
            PIDFD_SIGNAL_PROCESS_GROUP,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Looks at a child, and leaves it as it is.
pub(super) fn standing(child: &OwnedFd) -> io::Result<Standing> {
    match wait(libc::P_PIDFD, child.as_raw_fd(), libc::WNOWAIT) {
        Ok(None) => Ok(Standing::Runs),
        Ok(Some(_)) => Ok(Standing::Ended),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Standing::Reaped),
        Err(error) => Err(error),
    }
}

/// Reaps a child, without waiting. `None` if it has not ended.
///
/// # Errors
/// ECHILD, if somebody else has reaped it: then nobody knows how it ended. Others do not occur unless somebody has closed
/// the descriptor.
pub(super) fn try_reap(child: &OwnedFd) -> io::Result<Option<Remains>> {
    wait(libc::P_PIDFD, child.as_raw_fd(), 0)
}

/// The same, if the descriptor is lost. A number that is not a child's of ours any more is refused by the kernel, or another
/// child's of the host.
pub(super) fn try_reap_by_number(child: Pid) -> io::Result<Option<Remains>> {
    wait(libc::P_PID, child.as_raw_pid(), 0)
}

fn wait(kind: libc::idtype_t, id: i32, more: libc::c_int) -> io::Result<Option<Remains>> {
    // SAFETY: both are plain C structures for which all zeroes are a valid value.
    let (mut info, mut usage): (libc::siginfo_t, libc::rusage) = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live, writable locals of the right type. The C library's function does not ask for
        // what was used up.
        let result = unsafe {
            libc::syscall(
                libc::SYS_waitid,
                kind,
                id,
                &raw mut info,
                libc::WEXITED | libc::WNOHANG | more,
                &raw mut usage,
            )
        };
        if result == 0 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: the kernel has filled it for an exit, or left the zeroes.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok((pid != 0).then(|| Remains {
        status: decode(info.si_code, status),
        cpu_time: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    }))
}

fn decode(code: i32, status: i32) -> ExitStatus {
    match code {
        libc::CLD_EXITED => ExitStatus::Code(status),
        libc::CLD_KILLED => ExitStatus::Signal { number: status, core_dumped: false },
        libc::CLD_DUMPED => ExitStatus::Signal { number: status, core_dumped: true },
        _ => ExitStatus::Unknown,
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
