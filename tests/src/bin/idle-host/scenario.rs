use std::time::Duration;

use ostler::{
    CancelRequest, Category, Health, JobEventKind, JobHandle, JobStatus, Recycling, RestartPolicy,
    RetryPolicy, WorkerConfig,
};
use ostler_tests::lab::Task;

use super::figures::Resting;
use super::pool::{Pool, WORKERS, gone, kill, launch_another};

/// What happens between the figures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Nothing.
    Nothing,
    /// Workers are killed, idle and busy ones.
    Killed,
    /// Many jobs are cancelled, some of which tried to leave for the group of their host.
    Cancelled,
    /// Workers cannot be started any more, and the pool is degraded; then they can.
    Degraded,
    /// The program of the workers cannot be executed for a while.
    Blocked,
    /// Lines without an end, in a job and while none runs.
    HalfLines,
    /// Workers let go of their output.
    ClosedOutput,
    /// Jobs say nothing and are killed for it.
    Stalled,
    /// Workers are stopped and found out.
    Frozen,
    /// Jobs leave processes behind, in the group and outside of it.
    Forks,
    /// No file can be opened for a while, and a worker dies.
    FewFiles,
    /// Other managers come and go.
    Managers,
    /// Launches fail, or are given up.
    FailedLaunches,
    /// Other runtimes come and go, with managers that are not shut down.
    Runtimes,
    /// The host itself is stopped for a while.
    Paused,
    /// Large payloads came and went.
    Large,
    /// Nobody reads what a job emits.
    Unread,
    /// Many jobs wait while the manager is paused.
    Waiting,
    /// A job runs and says nothing.
    Hanging,
    /// The pool goes down with many jobs waiting, and is brought back.
    Down,
    /// The pool becomes larger, and smaller again.
    Resized,
    /// A job crashes until it is in quarantine.
    Quarantined,
    /// Workers are replaced after each job.
    Recycled,
    /// Workers can open no more files, and get and send what is shared.
    Hoarded,
    /// A job runs that has a deadline, another one waits for its turn, and a third for its next attempt.
    Deadlines,
    /// No file may be written to for a while, and workers die.
    FileSize,
}

