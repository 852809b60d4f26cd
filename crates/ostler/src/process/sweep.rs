use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, geteuid, getpid};

use super::pinned::Pinned;
use super::procfs;
use super::worker_id::WorkerId;

/// How long one worker's leftovers are looked for.
const LONGEST: Duration = Duration::from_secs(1);
/// How long a walk waits for those whom it killed. The next finds who does not die so soon.
const LONGEST_DEATH: Duration = Duration::from_millis(50);

/// How often a walk looks at each process, each time as another list of all has it. Once may be wrong: who becomes another
/// program just when it is looked at can look like a stranger.
const LOOKS: u32 = 2;

/// How often a walk lists all processes. On a busy system somebody always is new.
const MOST_LISTS: u32 = 64;

/// What became of the processes that a worker left behind outside of its group.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Swept {
    /// How many were killed.
    pub(crate) killed: u32,
    /// How many were still alive after a second of that.
    pub(crate) survivors: u32,
}

/// Kills whatever carries the mark of a dead worker. Who has removed it from the environment gets away.
///
/// One walk through all processes serves all workers that are swept for. A worker is done with when a walk
/// that began after its death finds nobody: what forks while it is swept for is found by the next.
#[derive(Default)]
pub(super) struct Sweep {
    quarries: Vec<Quarry>,
}

struct Quarry {
    id: WorkerId,
    deadline: Instant,
    killed: HashSet<Pid>,
}

/// One who carries a mark, and was sent a SIGKILL.
struct Victim {
    process: Pinned,
    carried: Vec<WorkerId>,
}

/// What came of a look at a process.
enum Look {
    Killed(Victim),
    NotWanted,
    /// It cannot be told yet whether it carries a mark.
    Again,
}

impl Sweep {
    pub(super) fn begin(&mut self, id: WorkerId) {
        self.quarries.push(Quarry { id, deadline: Instant::now() + LONGEST, killed: HashSet::new() });
    }

    pub(super) fn is_idle(&self) -> bool {
        self.quarries.is_empty()
    }

    /// Walks once through all processes. Returns the workers that are done with.
    pub(super) fn walk(&mut self) -> Vec<(WorkerId, Swept)> {
        let (victims, saw_all) = self.kill_all();
        let processes: Vec<_> = victims.iter().map(|victim| &victim.process).collect();
        Pinned::wait_for_all(&processes, LONGEST_DEATH);
        let now = Instant::now();
        let mut done = Vec::new();
        self.quarries.retain(|quarry| {
            let mut left = victims.iter().filter(|victim| victim.carried.contains(&quarry.id)).peekable();
            if (left.peek().is_some() || !saw_all) && now < quarry.deadline {
                return true;
            }
            let survivors = left.filter(|victim| !victim.process.has_ended()).count();
            done.push((quarry.id, Swept { killed: count(quarry.killed.len()), survivors: count(survivors) }));
            false
        });
        done
    }

    /// Says also whether nobody can have been missed: somebody who forks and ends is gone before it is looked
    /// at, and its child was not there yet.
    fn kill_all(&mut self) -> (Vec<Victim>, bool) {
        let nobody = procfs::kernel_threads().into_iter().chain([getpid()]);
        let mut looks: HashMap<Pid, u32> = nobody.map(|pid| (pid, LOOKS)).collect();
        let mut victims: Vec<Victim> = Vec::new();
        for _ in 0..MOST_LISTS {
            let all = procfs::pids().unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot look for what workers left behind");
                Vec::new()
            });
            let mut are_all_known = true;
            for pid in all {
                let looks = looks.entry(pid).or_default();
                if *looks >= LOOKS {
                    continue;
                }
                are_all_known = false;
                match self.kill(pid) {
                    Look::Killed(victim) => {
                        *looks = LOOKS;
                        victims.push(victim);
                    }
                    Look::NotWanted => *looks += 1,
                    Look::Again => {}
                }
            }
            if are_all_known {
                return (victims, true);
            }
        }
        (victims, false)
    }

    /// Kills the process if it carries one of the marks.
    fn kill(&mut self, pid: Pid) -> Look {
        if !is_of_our_user(pid) {
            return Look::NotWanted;
        }
        match WorkerId::carried_by(pid) {
            Some(carried) if self.is_wanted(&carried) => {}
            Some(_) => return Look::NotWanted,
            None => return Look::Again,
        }
        let Some(process) = Pinned::open(pid) else { return Look::NotWanted };
        // The number may have become a stranger's before it was pinned.
        let Some(carried) = WorkerId::carried_by(pid) else { return Look::Again };
        if !self.is_wanted(&carried) {
            return Look::NotWanted;
        }
        if process.kill() {
            for quarry in self.quarries.iter_mut().filter(|quarry| carried.contains(&quarry.id)) {
                quarry.killed.insert(pid);
            }
        }
        Look::Killed(Victim { process, carried })
    }

    fn is_wanted(&self, carried: &[WorkerId]) -> bool {
        self.quarries.iter().any(|quarry| carried.contains(&quarry.id))
    }
}

/// Reading another's environment is refused anyway, and costs more than to ask.
fn is_of_our_user(pid: Pid) -> bool {
    fs::metadata(procfs::directory(pid)).is_ok_and(|process| process.uid() == geteuid().as_raw())
}

fn count(processes: usize) -> u32 {
    u32::try_from(processes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use ostler_wire::env;

    use super::super::test_support::{has_died, within};
    use super::*;

    /// Between two programs a process has no environment for a moment, and is missed by who looks just then.
    #[test]
    fn who_becomes_one_program_after_another_is_found() {
        for _ in 0..100 {
            let id = WorkerId::fresh().unwrap();
            let again = "exec sh -c \"$AGAIN\"";
            let mut command = Command::new("sh");
            command.args(["-c", again]).env("AGAIN", again).env(env::WORKER_ID, id.to_string());
            let mut restless = command.process_group(0).stdin(Stdio::null()).spawn().unwrap();
            let pid = Pid::from_child(&restless);
            within("it is marked", || WorkerId::carried_by(pid).is_some_and(|marks| marks.contains(&id)));
            let mut sweep = Sweep::default();
            sweep.begin(id);
            while !sweep.is_idle() {
                sweep.walk();
            }
            assert!(has_died(&mut restless), "it was missed");
        }
    }
}
