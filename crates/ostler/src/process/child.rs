use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::ExitStatus;
use ostler_wire::env;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::exit::ChildExit;
use super::group;
use super::life::Life;
use super::oom::{OomBaseline, OomWatch};
use super::procfs::Stat;
use super::reap::try_reap;
use super::record_text::Noted;
use super::worker_id::WorkerId;
use crate::limits::WorkerLimits;

/// The pauses between looks at one that cannot be reaped, or whose group does not empty.
const SOONEST_LOOK: Duration = Duration::from_millis(1);
const LATEST_LOOK: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct SpawnSpec {
    pub(crate) program: PathBuf,
    pub(crate) arg0: Option<OsString>,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) limits: WorkerLimits,
}

/// A child's captured output.
#[derive(Debug)]
pub(crate) struct ChildOutput {
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// A child of this process and the group that it leads. Only the supervisor's thread has one.
pub(super) struct Child {
    pid: Pid,
    id: WorkerId,
    pidfd: OwnedFd,
    life: Arc<Life>,
    made_at: Instant,
    before: OomBaseline,
    stage: Stage,
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
    pub(super) fn spawn(
        spec: &SpawnSpec,
        life: Arc<Life>,
        watch: &mut OomWatch,
    ) -> io::Result<(Self, ChildOutput)> {
        let id = WorkerId::fresh()?;
        let before = watch.baseline();
        let made_at = Instant::now();
        let mut child = command(spec, id).spawn()?;
        let pid = Pid::from_child(&child);
        watch.made(pid.as_raw_pid());
        let output = match (child.stdout.take(), child.stderr.take()) {
            (Some(stdout), Some(stderr)) => Ok(ChildOutput { stdout: stdout.into(), stderr: stderr.into() }),
            _ => Err(io::Error::other("the child has no output pipes")),
        };
        // Nobody else reaps our children, so the number is still this child's.
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from);
        let (output, pidfd) = match output.and_then(|output| Ok((output, pidfd?))) {
            Ok(parts) => parts,
            Err(error) => {
                group::kill(pid);
                let _ = child.wait();
                return Err(error);
            }
        };
        life.begin(pid);
        Ok((Self { pid, id, pidfd, life, made_at, before, stage: Stage::Alive }, output))
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn id(&self) -> WorkerId {
        self.id
    }

    /// To be called once nobody waits for it to be made.
    pub(super) fn note_oom_kills(&mut self) {
        self.before.count();
    }

    /// What a later host knows it by. Ask before it is reaped: then the number may be another's.
    pub(super) fn noted(&self) -> Option<Noted> {
        let start = Stat::of(self.pid)?.start;
        Some(Noted { pid: self.pid, start, id: self.id })
    }

    /// What becomes readable when the child ends; nothing once it has.
    pub(super) fn exit_event(&self) -> Option<BorrowedFd<'_>> {
        matches!(self.stage, Stage::Alive).then(|| self.pidfd.as_fd())
    }

    /// When to look again, if it cannot be reaped or the group is not empty yet.
    pub(super) fn next_look(&self) -> Option<Instant> {
        match self.stage {
            Stage::Held { next_look, .. } | Stage::Emptying { next_look, .. } => Some(next_look),
            Stage::Alive | Stage::Gone => None,
        }
    }

    pub(super) fn kill(&self) {
        self.life.kill();
    }

    /// Takes the next step towards the end: reaps the leader once it has ended and its group was killed, then
    /// waits for the group. The exit is handed out, once, when nobody of the group runs.
    pub(super) fn advance(&mut self, now: Instant, watch: &mut OomWatch) -> Option<ChildExit> {
        let held_for = match self.stage {
            Stage::Alive => Some(Duration::ZERO),
            Stage::Held { wait, next_look } if next_look <= now => Some(wait),
            _ => None,
        };
        if let Some(held_for) = held_for {
            // The leader is a zombie by now, so the number of the group is still its own.
            group::kill(self.pid);
            let Some(exit) = self.reap(now, watch) else {
                // Its end can be seen all the time: to wait for it would not be to wait.
                let wait = (held_for * 2).clamp(SOONEST_LOOK, LATEST_LOOK);
                self.stage = Stage::Held { wait, next_look: now + wait };
                return None;
            };
            self.stage = Stage::Emptying { exit, wait: Duration::from_micros(250), next_look: now };
        }
        let Stage::Emptying { wait, next_look, .. } = &mut self.stage else { return None };
        if *next_look > now {
            return None;
        }
        if group::is_empty(self.pid) {
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

    fn reap(&self, now: Instant, watch: &mut OomWatch) -> Option<ChildExit> {
        let (remains, killed_at) = self.life.end(|| try_reap(self.pid))?;
        let was_killed = matches!(remains.status, ExitStatus::Signal { number: libc::SIGKILL, .. });
        let by_other = was_killed && killed_at.is_none();
        Some(ChildExit {
            status: remains.status,
            cpu_time: remains.cpu_time,
            peak_memory: remains.peak_memory,
            killed_at,
            uptime: now.saturating_duration_since(self.made_at),
            oom: if by_other { watch.evidence(self.pid.as_raw_pid(), &self.before) } else { None },
        })
    }
}

fn command(spec: &SpawnSpec, id: WorkerId) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .env(env::WORKER_ID, id.variable())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(name) = &spec.arg0 {
        command.arg0(name);
    }
    if let Some(directory) = &spec.directory {
        command.current_dir(directory);
    }
    command
}
