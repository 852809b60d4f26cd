use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::ordeals::Ordeals;
use crate::clock;
use crate::figures::Spread;
use crate::outside::Process;

/// How soon a daemon is to be gone after its worker: on a machine that has more to do, all but one in twenty.
const SOON: Duration = Duration::from_millis(100);
/// How soon it must be gone, whatever else is to do.
const LATEST: Duration = Duration::from_secs(1);

/// How many of those that were not gone soon are told of.
const STORIES: usize = 8;

/// A daemon that a job left.
#[derive(Debug)]
struct Daemon {
    number: u64,
    process: Process,
    worker: Option<u32>,
    /// From when on it may not be there any more: its worker is dead, and it has shown itself.
    doomed: Option<u64>,
    shown: u64,
    /// How long after that it was last seen.
    seen: Duration,
    is_late: bool,
}

type Unseen = (u64, u32, u64, Option<u32>);

/// The daemons that are still there, and how those went that are not.
#[derive(Debug, Default)]
pub(crate) struct Daemons {
    /// Those that have shown themselves while nobody could look: of which job, their number, since when, of which worker.
    unseen: Vec<Unseen>,
    there: Vec<Daemon>,
    /// How long after their workers those were still seen that are gone.
    pub(crate) seen: Spread,
    /// Some that were not gone soon.
    pub(crate) slow: Vec<String>,
}

impl Daemons {
    /// One has shown itself. A worker that nobody knows is dead and forgotten.
    pub(super) fn add(&mut self, number: u64, pid: u32, at: u64, worker: Option<u32>, is_worker_dead: bool) {
        // One that is gone already was swept up.
        let Some(process) = Process::read(pid) else {
            self.seen.add(Duration::ZERO);
            return;
        };
        let doomed = (worker.is_none() || is_worker_dead).then_some(at);
        self.there.push(Daemon {
            number,
            process,
            worker,
            doomed,
            shown: at,
            seen: Duration::ZERO,
            is_late: false,
        });
    }

    /// One has shown itself, and cannot be looked at now.
    pub(super) fn add_unseen(&mut self, number: u64, pid: u32, at: u64, worker: Option<u32>) {
        self.unseen.push((number, pid, at, worker));
    }

    pub(super) fn take_unseen(&mut self) -> Vec<Unseen> {
        std::mem::take(&mut self.unseen)
    }

    /// A worker is proven dead.
    pub(super) fn worker_ended(&mut self, pid: u32, at: u64) {
        for daemon in self.there.iter_mut().filter(|daemon| daemon.worker == Some(pid)) {
            daemon.doomed.get_or_insert(at.max(daemon.shown));
        }
    }

    /// Whether nearly all went soon.
    pub(crate) fn went_soon(&self) -> bool {
        self.seen.longer_than(SOON) <= self.seen.len().div_ceil(20)
    }

    /// Those that are still there.
    pub(crate) fn left(&self) -> Vec<String> {
        let there = self.there.iter().filter(|daemon| daemon.process.still_runs());
        there.map(|daemon| daemon.process.describe()).collect()
    }

    /// Looks after those that ought to be gone. Says which are not, each once, and ends them.
    pub(super) fn look(&mut self, ordeals: &Ordeals) -> Vec<String> {
        let mut late = Vec::new();
        let (seen, slow) = (&mut self.seen, &mut self.slow);
        self.there.retain_mut(|daemon| {
            let Some(doomed) = daemon.doomed else { return true };
            let since = clock::since(doomed).saturating_sub(ordeals.delay(doomed, clock::now()));
            if !daemon.process.still_runs() {
                if daemon.seen > SOON && slow.len() < STORIES {
                    let ordeals = ordeals.describe(doomed, clock::now());
                    slow.push(format!("of job {} for {:?}; {ordeals}", daemon.number, daemon.seen));
                }
                seen.add(daemon.seen);
                return false;
            }
            daemon.seen = since;
            if since > LATEST && !daemon.is_late {
                daemon.is_late = true;
                let Daemon { number, process, worker, .. } = &*daemon;
                late.push(format!(
                    "daemon {} of job {number} runs {since:?} after its worker {worker:?}",
                    process.describe()
                ));
                end(&daemon.process);
            }
            true
        });
        late
    }
}

fn end(process: &Process) {
    if let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) {
        // It may be gone by now.
        let _ = kill_process(pid, Signal::KILL);
    }
}
