use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::getppid;

const SPIN: &str = "--spin-beside";

/// How often one that spins looks whether its keeper is still there.
const LOOK: Duration = Duration::from_millis(50);

/// Processes that use the processor and do nothing, until this is dropped.
pub(super) struct Busy(Vec<Child>);

pub(super) fn start(count: u32) -> io::Result<Busy> {
    let mut busy = Busy(Vec::new());
    for _ in 0..count {
        let mut command = Command::new("/proc/self/exe");
        command.arg(SPIN).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        busy.0.push(command.spawn()?);
    }
    Ok(busy)
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may be gone by now.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Spins for as long as the keeper lives if this process was started for that; then it does not return.
pub(crate) fn run_if_busy() {
    if !std::env::args().skip(1).eq([SPIN]) {
        return;
    }
    let keeper = getppid();
    while getppid() == keeper {
        let looked = Instant::now();
        while looked.elapsed() < LOOK {
            std::hint::spin_loop();
        }
    }
    std::process::exit(0)
}
