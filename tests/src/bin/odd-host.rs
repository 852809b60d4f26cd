//! Hosts that are not as one expects. `odd-host SCENARIO` says what came of it, a line for each thing, and ends.

#![expect(
    unsafe_code,
    reason = "what makes a host odd are system calls that the standard library does not have"
)]
#![expect(clippy::unwrap_used, reason = "a test fixture that cannot go on has failed")]

use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use ostler::{
    BaseJobManager, JobEventKind, JobHandle, JobManager, LaunchError, RestartPolicy, WorkerCommand,
    WorkerConfig,
};
use ostler_tests::lab::{Task, register_all};

struct LabJobs;

impl BaseJobManager<Task> for LabJobs {
    fn worker_type(&self) -> &str {
        "odd"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

/// The same with another command.
struct Through(WorkerCommand);

impl BaseJobManager<Task> for Through {
    fn worker_type(&self) -> &str {
        "odd"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.0.clone()
    }
}

fn main() {
    ostler::worker::run_if_worker(register_all);
    end_at_last();
    match std::env::args().nth(1).unwrap().as_str() {
        "ignores-children" => {
            ignore_children(libc::SIG_IGN, 0);
            run(async { say_error(launch().await) });
        }
        "has-no-zombies" => {
            ignore_children(libc::SIG_DFL, libc::SA_NOCLDWAIT);
            run(async { say_error(launch().await) });
        }
        "ignores-children-later" => run(ignores_children_later()),
        "reaps-any-child" => run(reaps_any_child()),
        "forked" => forked(),
        "dies-before-its-child" => dies_before_its_child(),
        "few-files" => run(few_files()),
        "takes-no-connection" => run(takes_no_connection()),
        "cannot-trace" => run(cannot_trace()),
        "cannot-kill-what-it-launches" => run(cannot_kill_what_it_launches()),
        "gives-up-its-rights" => run(gives_up_its_rights()),
        "has-a-terminal" => {
            take_terminal();
            run(has_a_terminal());
        }
        other => panic!("no scenario {other}"),
    }
}

/// Whoever waits for what such a host says must not wait for ever. A fork takes no alarm along.
fn end_at_last() {
    // SAFETY: the call takes a number.
    unsafe { libc::alarm(60) };
}

fn run(scenario: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(scenario);
}

async fn launch() -> Result<JobManager<Task>, LaunchError> {
    launch_with(2).await
}

async fn launch_with(max_workers: u32) -> Result<JobManager<Task>, LaunchError> {
    let config = WorkerConfig {
        max_workers,
        restart_policy: RestartPolicy::Always,
        kill_timeout: Duration::from_secs(2),
        ..WorkerConfig::default()
    };
    JobManager::builder(LabJobs).config(config).launch().await
}

fn say(text: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", text.replace('\n', " ")).unwrap();
}

fn say_error(launched: Result<JobManager<Task>, LaunchError>) {
    say(&launched.err().map_or_else(|| "launched".to_owned(), |error| error.to_string()));
}

fn ignore_children(handler: libc::sighandler_t, flags: libc::c_int) {
    // SAFETY: all zeroes are a valid action, and it outlives the call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut());
    }
}

async fn began(manager: &JobManager<Task>, task: Task) -> (JobHandle<Task>, u32) {
    let job = manager.start_job("lab", task).await.unwrap();
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if let JobEventKind::Started { pid, .. } = event.unwrap().kind {
            return (job, pid.unwrap());
        }
    }
    panic!("it never began");
}

/// Whoever is killed is no child of ours any more: no number may be used, and the end is known all the same.
async fn ignores_children_later() {
    let manager = launch().await.unwrap();
    let (job, _) = began(&manager, Task::IgnoreCancel).await;
    ignore_children(libc::SIG_IGN, 0);
    say(&format!("cancelled: {}", manager.cancel_job(job.id()).await.unwrap()));
    ignore_children(libc::SIG_DFL, 0);
    say(&format!(
        "answered: {}",
        manager.start_job("lab", Task::Echo("yes".into())).await.unwrap().output().await.unwrap()
    ));
    manager.shutdown().await.unwrap();
}

