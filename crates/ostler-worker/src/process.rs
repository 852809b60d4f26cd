//! The system calls of a worker process.
#![expect(unsafe_code, reason = "signals, the parent-death signal and the environment need system calls")]

use std::{io, ptr};

use ostler_wire::env;

/// Makes a fresh process a proper worker: no variables of ours, no inherited signal settings, and a group
/// that dies with its host.
///
/// # Errors
/// If there are other threads already: they could read the environment while it changes.
pub(crate) fn settle() -> Result<(), String> {
    // First of all, since a host that dies after this is noticed below.
    let parent = nix::unistd::getppid();
    if thread_count().is_some_and(|count| count > 1) {
        return Err("other threads exist already: run_if_worker must come before any runtime; keep main a plain fn that \
             calls it first, and put #[tokio::main] on another function".to_owned());
    }
    for name in [env::SOCKET, env::TOKEN] {
        // SAFETY: this is the only thread, as was just checked, so no other reads the environment.
        unsafe { std::env::remove_var(name) };
    }
    reset_signals();
    die_with_parent();
    if nix::unistd::getppid() != parent {
        end_group();
    }
    Ok(())
}

/// How many threads this process has; `None` without a `/proc`.
fn thread_count() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

/// Whether the host ended before this process asked for its parent: then no signal tells of its death, and
/// somebody else, a child that it forked, keeps its socket open.
pub(crate) fn is_orphan_of(host: libc::pid_t) -> bool {
    // A worker may be started through another program, so a parent that is not the host proves nothing.
    host > 0 && nix::unistd::getppid().as_raw() != host && has_ended(host)
}

fn has_ended(pid: libc::pid_t) -> bool {
    // SAFETY: the calls get numbers, and a structure of this frame that outlives its call.
    unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if pidfd < 0 {
            return io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
        }
        // It is readable for a zombie as well.
        let mut poll = libc::pollfd { fd: pidfd as libc::c_int, events: libc::POLLIN, revents: 0 };
        let ended = libc::poll(&raw mut poll, 1, 0) == 1;
        libc::close(poll.fd);
        ended
    }
}

/// Ends this process and its whole group at once. A process that does not lead its group ends alone, so
/// that one started by hand does not take a shell with it.
pub(crate) fn end_group() -> ! {
    // SAFETY: these calls take no pointers and are safe in a signal handler, where this runs as well.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::kill(0, libc::SIGKILL);
        }
        libc::_exit(128 + libc::SIGKILL)
    }
}

/// Undoes what a process inherits: blocked and ignored signals.
fn reset_signals() {
    // SAFETY: the sets and actions are plain data of this frame, filled by the calls that get them.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        for signal in 1..=libc::SIGRTMAX() {
            // Rust's runtime ignores SIGPIPE, and its library relies on that. Handlers are not inherited;
            // the ones that exist are the runtime's own, for stack overflows.
            let mut action: libc::sigaction = std::mem::zeroed();
            let known = libc::sigaction(signal, ptr::null(), &raw mut action) == 0;
            if known && signal != libc::SIGPIPE && action.sa_sigaction == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

/// Has the kernel send a signal when the parent dies. Not SIGKILL: that would spare the worker's own
/// children, while a handler can end the whole group.
fn die_with_parent() {
    extern "C" fn on_parent_death(_: libc::c_int) {
        end_group();
    }
    let signal = libc::SIGRTMAX() - 2;
    // SAFETY: the handler makes only calls that are allowed in one, and the action outlives its call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_parent_death as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, ptr::null_mut());
        libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong);
    }
}
