//! The command line as a child process, and what it leaves behind.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that has no deadline of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command line to its end.
#[track_caller]
pub(crate) fn ostler(args: &[&str]) -> Output {
    command(args).output().expect("the binary runs")
}

/// The command line with nothing to read.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostler"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("OSTLER_LOG");
    command
}

/// A running command line. Its processes, workers included, carry a mark in their environment.
pub(crate) struct Host {
    child: Option<Child>,
    pub(crate) pid: u32,
    mark: String,
    /// Its records are its own: no other test's command finds what it leaves when it is killed, and says so.
    _records: TempDir,
}

impl Host {
    pub(crate) fn start(mut command: Command) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let records = tempfile::tempdir().unwrap();
        command.env("OSTLER_TEST_MARK", &mark).env("XDG_RUNTIME_DIR", records.path());
        let child = command.process_group(0).spawn().expect("the binary runs");
        let pid = child.id();
        Self { child: Some(child), pid, mark, _records: records }
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.as_mut().unwrap().stdin.take().unwrap()
    }

    pub(crate) fn stdout(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.child.as_mut().unwrap().stdout.take().unwrap())
    }

    pub(crate) fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.child.as_mut().unwrap().stderr.take().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid.cast_signed()), signal).unwrap();
    }

    /// All processes of this command line that are not dead.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let entry = format!("OSTLER_TEST_MARK={}\0", self.mark);
        let is_ours = |pid: &u32| {
            // The environment of a zombie is empty.
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.windows(entry.len()).any(|window| window == entry.as_bytes()))
        };
        let pids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }

    /// The processes that are not the host itself.
    pub(crate) fn workers(&self) -> Vec<u32> {
        self.processes().into_iter().filter(|pid| *pid != self.pid).collect()
    }

    /// The only worker.
    #[track_caller]
    pub(crate) fn worker(&self) -> u32 {
        let workers = self.workers();
        assert_eq!(workers.len(), 1);
        workers[0]
    }

    /// The largest size that the host has had in memory, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Waits for the host's end and returns its exit code.
    #[track_caller]
    pub(crate) fn exit_code(&mut self, within: Duration) -> Option<i32> {
        self.end(within).code()
    }

    #[track_caller]
    pub(crate) fn end(&mut self, within: Duration) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let (done, status) = mpsc::channel();
        std::thread::spawn(move || done.send(child.wait().unwrap()));
        status.recv_timeout(within).expect("the command ends in time")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A test that failed must leave nothing; one that passed finds nothing here.
        for pid in self.processes() {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

/// Looks until the condition holds.
#[track_caller]
pub(crate) fn until(deadline: Instant, what: &str, mut condition: impl FnMut() -> bool) {
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// Ends a process by a signal. One that has a handler for it may need more than one.
#[track_caller]
pub(crate) fn strike(pid: u32, signal: Signal) {
    let process = Pid::from_raw(pid.cast_signed());
    // A process gives back its memory before its files: only when no other thread is left are these closed.
    let is_dead = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains("\nState:\tZ") && status.contains("\nThreads:\t1\n")
    };
    until(Instant::now() + PATIENCE, "the process is dead", || kill(process, signal).is_err() || is_dead());
}

/// A file that keeps the plugin `digest` busy for as long as the test wants.
pub(crate) struct Fifo(PathBuf);

impl Fifo {
    pub(crate) fn new(directory: &Path) -> Self {
        let path = directory.join("fifo");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Returns when the plugin has begun to read; it ends when all that this has returned is dropped.
    #[must_use]
    #[track_caller]
    pub(crate) fn wait_for_reader(&self) -> File {
        let mut options = fs::OpenOptions::new();
        options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let mut writer = None;
        until(Instant::now() + PATIENCE, "the plugin reads", || {
            writer = match options.open(&self.0) {
                Ok(file) => Some(file),
                Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => None,
                Err(error) => panic!("{error}"),
            };
            writer.is_some()
        });
        let writer = writer.unwrap();
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        writer
    }
}

/// The next line, as JSON.
#[track_caller]
pub(crate) fn next_line(reader: &mut impl BufRead) -> Value {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

/// Reads up to the line in which the text is, and returns that line.
#[track_caller]
pub(crate) fn line_with(reader: &mut impl BufRead, text: &str) -> String {
    let mut lines = String::new();
    loop {
        let start = lines.len();
        assert!(reader.read_line(&mut lines).unwrap() > 0, "no {text:?} in {lines:?}");
        if lines[start..].contains(text) {
            return lines[start..].trim_end().to_owned();
        }
    }
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}