impl Scenario {
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "nothing" => Self::Nothing,
            "killed" => Self::Killed,
            "cancelled" => Self::Cancelled,
            "degraded" => Self::Degraded,
            "blocked" => Self::Blocked,
            "half-lines" => Self::HalfLines,
            "closed-output" => Self::ClosedOutput,
            "stalled" => Self::Stalled,
            "frozen" => Self::Frozen,
            "forks" => Self::Forks,
            "few-files" => Self::FewFiles,
            "managers" => Self::Managers,
            "failed-launches" => Self::FailedLaunches,
            "runtimes" => Self::Runtimes,
            "paused" => Self::Paused,
            "large" => Self::Large,
            "unread" => Self::Unread,
            "waiting" => Self::Waiting,
            "hanging" => Self::Hanging,
            "down" => Self::Down,
            "resized" => Self::Resized,
            "quarantined" => Self::Quarantined,
            "recycled" => Self::Recycled,
            "hoarded" => Self::Hoarded,
            "deadlines" => Self::Deadlines,
            "file-size" => Self::FileSize,
            other => panic!("no scenario {other}"),
        }
    }

    /// All delays are short, so that what has come to rest has nothing before it. No heartbeat is asked for where none is
    /// needed: it would be one more timer.
    pub(crate) fn config(self) -> WorkerConfig {
        let config = WorkerConfig {
            max_workers: WORKERS,
            restart_policy: RestartPolicy::Backoff,
            restart_backoff_base: Duration::from_millis(20),
            restart_backoff_max: Duration::from_millis(200),
            restart_window: Duration::from_millis(500),
            max_restart_attempts: 1_000,
            max_start_attempts: 1_000,
            worker_start_timeout: Duration::from_secs(2),
            heartbeat_interval: Duration::ZERO,
            ..WorkerConfig::default()
        };
        match self {
            // The budget is spent for as long as anybody looks.
            Self::Degraded => {
                WorkerConfig { restart_window: Duration::from_secs(3600), max_start_attempts: 3, ..config }
            }
            Self::Frozen => WorkerConfig {
                heartbeat_interval: Duration::from_millis(100),
                heartbeat_timeout: Duration::from_secs(1),
                ..config
            },
            Self::Down => {
                WorkerConfig { restart_window: Duration::from_secs(3600), max_restart_attempts: 0, ..config }
            }
            Self::Quarantined => {
                let retry = RetryPolicy { backoff_base: Duration::ZERO, ..RetryPolicy::attempts(3) };
                WorkerConfig { retry, ..config }
            }
            Self::Recycled => WorkerConfig {
                recycling: Recycling { after_jobs: Some(1), ..Recycling::default() },
                ..config
            },
            _ => config,
        }
    }

    /// If it goes on until [`end`](Self::end): who comes to rest meanwhile.
    pub(crate) fn lasts(self) -> Option<Resting> {
        use Scenario::{ClosedOutput, Degraded, Forks, Hanging, Hoarded, Quarantined, Waiting};
        match self {
            Degraded | ClosedOutput | Forks | Hanging | Hoarded | Quarantined | Waiting => Some(Resting::All),
            // The host looks at the clock as long as there is a deadline.
            Self::Deadlines => Some(Resting::Workers),
            _ => None,
        }
    }

    pub(crate) async fn begin(self, pool: &Pool) {
        match self {
            Self::Nothing => {}
            Self::Killed => killed(pool).await,
            Self::Cancelled => cancelled(pool).await,
            Self::Degraded => {
                pool.program.break_it();
                kill(pool.pids()[0]);
                let is_degraded = || matches!(pool.manager.health(), Health::Degraded { missing: 1, .. });
                pool.until("the pool is degraded", is_degraded).await;
            }
            Self::Blocked => blocked(pool).await,
            Self::HalfLines => half_lines(pool).await,
            Self::ClosedOutput => {
                for _ in 0..10 {
                    pool.run(Task::CloseOutput).await;
                }
            }
            Self::Stalled => stalled(pool).await,
            Self::Frozen => {
                for _ in 0..3 {
                    pool.begun(Task::Stop).await.0.output().await.unwrap_err();
                }
            }
            Self::Forks => {
                pool.run(Task::LeaveChild).await;
                pool.run(Task::LeaveDaemon).await;
                pool.cancel_one(Task::Steps(vec![Task::LeaveComet, Task::Spin])).await;
            }
            Self::FewFiles => few_files(pool).await,
            Self::Managers => managers(pool).await,
            Self::FailedLaunches => failed_launches(pool).await,
            Self::Runtimes => {
                let program = pool.program.path();
                let others =
                    std::thread::spawn(move || (0..5).for_each(|_| another_runtime(program.clone())));
                pool.until("they have come and gone", || others.is_finished()).await;
                others.join().unwrap();
            }
            Self::Paused => paused(pool).await,
            Self::Large => {
                for _ in 0..20 {
                    pool.run(Task::FillOwn(4 << 20, 7)).await;
                }
                pool.manager.clear_completed_jobs();
            }
            Self::Unread => unread(pool).await,
            Self::Waiting => {
                pool.manager.pause();
                for _ in 0..5_000 {
                    pool.manager.start_job("lab", Task::Pid).await.unwrap();
                }
            }
            Self::Hanging => drop(pool.begun(Task::IgnoreCancel).await),
            Self::Down => down(pool).await,
            Self::Resized => {
                pool.manager.resize(WORKERS + 4, 2).unwrap();
                let all = WORKERS as usize + 6;
                pool.until("the pool is large", || pool.idle() == all).await;
                pool.manager.resize(WORKERS, 0).unwrap();
            }
            Self::Quarantined => {
                let job = pool.manager.start_job("lab", Task::Segfault).await.unwrap();
                pool.until("it is in quarantine", || !pool.manager.quarantined().is_empty()).await;
                drop(job);
            }
            Self::Recycled => {
                for _ in 0..12 {
                    pool.run(Task::Pid).await;
                }
            }
            Self::Deadlines => deadlines(pool).await,
            Self::Hoarded => hoarded(pool).await,
            Self::FileSize => file_size(pool).await,
        }
    }

    pub(crate) async fn end(self, pool: &Pool) {
        let manager = &pool.manager;
        match self {
            Self::Degraded => {
                pool.program.mend();
                return manager.restart_worker().await.unwrap();
            }
            Self::Waiting => {
                manager.resume();
                pool.until("all have run", || manager.counts().unfinished() == 0).await;
                manager.clear_completed_jobs();
                return;
            }
            Self::Hanging | Self::Deadlines => {
                let summary = manager.cancel_all(CancelRequest::new()).await;
                return assert!(!summary.cancelled.is_empty() && summary.still_dying.is_empty());
            }
            Self::Quarantined => {
                let crashed = manager.quarantined();
                return crashed.iter().for_each(|job| manager.fail_job(job.id).unwrap());
            }
            _ => {}
        }
        // What was done to a worker ends with it.
        let mut events = pool.manager.events();
        let pids = pool.pids();
        pids.iter().copied().for_each(kill);
        gone(&mut events, pids.len()).await;
    }
}

