use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler::{
    BaseJobManager, JobEventKind, JobHandle, JobManager, LaunchError, ManagerEvents, WorkerCommand,
    WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;
use tempfile::TempDir;

use super::program::Program;
use super::scenario::Scenario;

/// Longer than anything takes that is still to be done.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const WORKERS: u32 = 2;

struct LabJobs(PathBuf);

impl BaseJobManager<Task> for LabJobs {
    fn worker_type(&self) -> &str {
        "idle"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::program(self.0.clone())
    }

    fn supports_streaming(&self) -> bool {
        true
    }
}

/// A manager with workers, and the program that they run.
pub(crate) struct Pool {
    pub(crate) manager: JobManager<Task>,
    pub(crate) program: Program,
    pub(crate) directory: TempDir,
}

impl Pool {
    /// Returns when all workers are idle.
    pub(crate) async fn launch(scenario: Scenario) -> Self {
        let program = Program::new();
        let jobs = LabJobs(program.path());
        let manager = JobManager::builder(jobs).config(scenario.config()).launch().await.unwrap();
        let pool = Self { manager, program, directory: tempfile::tempdir().unwrap() };
        pool.filled().await;
        pool
    }

    /// Another manager of the same workers, or of another program.
    pub(crate) async fn another(&self, program: Option<&str>) -> Result<JobManager<Task>, LaunchError> {
        launch_another(program.map_or_else(|| self.program.path(), PathBuf::from)).await
    }

    /// Has each worker run a job, and one of them killed: what is made only once is made then.
    pub(crate) async fn use_all(&self) {
        let mut jobs = Vec::new();
        for number in 0..WORKERS {
            let opened = self.path(&format!("opened{number}"));
            jobs.push((self.begun(Task::AwaitFile(opened.clone())).await.0, opened));
        }
        for (job, opened) in jobs {
            std::fs::write(opened, "open").unwrap();
            job.output().await.unwrap();
        }
        self.cancel_one(Task::Spin).await;
        self.filled().await;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.manager.workers().iter().filter_map(|worker| worker.pid).collect()
    }

    pub(crate) fn idle(&self) -> usize {
        self.manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count()
    }

    pub(crate) async fn filled(&self) {
        let all = WORKERS as usize;
        let are_idle = || self.idle() == all && self.manager.workers().len() == all;
        self.until("all workers are idle", are_idle).await;
    }

    pub(crate) async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            let (workers, health) = (self.manager.workers(), self.manager.health());
            assert!(Instant::now() < deadline, "not so: {what}; {health}, {workers:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A job that runs, and its worker.
    pub(crate) async fn begun(&self, task: Task) -> (JobHandle<Task>, u32) {
        let job = self.manager.start_job("lab", task).await.unwrap();
        let mut events = job.events();
        while let Some(event) = events.next().await {
            if let JobEventKind::Started { pid, .. } = event.unwrap().kind {
                return (job, pid.unwrap());
            }
        }
        panic!("it never began");
    }

    pub(crate) async fn cancel_one(&self, task: Task) {
        let (job, _) = self.begun(task).await;
        assert!(job.cancel().await.unwrap().is_cancelled());
    }

    pub(crate) async fn run(&self, task: Task) {
        self.manager.start_job("lab", task).await.unwrap().output().await.unwrap();
    }
}

pub(crate) async fn launch_another(program: PathBuf) -> Result<JobManager<Task>, LaunchError> {
    let config = WorkerConfig { max_start_attempts: 1, ..Scenario::Nothing.config() };
    JobManager::builder(LabJobs(program)).config(config).launch().await
}

/// Waits until so many workers are gone.
pub(crate) async fn gone(events: &mut ManagerEvents, workers: usize) {
    let mut seen = 0;
    while seen < workers {
        let event = tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        if let Ok(ostler::ManagerEventKind::Worker(worker)) = event.map(|event| event.kind)
            && worker.state.phase == WorkerPhase::Gone
        {
            seen += 1;
        }
    }
}

pub(crate) fn kill(pid: u32) {
    // SAFETY: the call takes numbers.
    assert_eq!(unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) }, 0);
}
