//! The system calls of a worker, and of one that means no good.

use std::ffi::c_int;
use std::ptr;

/// No test takes this long; it ends what nobody else ends.
const LIFETIME_SECONDS: u32 = 120;

/// Takes name and token from the environment, and makes sure that this process dies with its host.
pub(crate) fn settle() -> Option<(String, [u8; 16])> {
    // SAFETY: there is one thread only, so nobody reads the environment meanwhile; the calls get plain data.
    unsafe {
        let parent = libc::getppid();
        let socket = std::env::var("OSTLER_SOCKET").ok();
        let token = std::env::var("OSTLER_TOKEN").ok().and_then(|text| parse_token(&text));
        std::env::remove_var("OSTLER_SOCKET");
        std::env::remove_var("OSTLER_TOKEN");
        let signal = libc::SIGRTMAX() - 2;
        let handler: extern "C" fn(c_int) = on_parent_death;
        libc::signal(signal, handler as libc::sighandler_t);
        libc::prctl(libc::PR_SET_PDEATHSIG, signal);
        if libc::getppid() != parent {
            end_group();
        }
        socket.zip(token)
    }
}

fn parse_token(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}

extern "C" fn on_parent_death(_: c_int) {
    end_group();
}

/// Ends this process, and its group if it leads one.
pub(crate) fn end_group() -> ! {
    // SAFETY: the calls take no pointers and are allowed in a signal handler.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::kill(0, libc::SIGKILL);
        }
        libc::_exit(137)
    }
}

/// Does nothing until somebody ends this process.
pub(crate) fn linger() -> ! {
    // SAFETY: the calls take no pointers.
    unsafe {
        libc::alarm(LIFETIME_SECONDS);
        loop {
            libc::pause();
        }
    }
}

/// Ignores all signals that can be ignored, but for the one of the host's death.
pub(crate) fn ignore_signals() {
    for signal in (1..libc::SIGRTMAX()).filter(|signal| *signal != libc::SIGRTMAX() - 2) {
        // SAFETY: the call takes no pointers; for the signals where it is not allowed it fails.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// A child that lingers, with all descriptors of this process. Returns its pid.
pub(crate) fn fork_lingerer(leave_group: bool) -> i32 {
    // SAFETY: there is one thread only, so the child may do what it likes.
    match unsafe { libc::fork() } {
        0 => {
            if leave_group {
                // SAFETY: the call takes no pointers.
                unsafe { libc::setsid() };
            }
            linger()
        }
        pid => {
            // The host ends this group as soon as this process is gone: the child must be out of it by then.
            // SAFETY: the calls take no pointers.
            while leave_group && unsafe { libc::getpgid(pid) == libc::getpgrp() } {
                std::thread::yield_now();
            }
            pid
        }
    }
}

/// Dies of SIGSEGV.
pub(crate) fn segfault() -> ! {
    // Not 0 itself, which a debug build would notice before the processor does.
    let nowhere = ptr::without_provenance_mut::<u8>(8);
    // SAFETY: there is none, on purpose: the page is never mapped.
    unsafe { nowhere.write_volatile(1) };
    std::process::exit(1)
}
