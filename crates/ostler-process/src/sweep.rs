use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, getpid};

use super::pinned::Pinned;
use super::procfs::{self, Stat};
use super::record_text::Noted;
use super::worker_id::WorkerId;
use crate::say;

/// How long one worker's leftovers are looked for, before it is told what is known by then.
const LONGEST: Duration = Duration::from_secs(1);
/// How long a walk waits for those whom it killed. The next finds who does not die so soon.
const LONGEST_DEATH: Duration = Duration::from_millis(50);

/// How often a walk looks at each process that may be a worker's, each time as another list of all has it. Once may be
/// wrong: who becomes another program just when it is looked at can look like a stranger.
const LOOKS: u32 = 2;
/// How often it asks for the environment of one who has none. Who becomes another program has one soon; who has torn it out
/// never has one again, and then only its other marks speak.
const ASKS: u32 = 10;
/// The pauses between that, the first and the longest.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(4);

/// How often a walk lists all processes. On a busy system somebody always is new.
const MOST_LISTS: u32 = 64;

/// How long it is remembered who is older than the workers that are swept for. A number is not used again so soon.
const MEMORY: Duration = Duration::from_secs(1);

/// What became of the processes that a worker left behind outside of its group.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Swept {
    /// How many were killed.
    pub killed: u32,
    /// How many were still alive after a second of that.
    pub survivors: u32,
    /// Why nobody knows whether that was all: the processes could not be looked at.
    pub unknown: Option<String>,
}

/// A worker that is dead, as far as its leftovers can be known by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dead {
    pub(super) noted: Noted,
    /// Until then at least its number was its own, as [`procfs::now`] tells the time; 0 if that is not known.
    pub(super) reaped: u64,
}

impl Dead {
    /// One of whom only the record is left.
    pub(super) fn on_record(noted: Noted) -> Self {
        Self { noted, reaped: 0 }
    }

    /// When it started; 0 if that is not known, as everybody started after that.
    fn start(&self) -> u64 {
        self.noted.start.unwrap_or(0)
    }

    /// A session has the number of who began it, and keeps that number from being used again. Who was in it when the worker
    /// was not reaped yet was in the worker's; who came later may be in one that a stranger has begun with the number.
    fn has_in_session(&self, stat: &Stat) -> bool {
        let is_of_its_time = self.noted.start.is_some_and(|start| (start..self.reaped).contains(&stat.start));
        let number = self.noted.pid.as_raw_pid();
        // With groups it is the same, but that somebody else may join one. Who is dead joins none.
        is_of_its_time && (stat.session == number || (stat.group == number && !stat.runs()))
    }
}

/// What a walk has come to for one worker.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is done with.
    Done(Swept),
    /// Its time is over and the processes could not be looked at. It is told once, and looked for further.
    Unknown(Swept),
}

/// Kills whatever comes from a dead worker. It is known by two marks, in the environment and in a limit, and by the
/// worker's session. Who has got rid of all three gets away.
///
/// One walk through all processes serves all workers that are swept for. A worker is done with when a walk
/// that began after its death finds nobody: what forks while it is swept for is found by the next. A walk that could not
/// look has not found nobody.
#[derive(Default)]
pub(super) struct Sweep {
    quarries: Vec<Quarry>,
    elders: Elders,
}

struct Quarry {
    dead: Dead,
    deadline: Instant,
    killed: HashSet<Pid>,
    is_told: bool,
}

/// The processes that are older than every worker that is swept for: none of them comes from one.
#[derive(Default)]
struct Elders {
    since: Option<Instant>,
    starts: HashMap<Pid, u64>,
}

/// One who comes from a worker, and was sent a SIGKILL.
struct Victim {
    process: Pinned,
    of: Vec<WorkerId>,
}

/// What came of a look at a process.
enum Look {
    Killed(Victim),
    /// Nobody who matters, now and later.
    Elder(u64),
    NotWanted,
    /// It cannot be told yet whether it carries a mark.
    Again,
}

/// What a walk has found.
struct Found {
    victims: Vec<Victim>,
    /// Whether nobody can have been missed: somebody who forks and ends is gone before it is looked at, and its child was
    /// not there yet.
    is_all: bool,
    /// Why somebody could not be looked at.
    blind: Option<io::Error>,
}

impl Sweep {
    pub(super) fn begin(&mut self, dead: Dead) {
        let deadline = Instant::now() + LONGEST;
        self.quarries.push(Quarry { dead, deadline, killed: HashSet::new(), is_told: false });
    }

