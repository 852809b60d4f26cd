//! A test that runs a part of itself in a process of its own, as a worker is one.

use std::process::{Command, Output};

const PART: &str = "OSTLER_TEST_PART";

/// What the child is to do; nothing in the test's own process.
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// Runs the test of that name again in a new process, which finds `part` in its environment. `limits` are the
/// arguments of the shell's `ulimit`, if any.
pub fn run_again(test: &str, part: &str, limits: &str) -> Output {
    let limit = if limits.is_empty() { String::new() } else { format!("ulimit {limits} && ") };
    Command::new("sh")
        .args(["-c", &format!("ulimit -c 0 && {limit}exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .output()
        .unwrap()
}

/// The most that this process has had in memory, in KiB.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
