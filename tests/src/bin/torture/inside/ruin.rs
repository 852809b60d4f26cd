//! What ends a worker, or keeps it from ending.
#![expect(unsafe_code, reason = "a segmentation fault and ignored signals are what is asked for")]

use std::time::{Duration, Instant};

pub(super) fn segfault() -> ! {
    // Not 0 itself, which a debug build would notice before the processor does.
    let nowhere = std::ptr::without_provenance_mut::<u8>(8);
    // SAFETY: there is none; the process dies here.
    unsafe { nowhere.write_volatile(1) };
    for_ever()
}

/// Takes memory, not faster than somebody who looks every now and then can stop it, and not all that there is.
pub(super) fn take_memory() -> ! {
    for _ in 0..40 {
        std::mem::forget(std::hint::black_box(vec![1_u8; 32 << 20]));
        std::thread::sleep(Duration::from_millis(10));
    }
    for_ever()
}

/// Uses the processor for ever, and says every now and then that it does.
pub(super) fn spin(still_there: impl Fn()) -> ! {
    ignore(libc::SIGTERM);
    let mut said = Instant::now();
    loop {
        if said.elapsed() > Duration::from_millis(10) {
            still_there();
            said = Instant::now();
        }
        std::hint::spin_loop();
    }
}

pub(super) fn stop_self() -> ! {
    loop {
        // SAFETY: the call takes two numbers.
        unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
    }
}

/// Ignores whatever can be ignored.
pub(super) fn ignore_all() {
    (1..=libc::SIGRTMAX()).for_each(ignore);
}

pub(super) fn for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

fn ignore(signal: i32) {
    // SAFETY: no handler of ours is involved, and what cannot be ignored is refused.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}