async fn reaps_any_child() {
    std::thread::spawn(|| {
        loop {
            // SAFETY: the call takes no memory of ours.
            if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let manager = launch().await.unwrap();
    for _ in 0..20 {
        let (job, _) = began(&manager, Task::IgnoreCancel).await;
        assert!(manager.cancel_job(job.id()).await.unwrap());
    }
    let (job, pid) = began(&manager, Task::IgnoreCancel).await;
    // SAFETY: the call takes numbers.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
    say(&job.output().await.unwrap_err().to_string());
    manager.shutdown().await.unwrap();
    say("shut down");
}

fn forked() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let manager = runtime.block_on(launch()).unwrap();
    // SAFETY: the other threads are asleep, and hold no lock that the child needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        end_at_last();
        run(async { say_error(launch().await) });
        // SAFETY: it ends the child without what a return would do to its copy of the manager.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: the call takes numbers, and no address.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    runtime.block_on(async {
        let job = manager.start_job("lab", Task::Echo("yes".into())).await.unwrap();
        say(&format!("the parent's worker answers: {}", job.output().await.unwrap()));
        manager.shutdown().await.unwrap();
    });
}

/// The child keeps what the parent had open, so that the worker's connection does not end with its host.
fn dies_before_its_child() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_manager, worker) = runtime.block_on(async {
        let manager = launch().await.unwrap();
        let task = Task::Steps(vec![Task::Deafen, Task::Progress(1), Task::IgnoreCancel]);
        let (job, worker) = began(&manager, task).await;
        let mut events = job.events();
        while !matches!(events.next().await.unwrap().unwrap().kind, JobEventKind::Progress { .. }) {}
        (manager, worker)
    });
    // SAFETY: the other threads are asleep, and hold no lock that the child needs.
    if unsafe { libc::fork() } == 0 {
        let ended = (0..3_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            has_ended(worker)
        });
        say(&format!("the worker has ended: {ended}"));
        if !ended {
            // SAFETY: the call takes numbers. Nobody else would end it, as its records are this test's own.
            unsafe { libc::kill(worker.cast_signed(), libc::SIGKILL) };
        }
        // SAFETY: it ends the child without what a return would do to its copy of the manager.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: the call takes numbers.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

/// A zombie has ended: whose it is now may never reap it.
fn has_ended(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

/// What is open stays open. The kernel lets nobody poll more descriptors than this at once.
fn open_no_more_files() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 1024 };
    // SAFETY: the limit outlives the call.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) };
}

/// Its worker connects when the host has no descriptor left for that. The directory has an empty file `waits`.
async fn takes_no_connection() {
    let directory = PathBuf::from(std::env::args().nth(2).unwrap());
    let (waits, goes, came) = (directory.join("waits"), directory.join("goes"), directory.join("came"));
    let script = r#"echo > "$1"; until [ -e "$2" ]; do sleep 0.01; done; exec "$0""#;
    let command = WorkerCommand::program("/bin/sh").arg("-c").arg(script);
    let command = command.arg(std::env::current_exe().unwrap()).arg(&came).arg(&goes);
    let config = WorkerConfig {
        max_start_attempts: 0,
        worker_start_timeout: Duration::from_secs(5),
        ..WorkerConfig::default()
    };
    let launch = tokio::spawn(JobManager::builder(Through(command)).config(config).launch());
    while !came.exists() && !launch.is_finished() {
        tokio::task::yield_now().await;
    }
    open_no_more_files();
    // This needs no descriptor.
    std::fs::rename(waits, goes).unwrap();
    say_error(launch.await.unwrap());
}

/// Who listens to its traces panics, as one does that writes them to a pipe without a reader.
struct Panics;

