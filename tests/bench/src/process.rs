//! How processes misbehave that are to be killed: those of the workers and those of the limits, in the same way.
#![expect(unsafe_code, reason = "to ignore a signal needs a system call")]

use std::fs::File;
use std::hint;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::process::{Signal, getpid, kill_process};

use crate::clock;

/// Ignores SIGTERM, touches so much memory, tells that it is ready, and spins.
pub(crate) fn spin_for_ever(mebibytes: usize, ready: impl FnOnce()) -> ! {
    // SAFETY: it takes no pointers, and no handler of ours exists for this signal.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
    }
    let held = vec![1_u8; mebibytes << 20];
    ready();
    loop {
        hint::black_box(&held);
        hint::spin_loop();
    }
}

/// Notes the time in a file that exists, and kills this process. It returns only if it cannot.
pub(crate) fn stamp_and_die(path: &Path) -> io::Error {
    let die = || -> io::Result<()> {
        let file = File::options().write(true).open(path)?;
        file.write_all_at(&clock::nanoseconds().to_le_bytes(), 0)?;
        Ok(kill_process(getpid(), Signal::KILL)?)
    };
    die().err().unwrap_or_else(|| io::Error::other("it outlived its own SIGKILL"))
}

/// What [`stamp_and_die`] noted.
pub(crate) fn read_stamp(path: &Path) -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open(path)?.read_exact_at(&mut bytes, 0)?;
    Ok(u64::from_le_bytes(bytes))
}
