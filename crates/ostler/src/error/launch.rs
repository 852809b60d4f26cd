use std::fmt;
use std::io;
use std::path::PathBuf;

use ostler_lifecycle::ExitStatus;
use ostler_process::HostError;

use super::HookPanicked;
use crate::PluginId;

use crate::integration::RegistryError;

/// Why a manager cannot be launched.
#[derive(thiserror::Error)]
pub enum LaunchError {
    /// A value in [`WorkerConfig`](crate::WorkerConfig) is out of bounds.
    #[error("invalid worker config: {field} must be {bound}")]
    InvalidConfig {
        /// The field.
        field: &'static str,
        /// What it may be.
        bound: String,
    },
    /// This process was itself started as a worker.
    #[error(
        "this process was started as a worker, but got as far as launching a manager: \
         call ostler::worker::run_if_worker first in main (a test program says ostler::worker::worker_in_tests! instead)"
    )]
    InsideWorker,
    /// There is no runtime to work on.
    #[error("a manager needs a tokio runtime with I/O and time enabled: launch it from within one")]
    NoRuntime,
    /// The system has no thread for what the integrations are told.
    #[error("cannot start a thread for the host's integrations")]
    Thread(#[source] io::Error),
    /// A hook of the host panicked.
    #[error(transparent)]
    HookPanicked(#[from] HookPanicked),
    /// This process is in no state to have workers.
    #[error("no manager can work in this process: {0}")]
    Host(#[from] HostError),
    /// The worker's program cannot be run.
    #[error("the worker cannot be started: {0}")]
    Command(#[from] CommandError),
    /// The registry has no configuration for a plugin.
    #[error("the plugins cannot be configured: {0}")]
    Registry(#[from] RegistryError),
    /// What the host gave as a plugin's configuration is not the fields of one.
    #[error("the configuration of plugin {plugin} cannot be used: {source}")]
    PluginConfig {
        /// The plugin.
        plugin: String,
        /// What was wrong.
        source: InvalidPluginConfig,
    },
    /// A worker loads each plugin once, so two ids of a registry cannot give the same plugin two configurations: jobs of one
    /// would silently run with the configuration of the other.
    #[error(
        "the registry's plugins {first} and {second} are both the plugin `{name}`, with different configurations: give them \
         the same one, or register the plugin under two names, or launch a manager for each"
    )]
    TwoConfigs {
        /// What workers call the plugin.
        name: String,
        /// The id of the one.
        first: PluginId,
        /// The id of the other.
        second: PluginId,
    },
    /// The configurations do not fit into the frame that tells a worker to load its plugins.
    #[error(
        "the configurations of the plugins are too large: {size} bytes, limit {limit} (WorkerConfig::max_frame_bytes \
         less the frame's own part); the largest is that of {plugin}"
    )]
    PluginConfigTooLarge {
        /// The plugin with the largest one.
        plugin: String,
        /// What they weigh together, in bytes.
        size: usize,
        /// What fits.
        limit: usize,
    },
    /// The worker's program did not become a worker.
    #[error(transparent)]
    WorkerStart(#[from] Box<WorkerStartError>),
    /// The restart budget is spent already.
    #[error("no worker is available: {0}")]
    Down(ostler_lifecycle::DownReason),
    /// The manager was shut down meanwhile.
    #[error("the manager is shut down")]
    ShutDown,
}

/// A value is no configuration of a plugin.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPluginConfig {
    /// It cannot be written as JSON.
    #[error("it cannot be written as JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// In JSON it is something else than an object.
    #[error("in JSON it must be an object or null, and is {0}")]
    NotAnObject(&'static str),
}

/// Why a worker's program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It is not there.
    #[error("cannot find the worker program {}", program.display())]
    Missing {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It has no slash in it, and is in no directory of `PATH`.
    #[error("cannot find the worker program {} in PATH", program.display())]
    NotInPath {
        /// The program.
        program: PathBuf,
    },
    /// It is there, but may not be run.
    #[error("cannot execute the worker program {}: it must be a file that has the x permission", program.display())]
    NotExecutable {
        /// The program.
        program: PathBuf,
    },
    /// The directory in which it is to run is not there.
    #[error("cannot start the worker in {}: there is no such directory", directory.display())]
    NoDirectory {
        /// What [`WorkerCommand::current_dir`](crate::WorkerCommand::current_dir) was given.
        directory: PathBuf,
    },
    /// The stock worker is not installed.
    #[error(
        "cannot find ostler-worker (looked at {}); install it with `cargo install --path bin/ostler-worker`, \
         or point OSTLER_WORKER at it",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    StockNotFound {
        /// Where it might have been.
        looked: Vec<PathBuf>,
    },
}

/// How a worker ended before it was ready.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkerStartError {
    /// What was run.
    pub command: String,
    /// Its process, if it came that far.
    pub pid: Option<u32>,
    /// What happened, as the rest of a sentence that begins with "it".
    pub cause: String,
    /// How the process ended.
    pub status: ExitStatus,
    /// The last lines that it wrote to stderr.
    pub stderr_tail: String,
}

impl fmt::Display for WorkerStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker `{}` did not become ready: it {}", self.command, self.cause)?;
        if self.was_ended_by_host() {
            return self.write_stderr(f, "");
        }
        if !matches!(self.status, ExitStatus::Unknown) && !self.cause.contains(&self.status.describe()) {
            write!(f, " ({})", self.status)?;
        }
        // A worker exits with 0 only when its host says so.
        if self.status == ExitStatus::Code(0) {
            f.write_str(
                "; perhaps it is not an Ostler worker, or its main does not begin with run_if_worker",
            )?;
        }
        // Without a process, or one that never ran its program, there was nobody who could have written.
        let could_write = self.pid.is_some() && self.status != ExitStatus::Unknown;
        self.write_stderr(f, if could_write { "; it wrote nothing to stderr" } else { "" })
    }
}

impl WorkerStartError {
    /// A kill that the cause does not speak of was ours, and says nothing about the worker.
    fn was_ended_by_host(&self) -> bool {
        matches!(self.status, ExitStatus::Signal { number: libc::SIGKILL, .. })
            && !self.cause.contains("SIGKILL")
    }

    fn write_stderr(&self, f: &mut fmt::Formatter<'_>, if_empty: &str) -> fmt::Result {
        match self.stderr_tail.trim_end() {
            "" => f.write_str(if_empty),
            tail => write!(f, "; the end of its stderr:\n{tail}"),
        }
    }
}

impl std::error::Error for WorkerStartError {}
