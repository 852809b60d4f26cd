//! The jobs that the pool runs. A path is that of a postbox.
#![expect(clippy::expect_used, reason = "a panic in a job is that job's failure")]

use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use rustix::process::{getpid, kill_process};
use serde_bytes::ByteBuf;

use crate::measure::monotonic_ns;
use crate::postbox;

const LOAD: (&str, &str) = ("PEER_LOAD_MS", "500");

pub(crate) fn echo(payload: ByteBuf) -> ByteBuf {
    payload
}

pub(crate) fn pid((): ()) -> u32 {
    process::id()
}

/// A busy loop that SIGTERM does not end.
pub(crate) fn spin(path: String) {
    // Blocked and not ignored, which needs no unsafe code and comes to the same.
    SigSet::from(Signal::SIGTERM).thread_block().expect("SIGTERM can be blocked");
    postbox::post(Path::new(&path), process::id());
    loop {
        std::hint::spin_loop();
    }
}

/// Kills its own process, and says when. It waits a little first, until others wait behind it.
pub(crate) fn crash(path: String) {
    thread::sleep(Duration::from_millis(50));
    postbox::post(Path::new(&path), monotonic_ns());
    kill_process(getpid(), rustix::process::Signal::KILL).expect("a process may kill itself");
}

/// Keeps the worker busy without using the processor.
pub(crate) fn hold(path: String) {
    postbox::post(Path::new(&path), "holding");
    thread::sleep(Duration::from_secs(3600));
}

/// What a pool's builder sets in its workers' environment so that they load.
pub(crate) fn load_variable() -> (&'static str, &'static str) {
    LOAD
}

/// Stands for a plugin that takes long to load.
pub(crate) fn load_if_asked() {
    if let Some(ms) = std::env::var(LOAD.0).ok().and_then(|ms| ms.parse().ok()) {
        thread::sleep(Duration::from_millis(ms));
    }
}
