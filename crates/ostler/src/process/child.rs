use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::group;
use super::reap::{Remains, try_reap};

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct SpawnSpec {
    pub(crate) program: PathBuf,
    pub(crate) arg0: Option<OsString>,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) directory: Option<PathBuf>,
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
    pidfd: OwnedFd,
    stage: Stage,
}

enum Stage {
    Alive,
    /// Reaped; others of its group still end.
    Emptying {
        remains: Remains,
        wait: Duration,
        next_look: Instant,
    },
}

impl Child {
    pub(super) fn spawn(spec: &SpawnSpec) -> io::Result<(Self, ChildOutput)> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.args)
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
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
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        // Nobody else reaps our children, so the number is still this child's.
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                group::kill(pid);
                let _ = child.wait();
                return Err(error.into());
            }
        };
        let output = match (child.stdout.take(), child.stderr.take()) {
            (Some(stdout), Some(stderr)) => ChildOutput { stdout: stdout.into(), stderr: stderr.into() },
            _ => return Err(io::Error::other("the child has no output pipes")),
        };
        Ok((Self { pid, pidfd, stage: Stage::Alive }, output))
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// What becomes readable when the child ends; nothing once it has.
    pub(super) fn exit_event(&self) -> Option<BorrowedFd<'_>> {
        matches!(self.stage, Stage::Alive).then(|| self.pidfd.as_fd())
    }

    /// When to look again, if the group is not empty yet.
    pub(super) fn next_look(&self) -> Option<Instant> {
        match self.stage {
            Stage::Alive => None,
            Stage::Emptying { next_look, .. } => Some(next_look),
        }
    }

    pub(super) fn kill(&self) {
        if matches!(self.stage, Stage::Alive) {
            group::kill(self.pid);
        }
    }

    /// Takes the next step towards the end: reaps the leader once it has ended and its group was killed, then
    /// waits for the group. What remains is handed out once nobody of the group runs.
    pub(super) fn advance(&mut self, now: Instant) -> Option<Remains> {
        if matches!(self.stage, Stage::Alive) {
            // The leader is a zombie by now, so the number of the group is still its own.
            group::kill(self.pid);
            let remains = try_reap(self.pid)?;
            self.stage = Stage::Emptying { remains, wait: Duration::from_micros(250), next_look: now };
        }
        let Stage::Emptying { remains, wait, next_look } = &mut self.stage else { return None };
        if *next_look > now {
            return None;
        }
        if group::is_empty(self.pid) {
            return Some(*remains);
        }
        // Who does not die at once may never: the look costs a walk through all processes.
        *wait = (*wait * 2).min(Duration::from_secs(1));
        *next_look = now + *wait;
        None
    }
}