async fn killed(pool: &Pool) {
    for round in 0..6 {
        pool.filled().await;
        let mut events = pool.manager.events();
        if round % 2 == 0 {
            kill(pool.pids()[round / 2 % 2]);
        } else {
            let (job, pid) = pool.begun(Task::Spin).await;
            kill(pid);
            job.output().await.unwrap_err();
        }
        gone(&mut events, 1).await;
    }
}

async fn cancelled(pool: &Pool) {
    for round in 0..20 {
        let then = if round % 2 == 0 { Task::IgnoreCancel } else { Task::Spin };
        pool.cancel_one(Task::Steps(vec![Task::JoinHost, Task::Deafen, then])).await;
    }
}

/// Starts fail by their timeout, and those that wait in the kernel are killed there.
async fn blocked(pool: &Pool) {
    pool.program.block();
    let mut events = pool.manager.events();
    kill(pool.pids()[0]);
    gone(&mut events, 3).await;
    pool.program.mend();
}

async fn half_lines(pool: &Pool) {
    pool.run(Task::Write("half a line".into())).await;
    pool.run(Task::Steps(vec![Task::Write("another".into()), Task::Linger(Duration::from_millis(1500))]))
        .await;
    let written = pool.path("written");
    // Nobody's: it comes when the job has ended.
    let late = format!("(sleep 0.3; printf loose; touch {}) &", written.display());
    pool.run(Task::Shell(late)).await;
    pool.until("it was written", || written.exists()).await;
}

async fn stalled(pool: &Pool) {
    for task in [Task::Spin, Task::IgnoreCancel, Task::Linger(Duration::from_secs(3600))] {
        let request = pool.manager.job("lab", task).stall_timeout(Duration::from_millis(150));
        request.start().await.unwrap().output().await.unwrap_err();
    }
    let request = pool.manager.job("lab", Task::Spin).timeout(Duration::from_millis(150));
    request.start().await.unwrap().output().await.unwrap_err();
}

async fn few_files(pool: &Pool) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit outlives the calls.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let none = libc::rlimit { rlim_cur: 0, ..limit };
    let mut events = pool.manager.events();
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) };
    kill(pool.pids()[0]);
    gone(&mut events, 4).await;
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
}

/// Some are shut down, and some dropped while a job runs.
async fn managers(pool: &Pool) {
    for _ in 0..4 {
        let manager = pool.another(None).await.unwrap();
        manager.start_job("lab", Task::Pid).await.unwrap().output().await.unwrap();
        manager.shutdown().await.unwrap();
        let dropped = pool.another(None).await.unwrap();
        let job = dropped.start_job("lab", Task::Spin).await.unwrap();
        pool.until("it runs", || job.status() == JobStatus::Running).await;
        drop(dropped);
        job.output().await.unwrap_err();
    }
}

async fn failed_launches(pool: &Pool) {
    for _ in 0..4 {
        for program in ["/nowhere/at/all", "/dev/null", "/bin/false", "/bin/true"] {
            pool.another(Some(program)).await.unwrap_err();
        }
        pool.program.block();
        let given_up = tokio::time::timeout(Duration::from_millis(200), pool.another(None)).await;
        assert!(given_up.is_err(), "nobody could start");
        pool.program.mend();
    }
}

fn another_runtime(program: std::path::PathBuf) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (manager, job) = runtime.block_on(async {
        let manager = launch_another(program).await.unwrap();
        let job = manager.start_job("lab", Task::Spin).await.unwrap();
        let mut events = job.events();
        while !matches!(events.next().await.unwrap().unwrap().kind, JobEventKind::Started { .. }) {}
        (manager, job)
    });
    drop(runtime);
    drop((manager, job));
}

