//! A process that gets away: out of the group, out of the session, and deaf.
//!
//! It is this program again, twice. The first one leaves the worker's session and starts the second, which ignores all
//! signals and stays. As the first one ends, the second is nobody's child.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{page, ruin};

const LEAVE: &str = "--leave-as-a-daemon";
const STAY: &str = "--stay-as-a-daemon";
/// What remains of the torture itself is not to stay on the machine.
const LONGEST: Duration = Duration::from_secs(60);

/// Returns when it is on its way.
pub(super) fn start(number: u64, attempt: u32) -> io::Result<()> {
    again(LEAVE, number, attempt)?.wait().map(drop)
}

/// Becomes a daemon if this process was started as one; then it does not return.
pub(crate) fn run_if_daemon() {
    let args: Vec<String> = std::env::args().collect();
    let [_, role, number, attempt] = &args[..] else { return };
    let (Ok(number), Ok(attempt)) = (number.parse(), attempt.parse()) else { return };
    match role.as_str() {
        LEAVE => {
            let left = rustix::process::setsid().map_err(io::Error::from);
            let staying = left.and_then(|_| again(STAY, number, attempt));
            std::process::exit(i32::from(staying.is_err()));
        }
        STAY => stay(number, attempt),
        _ => {}
    }
}

fn stay(number: u64, attempt: u32) -> ! {
    ruin::ignore_all();
    if page::daemon_is_there(number, attempt).is_err() {
        std::process::exit(1);
    }
    let directory = std::env::var_os(page::VARIABLE).map(PathBuf::from).unwrap_or_default();
    for _ in 0..LONGEST.as_secs() {
        if !directory.exists() {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    std::process::exit(0)
}

fn again(role: &str, number: u64, attempt: u32) -> io::Result<std::process::Child> {
    Command::new("/proc/self/exe")
        .args([role, &number.to_string(), &attempt.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
