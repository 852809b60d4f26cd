//! The supervisor and the housekeeper with real processes.
#![expect(clippy::unwrap_used)]

mod evidence;
mod launching;
mod limits;
mod orphans;
mod records;
mod signals;
mod strangers;
mod supervision;
mod sweeping;
mod tracer;

use std::fs;

use rustix::process::Pid;
use tokio::sync::oneshot;

use super::process_group::ProcessGroup;
use super::random::{hex, random};
use super::sweep::Swept;
use super::test_support::within;
use super::{ChildExit, SpawnSpec, Spawned, WorkerProcess, procfs};
use crate::WorkerLimits;

/// A child of the supervisor, and how to find it and all that comes of it.
struct Running {
    process: ProcessGroup,
    spawned: Spawned,
    swept: oneshot::Receiver<Swept>,
    mark: String,
}

/// A shell command as a worker.
fn shell(script: &str) -> SpawnSpec {
    SpawnSpec {
        program: "/bin/sh".into(),
        arg0: None,
        args: vec!["-c".into(), script.into()],
        env: Vec::new(),
        directory: None,
        limits: WorkerLimits::default(),
    }
}

async fn start(spec: SpawnSpec) -> Running {
    let (mark, spec) = marked(spec);
    let process = ProcessGroup::new();
    let (tell, swept) = oneshot::channel();
    let on_swept = Box::new(move |result| {
        // Not every test asks.
        let _ = tell.send(result);
    });
    let spawned = process.spawn(spec, Box::new(drop), on_swept).await.unwrap();
    Running { process, spawned, swept, mark }
}

impl Running {
    async fn killed(self) -> (ChildExit, Swept) {
        self.process.kill().unwrap();
        (self.spawned.exit.await.unwrap(), self.swept.await.unwrap())
    }

    /// Waits until it is not this program any more.
    fn runs_its_program(&self) {
        within("it runs its program", || !is_this_program(self.pid()));
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.spawned.pid.cast_signed()).unwrap()
    }
}

/// Whether the process still runs what the tests run.
fn is_this_program(pid: Pid) -> bool {
    let program = fs::read_link(procfs::directory(pid).join("exe")).unwrap();
    program == std::env::current_exe().unwrap()
}

/// Has it and all that comes of it carry a mark of the test's.
fn marked(mut spec: SpawnSpec) -> (String, SpawnSpec) {
    let mark = format!("OSTLER_TEST_MARK={}", hex(&random::<8>().unwrap()));
    let (name, value) = mark.split_once('=').unwrap();
    spec.env.push((name.into(), value.into()));
    (mark, spec)
}

/// The living processes with that in their environment.
fn carrying(mark: &str) -> Vec<Pid> {
    let has = |pid: &Pid| {
        let environment = fs::read(procfs::directory(*pid).join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
    };
    procfs::pids().unwrap().into_iter().filter(has).collect()
}