    pub(super) fn is_idle(&self) -> bool {
        self.quarries.is_empty()
    }

    /// Walks once through all processes. Returns the workers of which there is something to say, and why the walk has
    /// seen nothing, if it could not look: then the next should not follow at once.
    pub(super) fn walk(&mut self) -> (Vec<(WorkerId, Verdict)>, Option<io::Error>) {
        // A host that did not run meanwhile has looked too late, and not too long: then there is one more walk.
        let began = Instant::now();
        let Found { victims, is_all, blind } = self.kill_all();
        let processes: Vec<_> = victims.iter().map(|victim| &victim.process).collect();
        Pinned::wait_for_all(&processes, LONGEST_DEATH);
        let mut told = Vec::new();
        self.quarries.retain_mut(|quarry| {
            let id = quarry.dead.noted.id;
            let mut left = victims.iter().filter(|victim| victim.of.contains(&id)).peekable();
            let is_over = began >= quarry.deadline;
            if !is_over && (left.peek().is_some() || !is_all) {
                return true;
            }
            let survivors = left.filter(|victim| !victim.process.has_ended()).count();
            let unknown = blind.as_ref().map(ToString::to_string);
            let is_known = unknown.is_none();
            let swept = Swept { killed: count(quarry.killed.len()), survivors: count(survivors), unknown };
            if is_known {
                told.push((id, Verdict::Done(swept)));
            } else if !std::mem::replace(&mut quarry.is_told, true) {
                told.push((id, Verdict::Unknown(swept)));
            }
            !is_known
        });
        (told, blind)
    }

