//! What a worker is made of: its program with all that it gets, its pipes, and what becomes of that.

use std::collections::BTreeMap;
use std::ffi::{CString, NulError, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_wire::env;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, getpid, getpriority_process};

use super::clone_child::{self, Nascent, Orders, SharesMemory, Step, StringList};
use super::limit::{self, LimitError};
use super::orphans::Unreaped;
use super::worker_id::WorkerId;
use crate::HostError;
use crate::{WorkerLimits, refusing_limits};

/// What to run.
#[derive(Clone, Debug)]
pub struct SpawnSpec {
    /// The program, not looked for in `PATH`.
    pub program: PathBuf,
    /// What it is called, unless as the program.
    pub arg0: Option<OsString>,
    /// Its arguments behind that.
    pub args: Vec<OsString>,
    /// What its environment has beside the host's, or instead of it; of one name the last counts.
    pub env: Vec<(OsString, OsString)>,
    /// Where it starts, unless where the host is.
    pub directory: Option<PathBuf>,
    /// What it may take.
    pub limits: WorkerLimits,
}

/// A child's captured output.
#[derive(Debug)]
pub struct ChildOutput {
    /// The end of a pipe from which it is read.
    pub stdout: OwnedFd,
    /// The same.
    pub stderr: OwnedFd,
}

/// Why no process runs the worker's program.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// Somebody wanted it dead before it lived.
    #[error("it was killed before it was made")]
    Killed,
    /// What makes workers is gone; it never goes before the process.
    #[error("the supervisor thread is gone")]
    NoSupervisor,
    /// This host can have no workers.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A maker of another kind could not.
    #[error("{0}")]
    Other(String),
    /// One of the limits is refused.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The system takes no zero bytes in texts.
    #[error("its command or its environment has a zero byte in it: {0}")]
    Zero(#[from] NulError),
    /// Its program is not there, or cannot be executed.
    #[error(
        "cannot execute {}: {source}{}", program.display(),
        limits.as_ref().map(|limits| format!(" (its limits: {limits})")).unwrap_or_default()
    )]
    Execute {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
        /// The limits that may be the reason.
        limits: Option<String>,
    },
    /// Its directory is not there, or not for this user.
    #[error("cannot enter the directory {}: {source}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system has not enough of something.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    pub(super) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// A child that is about to be made, until it has executed its program or is gone.
pub(super) struct Launch {
    nascent: Arc<Nascent>,
    /// What the child has copies of.
    theirs: Option<[OwnedFd; 3]>,
    output: Option<ChildOutput>,
    spec: SpawnSpec,
    id: WorkerId,
    /// From before it is made: nobody but the supervisor may reap it.
    unreaped: Unreaped,
    is_released: bool,
}

impl Launch {
    /// If it is made by another thread than the one that waits for it, the child announces itself.
    pub(super) fn new(
        spec: SpawnSpec,
        id: WorkerId,
        announce: Option<BorrowedFd<'_>>,
    ) -> Result<Self, SpawnError> {
        let null = OpenOptions::new().read(true).open("/dev/null");
        let null = null.map_err(SpawnError::system("open /dev/null for its input"))?;
        let (stdout, their_stdout) = pipe()?;
        let (stderr, their_stderr) = pipe()?;
        let theirs = [above_standard(null.into())?, their_stdout, their_stderr];
        let nice = spec.limits.nice.map(libc::c_int::from);
        let orders = Orders {
            program: string(spec.program.clone().into_os_string())?,
            arguments: StringList::new(arguments(&spec)?),
            environment: StringList::new(environment(&spec, id)?),
            directory: spec.directory.clone().map(|path| string(path.into_os_string())).transpose()?,
            standard: theirs.each_ref().map(AsRawFd::as_raw_fd),
            limits: limit::of(&spec.limits, id),
            nice,
            autogroup: nice.or_else(inherited_nice).map(|nice| nice.to_string().into_bytes()),
            announce: announce.map(|descriptor| descriptor.as_raw_fd()),
            host: getpid().as_raw_pid(),
        };
        let nascent = Nascent::new(orders).map_err(SpawnError::system("get memory to make a process"))?;
        let output = Some(ChildOutput { stdout, stderr });
        let unreaped = Unreaped::expect(id);
        let (nascent, theirs) = (Arc::new(nascent), Some(theirs));
        Ok(Self { nascent, theirs, output, spec, id, unreaped, is_released: false })
    }

