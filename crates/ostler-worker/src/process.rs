//! The system calls of a worker process.
#![expect(unsafe_code, reason = "signals, the parent-death signal and the environment need system calls")]

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
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
    ask_for_parents_death(libc::SIGKILL);
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
    host > 0 && nix::unistd::getppid().as_raw() != host && has_ended(host) == Some(true)
}

fn has_ended(pid: libc::pid_t) -> Option<bool> {
    ends_within(pid, Duration::ZERO)
}

/// Waits for that process to end, and not longer than this. `None` if it cannot be looked at, as without a free descriptor.
fn ends_within(pid: libc::pid_t, patience: Duration) -> Option<bool> {
    // SAFETY: the calls get numbers, and a structure of this frame that outlives its call.
    unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if pidfd < 0 {
            return (io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)).then_some(true);
        }
        // It is readable for a zombie as well.
        let mut poll = libc::pollfd { fd: pidfd as libc::c_int, events: libc::POLLIN, revents: 0 };
        let until = Instant::now() + patience;
        let ended = loop {
            let left = until.saturating_duration_since(Instant::now()).as_millis() as libc::c_int;
            match libc::poll(&raw mut poll, 1, left) {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                ready => break ready == 1,
            }
        };
        libc::close(poll.fd);
        Some(ended)
    }
}

/// Ends the group, since nothing can be read or written any more. Most often the host is dead: then at once. If the host
/// lives, this process has closed the connection itself, as plugins do, or could not go on reading. A host kills such a
/// worker, and says why on the job's record; if this process ended first, the record would say only that it was killed. So
/// it waits for that, but not for ever: a host may be unable to kill.
pub(crate) fn end_without_connection(host: Option<libc::pid_t>) -> ! {
    if let Some(host) = host {
        ends_within(host, LIVING_HOSTS_TURN);
    }
    end_group()
}

/// Much longer than the second that a host gives a worker which has hung up (`HANG_UP_GRACE` in `ostler-lifecycle`).
const LIVING_HOSTS_TURN: Duration = Duration::from_secs(5);

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

/// Ends the whole group when the host dies, whatever plugins do to signals and descriptors.
///
/// A signal tells of a death at once, but can be ignored, and a process that is stopped does not hear it. So a thread
/// waits for the host itself; and it has the kernel send it, being a child of the host like the main thread, what lets a
/// stopped process go on. That the group of a host is left without a session does not, since workers have their own.
pub(crate) struct HostWatch {
    is_set: Receiver<()>,
    host: Sender<(libc::pid_t, OwnedFd)>,
}

impl HostWatch {
    /// Starts the thread.
    pub(crate) fn start() -> Self {
        let (set, is_set) = channel();
        let (host, hosts) = channel::<(libc::pid_t, OwnedFd)>();
        let watch = move || {
            block_signals();
            ask_for_parents_death(libc::SIGCONT);
            // Whoever waits for this is gone only with the process.
            let _ = set.send(());
            if let Ok((host, pidfd)) = hosts.recv() {
                // Never closed here: a plugin may have closed it, and then the number may be of something else.
                wait_for_end(host, pidfd.into_raw_fd());
            }
            // A host that cannot be watched is noticed by the signal, and by the end of the connection. The thread stays, as
            // it is to this thread that the kernel sends what lets us go on.
            loop {
                std::thread::park();
            }
        };
        // Without a thread the signal and the end of the connection have to do.
        let _ =
            std::thread::Builder::new().name("ostler-watch".to_owned()).stack_size(WATCH_STACK).spawn(watch);
        Self { is_set, host }
    }

    /// To be called before there are children: until then the kernel ends this process alone.
    pub(crate) fn die_with_host(self, host: Option<libc::pid_t>) {
        // Until the thread has asked for what it needs, the kernel ends this process also when it is stopped. Nothing comes
        // if the thread could not be started.
        let _ = self.is_set.recv();
        die_with_parent();
        let host = host.unwrap_or_else(|| nix::unistd::getppid().as_raw());
        // SAFETY: the call takes numbers, and what it returns is ours.
        let pidfd = unsafe {
            let pidfd = libc::syscall(libc::SYS_pidfd_open, host, 0) as libc::c_int;
            (pidfd >= 0).then(|| OwnedFd::from_raw_fd(pidfd))
        };
        match pidfd {
            // Nobody receives it if the thread could not be started.
            Some(pidfd) => drop(self.host.send((host, pidfd))),
            // It has died since this process asked whose child it is.
            None if io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) => end_group(),
            None => {}
        }
    }
}

/// Ends this group with the host; returns if it cannot be waited for.
fn wait_for_end(host: libc::pid_t, pidfd: RawFd) {
    let mut poll = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
    loop {
        // SAFETY: the structure is this frame's.
        match unsafe { libc::poll(&raw mut poll, 1, -1) } {
            // What is readable may be something else that has the number now: if the host is seen to live.
            1 if poll.revents & libc::POLLIN != 0 && has_ended(host) != Some(false) => end_group(),
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

/// Bytes, of a thread that makes a few system calls.
const WATCH_STACK: usize = 64 * 1024;

/// On this thread: handlers of plugins are not to run on it.
fn block_signals() {
    // SAFETY: the set is plain data of this frame, filled by the call that gets it.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
    }
}

/// Has the kernel send this signal to this process when the parent of the thread that calls this dies.
fn ask_for_parents_death(signal: libc::c_int) {
    // SAFETY: the call takes numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong) };
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
    }
    ask_for_parents_death(signal);
}
