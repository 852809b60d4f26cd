use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use ostler_process::{SpawnSpec, WorkerLimits};
use rustix::fs::{Access, access};

use crate::error::CommandError;

/// How a worker process is started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerCommand {
    program: Program,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Program {
    CurrentExe,
    Path(PathBuf),
    Stock,
}

impl WorkerCommand {
    /// The host's own executable again. Its `main` must begin with
    /// [`run_if_worker`](crate::worker::run_if_worker). A test program, which has a `main` of its own, says
    /// [`worker_in_tests!`](crate::worker::worker_in_tests) instead. A rebuild on disk changes nothing for a running host.
    pub fn current_exe() -> Self {
        Self::of(Program::CurrentExe)
    }

    /// A worker binary: a path, or a name to look for in `PATH`. A relative path starts at the host's directory, as it
    /// is when the manager is launched, whatever the worker's directory is; so do relative entries of `PATH`.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self::of(Program::Path(path.into()))
    }

    /// The `ostler-worker` binary with the built-in plugins: from the variable `OSTLER_WORKER`, else beside the
    /// host's executable, else in `PATH`.
    pub fn stock() -> Self {
        Self::of(Program::Stock)
    }

    fn of(program: Program) -> Self {
        Self { program, args: Vec::new(), env: Vec::new(), directory: None }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable of the worker; the host's others are inherited.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets the worker's working directory; else it is the host's. A relative one starts at the host's, as it is when
    /// the manager is launched. Where the program is looked for does not depend on it.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Finds the program and checks that it can be run.
    pub(crate) fn resolve(&self) -> Result<SpawnSpec, CommandError> {
        let (program, arg0) = match &self.program {
            // The child's own link, followed before it becomes something else: it works after the file is gone.
            Program::CurrentExe => (PathBuf::from("/proc/self/exe"), std::env::args_os().next()),
            Program::Path(path) => (find(path)?, None),
            Program::Stock => (find_stock()?, None),
        };
        let directory = self.directory.as_deref().map(existing_directory).transpose()?;
        Ok(SpawnSpec {
            program,
            arg0,
            args: self.args.clone(),
            env: self.env.clone(),
            directory,
            limits: WorkerLimits::default(),
        })
    }
}

impl fmt::Display for WorkerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.program {
            Program::CurrentExe => match std::env::current_exe() {
                Ok(path) => write!(f, "{}", path.display())?,
                Err(_) => f.write_str("/proc/self/exe")?,
            },
            Program::Path(path) => write!(f, "{}", path.display())?,
            Program::Stock => f.write_str(STOCK)?,
        }
        self.args.iter().try_for_each(|arg| write!(f, " {}", arg.display()))
    }
}

const STOCK: &str = "ostler-worker";
const STOCK_VARIABLE: &str = "OSTLER_WORKER";

fn find(path: &Path) -> Result<PathBuf, CommandError> {
    if path.components().count() > 1 || path.is_absolute() {
        return runnable(path);
    }
    let candidates = in_path(path.as_os_str());
    candidates
        .iter()
        .find_map(|candidate| runnable(candidate).ok())
        .ok_or_else(|| CommandError::NotInPath { program: path.to_owned() })
}

fn find_stock() -> Result<PathBuf, CommandError> {
    if let Some(path) = std::env::var_os(STOCK_VARIABLE) {
        return runnable(Path::new(&path));
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(STOCK)));
    let candidates: Vec<PathBuf> = beside.into_iter().chain(in_path(OsStr::new(STOCK))).collect();
    candidates
        .iter()
        .find_map(|candidate| runnable(candidate).ok())
        .ok_or(CommandError::StockNotFound { looked: candidates })
}

fn in_path(name: &OsStr) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory| directory.join(name)).collect()
}

/// Checked here: else the system's error looks as if the program was missing.
fn existing_directory(directory: &Path) -> Result<PathBuf, CommandError> {
    match std::path::absolute(directory) {
        Ok(absolute) if absolute.is_dir() => Ok(absolute),
        _ => Err(CommandError::NoDirectory { directory: directory.to_owned() }),
    }
}

/// The program by a path that means the same in the worker's directory, and after the host has gone to another one.
fn runnable(path: &Path) -> Result<PathBuf, CommandError> {
    let program = path.to_owned();
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(source) => return Err(CommandError::Missing { program, source }),
    };
    if !metadata.is_file() || access(path, Access::EXEC_OK).is_err() {
        return Err(CommandError::NotExecutable { program });
    }
    std::path::absolute(path).map_err(|source| CommandError::Missing { program, source })
}