/// A worker dies meanwhile, and a job runs in another, with limits of time that are longer than it runs and shorter than the pause.
async fn paused(pool: &Pool) {
    let task = Task::Steps(vec![Task::Linger(Duration::from_millis(200)), Task::Pid]);
    let second = Duration::from_secs(1);
    let job = pool.manager.job("lab", task).timeout(second).stall_timeout(second).start().await.unwrap();
    let (_, other) = pool.begun(Task::IgnoreCancel).await;
    let script = format!("sleep 1; kill -KILL {other}; sleep 1; kill -CONT $PPID");
    let mut wakes = std::process::Command::new("sh").args(["-c", &script]).spawn().unwrap();
    // SAFETY: the call takes a number.
    unsafe { libc::raise(libc::SIGSTOP) };
    job.output().await.unwrap();
    wakes.wait().unwrap();
}

async fn unread(pool: &Pool) {
    let job = pool.manager.start_job("lab", Task::Emit(usize::MAX, 100_000)).await.unwrap();
    let unread = job.events();
    has_emitted(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
    // Last, so that a worker lives on whose job nobody has read.
    let other = pool.manager.start_job("lab", Task::Emit(200, 100_000)).await.unwrap();
    let also_unread = other.events();
    other.finished().await;
    has_emitted(&other).await;
    drop((unread, also_unread));
    pool.manager.clear_completed_jobs();
}

async fn has_emitted(job: &JobHandle<Task>) {
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if event.is_ok_and(|event| matches!(event.kind, JobEventKind::Chunk { .. })) {
            return;
        }
    }
    panic!("nothing was emitted");
}

async fn down(pool: &Pool) {
    let (first, second) = (pool.begun(Task::Spin).await, pool.begun(Task::Spin).await);
    let mut waiting = Vec::new();
    for _ in 0..5_000 {
        waiting.push(pool.manager.start_job("lab", Task::Pid).await.unwrap());
    }
    kill(first.1);
    kill(second.1);
    pool.until("all have ended", || waiting.iter().all(|job| job.status().is_terminal())).await;
    for job in waiting {
        job.output().await.unwrap_err();
    }
    pool.manager.clear_completed_jobs();
    pool.manager.restart_worker().await.unwrap();
}

async fn deadlines(pool: &Pool) {
    let day = Duration::from_secs(24 * 3600);
    let manager = &pool.manager;
    let policy = RetryPolicy { backoff_base: day * 30, backoff_max: day * 30, ..RetryPolicy::attempts(3) };
    let fails = Task::Fail("no answer".to_owned(), Category::Transient);
    let job = manager.job("lab", fails).retry(policy).start().await.unwrap();
    pool.until("it waits for its next attempt", || manager.why_waits(job.id()).is_some()).await;
    for _ in 0..WORKERS {
        let request = manager.job("lab", Task::IgnoreCancel).timeout(day).stall_timeout(day);
        let job = request.start().await.unwrap();
        pool.until("it runs", || job.status() == JobStatus::Running).await;
    }
    manager.job("lab", Task::Pid).queue_timeout(day).start().await.unwrap();
}

/// What is shared from now on goes the slow way, or fails with its job.
async fn hoarded(pool: &Pool) {
    for _ in 0..WORKERS {
        pool.run(Task::HoardFiles).await;
    }
    for _ in 0..10 {
        let request = pool.manager.job("lab", Task::Attachments).attach("big", "x/y", vec![1; 4 << 20]);
        request.start().await.unwrap().finished().await;
        pool.manager.start_job("lab", Task::FillOwn(4 << 20, 7)).await.unwrap().finished().await;
    }
    pool.manager.clear_completed_jobs();
}

async fn file_size(pool: &Pool) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit outlives the calls.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    let none = libc::rlimit { rlim_cur: 0, ..limit };
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none) };
    for _ in 0..3 {
        pool.cancel_one(Task::Spin).await;
    }
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
    // Those that were made meanwhile have the limit as well.
    let mut events = pool.manager.events();
    let pids = pool.pids();
    pids.iter().copied().for_each(kill);
    gone(&mut events, pids.len()).await;
}
