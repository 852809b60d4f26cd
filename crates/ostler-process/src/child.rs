use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::ExitStatus;
use rustix::process::Pid;

use super::exit::ChildExit;
use super::group::Leader;
use super::life::Life;
use super::oom::{OomBaseline, OomWatch};
use super::orphans::Unreaped;
use super::pidfd::{self, Remains, Standing};
use super::procfs::{self, Stat};
use super::record_text::Noted;
use super::spawn::Launch;
use super::sweep::Dead;
use super::worker_id::WorkerId;
use crate::say;

/// The pauses between looks at one that cannot be reaped, or whose group does not empty.
const SOONEST_LOOK: Duration = Duration::from_millis(1);
const LATEST_LOOK: Duration = Duration::from_secs(1);

/// A child of this process and the group that it leads. Only the supervisor's thread has one.
pub(super) struct Child {
    leader: Leader,
    noted: Noted,
    life: Arc<Life>,
    made_at: Instant,
    before: OomBaseline,
    /// Until then at least it was not reaped, see [`Dead`].
    reaped: u64,
    /// Held as long as it is only the supervisor's to reap.
    unreaped: Unreaped,
    stage: Stage,
    /// Until it has executed its program.
    launch: Option<Launch>,
    /// When to look at it, if nothing tells of its end.
    look: Option<Instant>,
}

/// How long nobody looks at a child of whose end nothing tells.
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub(super) struct Made {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) at: Instant,
}

enum Stage {
    Alive,
    /// Ended, and kept by another process that traces its first thread: it cannot be reaped before that lets go of it.
    Held {
        wait: Duration,
        next_look: Instant,
    },
    /// Reaped; others of its group still end.
    Emptying {
        exit: ChildExit,
        wait: Duration,
        next_look: Instant,
    },
    Gone,
}

impl Child {
    /// A process that was just made.
    pub(super) fn new(
        id: WorkerId,
        made: Made,
        life: Arc<Life>,
        before: OomBaseline,
        mut launch: Launch,
    ) -> Self {
        let Made { pid, pidfd, at } = made;
        let unreaped = launch.made_as(pid);
        let noted = Noted { pid, start: started(pid), id };
        let leader = Leader::new(pid, pidfd);
        life.begin(leader.clone(), Some(launch.shares_memory()));
        Self {
            leader,
            noted,
            life,
            made_at: at,
            before,
            reaped: 0,
            unreaped,
            stage: Stage::Alive,
            launch: Some(launch),
            look: None,
        }
    }

    /// By what its leftovers are known. Ask once it is gone.
    pub(super) fn dead(&self) -> Dead {
        Dead { noted: self.noted, reaped: self.reaped }
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.leader.pidfd().as_fd()
    }

    /// Lets go of what it needed until it had executed its program. Says whether that is done, or is to be done once it has
    /// ended.
    pub(super) fn release(&mut self) -> bool {
        let Some(launch) = &mut self.launch else { return true };
        if !launch.release() {
            return false;
        }
        if let Some(error) = launch.autogroup_failure() {
            let pid = self.leader.pid().as_raw_pid();
            say!(warn, %error, pid, "a worker's share of the processor is not what its niceness says");
        }
        // Why it failed is told with its end.
        self.launch.take_if(|launch| launch.failure().is_none());
        true
    }

    /// To be called once nobody waits for it to be made.
    pub(super) fn note_oom_kills(&mut self) {
        self.before.count();
    }

    /// What a later host knows it by.
    pub(super) fn noted(&self) -> Noted {
        self.noted
    }