impl tracing::Subscriber for Panics {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().target().starts_with("ostler") {
            panic!("nobody reads this");
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

async fn cannot_trace() {
    tracing::subscriber::set_global_default(Panics).unwrap();
    let manager = launch().await.unwrap();
    let abort = Task::Abort("this is said as well".to_owned());
    say(&manager.start_job("lab", abort).await.unwrap().output().await.unwrap_err().to_string());
    let (job, _) = began(&manager, Task::IgnoreCancel).await;
    say(&format!("cancelled: {}", manager.cancel_job(job.id()).await.unwrap()));
    let echo = manager.start_job("lab", Task::Echo("yes".into())).await.unwrap();
    say(&format!("answered: {}", echo.output().await.unwrap()));
    manager.shutdown().await.unwrap();
    say("shut down");
}

/// It gives up its rights when its only worker is made and before that is ready, which it never is.
async fn cannot_kill_what_it_launches() {
    let directory = PathBuf::from(std::env::args().nth(2).unwrap());
    let came = directory.join("came");
    let command = WorkerCommand::program("/bin/sh").arg("-c").arg(r#"echo > "$0"; exec sleep 20"#).arg(&came);
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Never,
        worker_start_timeout: Duration::from_secs(3),
        kill_timeout: Duration::from_millis(500),
        ..WorkerConfig::default()
    };
    let launch = tokio::spawn(JobManager::builder(Through(command)).config(config).launch());
    while !came.exists() && !launch.is_finished() {
        tokio::task::yield_now().await;
    }
    // SAFETY: the call takes numbers.
    assert_eq!(unsafe { libc::setuid(65534) }, 0);
    say_error(launch.await.unwrap());
}

async fn few_files() {
    let manager = launch().await.unwrap();
    let (job, _) = began(&manager, Task::IgnoreCancel).await;
    let (other, pid) = began(&manager, Task::IgnoreCancel).await;
    open_no_more_files();
    // SAFETY: the call takes numbers.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
    say(&other.output().await.unwrap_err().to_string());
    let before = processor_time();
    tokio::time::sleep(Duration::from_secs(1)).await;
    say(&format!("spins: {}", processor_time() - before > Duration::from_millis(500)));
    say(&format!("cancelled: {}", manager.cancel_job(job.id()).await.unwrap()));
}

fn processor_time() -> Duration {
    // SAFETY: all zeroes are a valid value, which the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let sum = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    sum(usage.ru_utime) + sum(usage.ru_stime)
}

async fn gives_up_its_rights() {
    let manager = launch().await.unwrap();
    let (job, _) = began(&manager, Task::IgnoreCancel).await;
    // Its only worker is made: a process made after the rights are gone has the same user, and can be killed.
    let other = launch_with(1).await.unwrap();
    let brief = other.job("lab", Task::IgnoreCancel).timeout(Duration::from_millis(1));
    // SAFETY: the calls take numbers.
    assert_eq!(unsafe { libc::setuid(65534) }, 0);
    say(&brief.start().await.unwrap().output().await.unwrap_err().to_string());
    say(&manager.cancel_job(job.id()).await.unwrap_err().to_string());
    say(&manager.shutdown_within(Duration::ZERO).await.unwrap_err().to_string());
}

/// A terminal of this process's own, which it controls.
fn take_terminal() {
    // SAFETY: the calls take numbers, and paths with a zero at their end.
    unsafe {
        let master = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        assert!(master >= 0 && libc::grantpt(master) == 0 && libc::unlockpt(master) == 0);
        let mut name = [0; 64];
        assert_eq!(libc::ptsname_r(master, name.as_mut_ptr(), name.len()), 0);
        libc::setsid();
        // Without O_NOCTTY, who leads a session gets it.
        assert!(libc::open(name.as_ptr(), libc::O_RDWR) >= 0);
        assert!(libc::open(c"/dev/tty".as_ptr(), libc::O_RDWR) >= 0, "the host has a terminal");
    }
}

async fn has_a_terminal() {
    let manager = launch().await.unwrap();
    let file = std::env::args().nth(2).unwrap();
    let script = format!("(exec 3</dev/tty) 2>{file}");
    let job = manager.start_job("lab", Task::Shell(script)).await.unwrap();
    // The shell's own end is of no interest.
    let _ = job.output().await;
    say(&std::fs::read_to_string(file).unwrap());
    manager.shutdown().await.unwrap();
}
