use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::pool::PATIENCE;

/// So long nothing must happen. Longer than each delay that the pool is given, see `Scenario::config`.
const QUIET: Duration = Duration::from_secs(2);

/// Who has to come to rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resting {
    All,
    Workers,
}

/// What a process takes.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// The names of its threads.
    threads: Vec<String>,
    /// What its descriptors are.
    descriptors: Vec<String>,
    /// How often threads other than this one woke up, within the time in which nothing should happen.
    wakes: u64,
    /// How often threads of its workers did.
    worker_wakes: u64,
    /// Processor time of all threads in that time, in microseconds.
    busy_us: u128,
}

/// Of this process and these workers of it, when all have come to rest; or when they do not.
pub(crate) fn at_rest(workers: &[u32], resting: Resting) -> Figures {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (before, of_workers, spent) = (wakes(), wakes_of(workers), processor_time());
        thread::sleep(QUIET);
        let (after, spent) = (wakes(), processor_time().saturating_sub(spent));
        let worker_wakes = wakes_of(workers).saturating_sub(of_workers);
        let does_host_rest = before == after || resting == Resting::Workers;
        if (does_host_rest && worker_wakes == 0) || Instant::now() > deadline {
            let wakes = after.saturating_sub(before);
            return Figures {
                threads: threads(),
                descriptors: descriptors(),
                wakes,
                worker_wakes,
                busy_us: spent.as_micros(),
            };
        }
    }
}

/// The statuses of all threads of a process, by their number. One that has ended in between is none.
fn statuses_of(pid: u32) -> impl Iterator<Item = (String, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        Some((task.file_name().into_string().ok()?, status))
    })
}

/// The statuses of all threads but this one, the first of its process.
fn statuses() -> Vec<String> {
    let pid = std::process::id();
    statuses_of(pid).filter(|(task, _)| *task != pid.to_string()).map(|(_, status)| status).collect()
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
}

/// How often they went to sleep.
fn wakes() -> u64 {
    statuses().iter().map(|status| count(status)).sum()
}

fn wakes_of(workers: &[u32]) -> u64 {
    workers.iter().flat_map(|pid| statuses_of(*pid)).map(|(_, status)| count(&status)).sum()
}

fn count(status: &str) -> u64 {
    field(status, "voluntary_ctxt_switches:").parse().unwrap()
}

fn threads() -> Vec<String> {
    let mut names: Vec<_> = statuses().iter().map(|status| field(status, "Name:").to_owned()).collect();
    names.sort();
    names
}

/// Without the numbers, which are others for each worker, and without the name of the record of workers.
fn descriptors() -> Vec<String> {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().map(|descriptor| descriptor.unwrap().path());
    let targets = descriptors.filter_map(|path| fs::read_link(path).ok());
    let name = |target: std::path::PathBuf| {
        let text = target.to_string_lossy();
        let is_record = text.contains("/ostler-");
        if is_record {
            "a record".to_owned()
        } else {
            text.replace(|letter: char| letter.is_ascii_digit(), "")
        }
    };
    let mut names: Vec<_> = targets.map(name).collect();
    names.sort();
    names
}

fn processor_time() -> Duration {
    // SAFETY: all zeroes are a valid value, which the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let sum = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    sum(usage.ru_utime) + sum(usage.ru_stime)
}