    pub(super) fn nascent(&self) -> &Arc<Nascent> {
        &self.nascent
    }

    /// Whether the child still has the host's memory.
    pub(super) fn shares_memory(&self) -> SharesMemory {
        self.nascent.shares_memory()
    }

    /// The child once it is made, as a number and as itself, and its output.
    ///
    /// # Errors
    /// It is not made.
    pub(super) fn made(&mut self) -> Option<Result<(Pid, OwnedFd, ChildOutput), SpawnError>> {
        let unmade = SpawnError::system("make a process");
        let pid = match self.nascent.made()? {
            Ok(pid) => pid,
            Err(error) => return Some(Err(unmade(error))),
        };
        // The child has its own.
        self.theirs = None;
        let parts = Pid::from_raw(pid).zip(self.nascent.take_pidfd()).zip(self.output.take());
        let made = parts.map(|((pid, pidfd), output)| (pid, pidfd, output));
        Some(made.ok_or_else(|| unmade(io::Error::other("the kernel gave no descriptor of it"))))
    }

    /// It is made, and has this number.
    pub(super) fn made_as(&mut self, pid: Pid) -> Unreaped {
        self.unreaped.is(pid);
        self.unreaped.take()
    }

    /// Gives back what the child had, as soon as it has its own. Says whether that was done.
    pub(super) fn release(&mut self) -> bool {
        if !self.is_released {
            self.is_released = clone_child::release(&self.nascent);
        }
        self.is_released
    }

    /// Why the program was not executed. Ask once the child is gone, or has let go of the host's memory.
    pub(super) fn failure(&self) -> Option<SpawnError> {
        let (step, source) = self.nascent.failure()?;
        let what = match step {
            Step::Session => "begin a session for it",
            Step::DieWithHost => "see to it that it ends with its host",
            Step::Output => "connect its output",
            Step::Descriptors => "close the host's descriptors in it",
            Step::Nice => return Some(limit::nice_error(&self.spec.limits, source).into()),
            Step::Limit(index) => match limit::error(&self.spec.limits, self.id, index, source) {
                Some(error) => return Some(error.into()),
                None => return None,
            },
            Step::Directory => {
                let directory = self.spec.directory.clone().unwrap_or_default();
                return Some(SpawnError::Directory { directory, source });
            }
            Step::Execute => {
                let SpawnSpec { program, limits, .. } = &self.spec;
                let (program, limits) = (program.clone(), refusing_limits(limits));
                return Some(SpawnError::Execute { program, source, limits });
            }
        };
        Some(SpawnError::System { what, source })
    }

    /// Why the child's claim to processor time is not what was asked for, if it is not.
    pub(super) fn autogroup_failure(&self) -> Option<io::Error> {
        self.nascent.autogroup_failure()
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), SpawnError> {
    let made = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from);
    let (ours, theirs) = made.map_err(SpawnError::system("make a pipe for its output"))?;
    Ok((ours, above_standard(theirs)?))
}

/// A host may have closed its own standard descriptors, and then new ones have their numbers, which the child's are to get.
fn above_standard(descriptor: OwnedFd) -> Result<OwnedFd, SpawnError> {
    if descriptor.as_raw_fd() > 2 {
        return Ok(descriptor);
    }
    let copy = fcntl_dupfd_cloexec(descriptor.as_fd(), 3).map_err(io::Error::from);
    copy.map_err(SpawnError::system("copy a descriptor"))
}

fn arguments(spec: &SpawnSpec) -> Result<Vec<CString>, NulError> {
    let name = spec.arg0.clone().unwrap_or_else(|| spec.program.clone().into_os_string());
    [name].into_iter().chain(spec.args.iter().cloned()).map(string).collect()
}

/// The host's, and on top of it what is given.
fn environment(spec: &SpawnSpec, id: WorkerId) -> Result<Vec<CString>, NulError> {
    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    variables.extend(spec.env.iter().cloned());
    variables.insert(env::WORKER_ID.into(), id.variable());
    let text = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        string(name)
    };
    variables.into_iter().map(text).collect()
}

fn string(text: OsString) -> Result<CString, NulError> {
    CString::new(text.into_vec())
}

/// The host's own niceness, if it has one. Where sessions share the processor evenly, a new one claims as much as any other,
/// whatever its processes inherit: it has to be told.
fn inherited_nice() -> Option<libc::c_int> {
    getpriority_process(None).ok().filter(|&nice| nice != 0)
}