    /// What becomes readable when the child ends; nothing once it has.
    pub(super) fn exit_event(&self) -> Option<BorrowedFd<'_>> {
        matches!(self.stage, Stage::Alive).then(|| self.leader.pidfd().as_fd())
    }

    /// Nothing will tell of its end, so it is looked at from time to time.
    pub(super) fn look_often(&mut self, now: Instant) {
        self.look = Some(now + BETWEEN_LOOKS);
    }

    /// When to look again, if it cannot be reaped, its group is not empty yet, or nothing tells of its end.
    pub(super) fn next_look(&self) -> Option<Instant> {
        match self.stage {
            Stage::Held { next_look, .. } | Stage::Emptying { next_look, .. } => Some(next_look),
            Stage::Alive => self.look,
            Stage::Gone => None,
        }
    }

    pub(super) fn kill(&self) {
        // Why it could not be is kept, for whoever asks later.
        let _ = self.life.kill();
    }

    /// Takes the next step towards the end: reaps the leader once it has ended and its group was killed, then
    /// waits for the group. The exit is handed out, once, when nobody of the group runs. Whether the leader has ended may not be
    /// known.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        has_ended: bool,
        watch: &mut OomWatch,
    ) -> Option<ChildExit> {
        let held_for = match self.stage {
            Stage::Alive => Some(Duration::ZERO),
            Stage::Held { wait, next_look } if next_look <= now => Some(wait),
            _ => None,
        };
        if let Some(held_for) = held_for {
            let has_ended = has_ended || matches!(self.stage, Stage::Held { .. });
            let reaped = procfs::now();
            let Some(exit) = self.reap(now, has_ended, watch) else {
                if has_ended {
                    // Its end can be seen all the time: to wait for it would not be to wait.
                    let wait = (held_for * 2).clamp(SOONEST_LOOK, LATEST_LOOK);
                    self.stage = Stage::Held { wait, next_look: now + wait };
                } else if self.look.is_some() {
                    self.look_often(now);
                }
                return None;
            };
            // If somebody else has reaped it, nobody knows when.
            self.reaped = if exit.status == ExitStatus::Unknown { 0 } else { reaped };
            self.unreaped.end();
            self.stage = Stage::Emptying { exit, wait: Duration::from_micros(250), next_look: now };
        }
        let Stage::Emptying { exit, wait, next_look } = &mut self.stage else { return None };
        if *next_look > now {
            return None;
        }
        if self.leader.group_is_empty(exit.status != ExitStatus::Unknown) {
            let Stage::Emptying { exit, .. } = std::mem::replace(&mut self.stage, Stage::Gone) else {
                return None;
            };
            return Some(exit);
        }
        // Who does not die at once may never: the look costs a walk through all processes.
        *wait = (*wait * 2).min(LATEST_LOOK);
        *next_look = now + *wait;
        None
    }

    fn reap(&mut self, now: Instant, has_ended: bool, watch: &mut OomWatch) -> Option<ChildExit> {
        let leader = &self.leader;
        let (remains, killed) = self.life.end(|| end(leader, has_ended))?;
        let failure = self.launch.take().and_then(|mut launch| {
            // Dead, it has let go of everything.
            launch.release();
            launch.failure()
        });
        let never_ran = failure.is_some() || killed.is_some_and(|killed| killed.before_program);
        let Remains { status, cpu_time, peak_memory } = remains;
        let was_killed = matches!(status, ExitStatus::Signal { number: libc::SIGKILL, .. });
        let by_other = was_killed && killed.is_none();
        Some(ChildExit {
            status,
            cpu_time,
            // Before the program, it is the host's memory that is counted.
            peak_memory: if never_ran { 0 } else { peak_memory },
            killed_at: killed.map(|killed| killed.at),
            uptime: now.saturating_duration_since(self.made_at),
            oom: if by_other { watch.evidence(self.leader.pid().as_raw_pid(), &self.before) } else { None },
            failure: failure.map(Arc::new),
        })
    }
}

/// When it started. Nobody has reaped it, so the number is its own.
fn started(pid: Pid) -> Option<u64> {
    let stat = Stat::of(pid).unwrap_or_else(|error| {
        say!(warn, pid = pid.as_raw_pid(), %error,
            "cannot look at a new worker: after this host's death it is known by its marks alone"
        );
        None
    });
    stat.map(|stat| stat.start)
}

/// Reaps the leader if it has ended, after the rest of its group was killed.
fn end(leader: &Leader, has_ended: bool) -> Option<Remains> {
    let nobody_knows = Remains { status: ExitStatus::Unknown, cpu_time: Duration::ZERO, peak_memory: 0 };
    match pidfd::standing(leader.pidfd()) {
        Ok(Standing::Runs) if !has_ended => return None,
        // While it is a zombie, also an old kernel knows the group by its number. One that is traced seems to run.
        Ok(Standing::Runs | Standing::Ended | Standing::Reaped) => {
            if let Err(error) = leader.kill_group() {
                say!(warn, %error, pid = leader.pid().as_raw_pid(), "what a worker left in its group cannot be killed");
            }
        }
        Err(error) => {
            say!(error, %error, pid = leader.pid().as_raw_pid(), "a worker cannot be looked at");
            // Whoever closed our descriptors has not reaped our child. If somebody did that too, nobody knows.
            return pidfd::try_reap_by_number(leader.pid()).unwrap_or(Some(nobody_knows));
        }
    }
    match pidfd::try_reap(leader.pidfd()) {
        Ok(remains) => remains,
        Err(error) => {
            say!(warn, %error, pid = leader.pid().as_raw_pid(),
                "how a worker ended is not known: the host ignores SIGCHLD, or waits for any child and not only its own"
            );
            Some(nobody_knows)
        }
    }
}