    fn kill_all(&mut self) -> Found {
        let mut found = Found { victims: Vec::new(), is_all: false, blind: None };
        self.elders.forget_after(MEMORY);
        let oldest = self.quarries.iter().map(|quarry| quarry.dead.start()).min().unwrap_or(0);
        let nobody = procfs::kernel_threads().into_iter().chain([getpid()]);
        let mut looks: HashMap<Pid, u32> = nobody.map(|pid| (pid, LOOKS)).collect();
        let mut asks: HashMap<Pid, u32> = HashMap::new();
        let mut pause = FIRST_PAUSE;
        for _ in 0..MOST_LISTS {
            let all = match procfs::pids() {
                Ok(all) => all,
                Err(error) => return Found { blind: Some(error), ..found },
            };
            let (mut are_all_known, mut is_new) = (true, false);
            for pid in all {
                let looks = looks.entry(pid).or_default();
                if *looks >= LOOKS || self.elders.include(pid, oldest) {
                    continue;
                }
                are_all_known = false;
                match self.kill(pid, oldest) {
                    Ok(Look::Killed(victim)) => {
                        *looks = LOOKS;
                        is_new = true;
                        found.victims.push(victim);
                    }
                    Ok(Look::Elder(start)) => self.elders.add(pid, start),
                    Ok(Look::NotWanted) => {
                        *looks += 1;
                        is_new = true;
                    }
                    Ok(Look::Again) => {
                        let asks = asks.entry(pid).or_default();
                        *asks += 1;
                        if *asks >= ASKS {
                            *looks = LOOKS;
                        }
                    }
                    Err(error) => return Found { blind: Some(error), ..found },
                }
            }
            if are_all_known {
                return Found { is_all: true, ..found };
            }
            if !is_new && !asks.is_empty() {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        found
    }

    /// Kills the process if it comes from one of the workers, or reaps it if there is only that left to do, and it is ours.
    fn kill(&mut self, pid: Pid, oldest: u64) -> io::Result<Look> {
        let Some(stat) = Stat::of(pid)? else { return Ok(Look::NotWanted) };
        if stat.start < oldest {
            return Ok(Look::Elder(stat.start));
        }
        match self.workers_of(pid, &stat)? {
            Some(of) if of.is_empty() => return Ok(Look::NotWanted),
            Some(_) => {}
            None => return Ok(Look::Again),
        }
        let Some(process) = Pinned::open(pid)? else { return Ok(Look::NotWanted) };
        // The number may have become a stranger's before it was pinned.
        let Some(stat) = Stat::of(pid)? else { return Ok(Look::NotWanted) };
        let Some(of) = self.workers_of(pid, &stat)? else { return Ok(Look::Again) };
        if of.is_empty() {
            return Ok(Look::NotWanted);
        }
        if !stat.runs() && procfs::live_threads(pid)?.is_empty() {
            // It is dead. If it was left to this process, nobody else will ever reap it.
            if stat.parent == getpid().as_raw_pid() {
                process.reap()?;
            }
            return Ok(Look::NotWanted);
        }
        match process.kill() {
            Ok(true) => {
                for quarry in self.quarries.iter_mut().filter(|quarry| of.contains(&quarry.dead.noted.id)) {
                    quarry.killed.insert(pid);
                }
            }
            Ok(false) => {}
            // It lives on, and is counted so.
            Err(error) => say!(warn, pid = pid.as_raw_pid(), %error, "cannot end what a worker left"),
        }
        Ok(Look::Killed(Victim { process, of }))
    }

    /// From which of the workers it comes, if from any. `None` if that cannot be told yet.
    fn workers_of(&self, pid: Pid, stat: &Stat) -> io::Result<Option<Vec<WorkerId>>> {
        // What was started before the worker does not come from it, whatever it carries.
        let quarries =
            || self.quarries.iter().map(|quarry| &quarry.dead).filter(|dead| dead.start() <= stat.start);
        let limit = procfs::locks_limit(pid)?;
        let mut of: Vec<WorkerId> = quarries()
            .filter(|dead| {
                dead.has_in_session(stat) || (limit.is_some() && dead.noted.id.locks_limit() == limit)
            })
            .map(|dead| dead.noted.id)
            .collect();
        match WorkerId::carried_by(pid, stat)? {
            Some(carried) => {
                let carried = quarries().map(|dead| dead.noted.id).filter(|id| carried.contains(id));
                of.extend(carried.filter(|id| !of.contains(id)).collect::<Vec<_>>());
            }
            None if of.is_empty() => return Ok(None),
            None => {}
        }
        Ok(Some(of))
    }
}

impl Elders {
    fn forget_after(&mut self, memory: Duration) {
        let now = Instant::now();
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= memory) {
            self.since = Some(now);
            // What was needed once may be much.
            self.starts = HashMap::new();
        }
    }

    fn include(&self, pid: Pid, oldest: u64) -> bool {
        self.starts.get(&pid).is_some_and(|start| *start < oldest)
    }

    fn add(&mut self, pid: Pid, start: u64) {
        self.starts.insert(pid, start);
    }
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

    use super::super::test_support::{has_died, unknown, within};
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
            let is_marked = || {
                let stat = Stat::of(pid).unwrap().unwrap();
                WorkerId::carried_by(pid, &stat).unwrap().is_some_and(|marks| marks.contains(&id))
            };
            within("it is marked", is_marked);
            let mut sweep = Sweep::default();
            sweep.begin(unknown(id));
            while !sweep.is_idle() {
                sweep.walk();
            }
            assert!(has_died(&mut restless), "it was missed");
        }
    }

    /// Beside ten thousand processes most are older than any worker. They are looked at once for all who die within a second.
    #[test]
    fn who_is_older_than_the_worker_is_looked_at_once_and_spared() {
        let id = WorkerId::fresh().unwrap();
        let mut elder = Command::new("sleep");
        let mut elder = elder.arg("1000").env(env::WORKER_ID, id.to_string()).spawn().unwrap();
        let pid = Pid::from_child(&elder);
        let start = Stat::of(pid).unwrap().unwrap().start;
        let dead = |start| {
            let unknown = unknown(id);
            Dead { noted: Noted { start, ..unknown.noted }, ..unknown }
        };
        let mut sweep = Sweep::default();
        for _ in 0..2 {
            sweep.begin(dead(Some(start + 1)));
            while !sweep.is_idle() {
                sweep.walk();
            }
            // What its end costs is nothing: it is remembered.
            assert_eq!(sweep.elders.starts.get(&pid), Some(&start));
            assert!(sweep.elders.include(pid, start + 1) && !sweep.elders.include(pid, start));
        }
        assert!(elder.try_wait().unwrap().is_none(), "one that cannot come from the worker was hit");
        // Whom a younger worker cannot have started, an older one can.
        sweep.begin(dead(Some(start)));
        while !sweep.is_idle() {
            sweep.walk();
        }
        assert!(has_died(&mut elder));
        sweep.elders.forget_after(Duration::ZERO);
        assert!(sweep.elders.starts.is_empty());
    }
}
