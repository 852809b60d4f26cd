//! What shared memory leaves in a host's process, and a host that may have no more of something. These tests look at all of
//! their process and change its limits, so they are in one of their own, one after the other.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, iter};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ostler::{
    Attachment, BaseJobManager, Category, FailureKind, JobError, JobFailure, JobHandle, JobManager,
    RestartPolicy, WorkerCommand, WorkerConfig,
};
use ostler_tests::lab::Task;

const MIB: usize = 1 << 20;

struct LabJobs;

impl BaseJobManager<Task> for LabJobs {
    fn worker_type(&self) -> &str {
        "lab"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::program(env!("CARGO_BIN_EXE_lab-worker"))
    }
}

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn launch() -> JobManager<Task> {
    let restart_policy = RestartPolicy::Always;
    LabJobs
        .launch(WorkerConfig { restart_policy, finished_jobs_kept: 1, ..WorkerConfig::default() })
        .await
        .unwrap()
}

async fn attachment(job: JobHandle<Task>) -> Attachment {
    job.output().await.unwrap();
    job.finished().await.attachments[0].clone()
}

async fn fill(manager: &JobManager<Task>, len: usize, value: u8) -> JobHandle<Task> {
    manager.start_job("lab", Task::Fill(len, value)).await.unwrap()
}

async fn echo(manager: &JobManager<Task>, len: usize, value: u8) {
    let request = manager.job("lab", Task::Attachments).attach("a", "", vec![value; len]);
    assert_eq!(attachment(request.start().await.unwrap()).await.bytes, vec![value; len]);
}

async fn failure(job: JobHandle<Task>) -> JobFailure {
    match job.output().await {
        Err(JobError::Failed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

/// Segments in this process, and descriptors.
fn left() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (maps.matches("memfd:ostler").count(), fs::read_dir("/proc/self/fd").unwrap().count())
}

fn open_segments() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().contains("memfd:ostler")).count()
}

/// Does something while no more than that may be had.
async fn limited<T>(resource: Resource, limit: u64, work: impl Future<Output = T>) -> T {
    let (soft, hard) = getrlimit(resource).unwrap();
    setrlimit(resource, limit, hard).unwrap();
    let outcome = work.await;
    setrlimit(resource, soft, hard).unwrap();
    outcome
}

#[test]
fn nothing_is_left_after_kills_and_a_shutdown() {
    let _alone = alone();
    run(async {
        // What is made once in a process, as the supervisor's thread, is no leftover.
        launch().await.shutdown().await.unwrap();
        let before = left();
        let manager = launch().await;
        for _ in 0..3 {
            echo(&manager, MIB, 1).await;
            drop(attachment(fill(&manager, MIB, 2).await).await);
            let pid = manager.workers()[0].pid.unwrap();
            assert!(left().0 <= 3, "the host's segment, the worker's, and one more: {:?}", left());
            assert_eq!(open_segments(), 0, "a segment costs no descriptor");
            failure(manager.start_job("lab", Task::Segfault).await.unwrap()).await;
            assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
        }
        let held = attachment(fill(&manager, MIB, 3).await).await;
        manager.shutdown().await.unwrap();
        drop(manager);
        assert_eq!(left().0, before.0, "what is held is a copy, and no memory that a worker had");
        assert_eq!(held.bytes, vec![3; MIB]);
        drop(held);
        assert_eq!(left(), before);
    });
}

#[test]
fn a_host_that_can_open_no_file_sends_the_slow_way_and_fails_one_job_that_comes_the_fast_way() {
    let _alone = alone();
    run(async {
        let manager = launch().await;
        echo(&manager, 1, 0).await;
        // Every number is taken up to one, beyond which there is none.
        let numbers = fs::read_dir("/proc/self/fd").unwrap();
        let numbers = numbers.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let highest: i32 = numbers.map(|number| number.parse().unwrap()).max().unwrap();
        let open = || fs::File::open("/dev/null").unwrap();
        let fillers: Vec<_> =
            iter::repeat_with(open).take_while(|file| file.as_raw_fd() <= highest).collect();
        limited(Resource::RLIMIT_NOFILE, highest as u64 + 1, async {
            let lost = failure(fill(&manager, MIB, 2).await).await;
            assert_eq!((lost.kind, lost.category), (FailureKind::Plugin, Category::Resource));
            assert!(lost.message.contains("too many open files"), "{lost}");
            for value in 0..3 {
                assert_eq!(attachment(fill(&manager, MIB, value).await).await.bytes, vec![value; MIB]);
                echo(&manager, MIB, value).await;
            }
        })
        .await;
        drop(fillers);
        echo(&manager, MIB, 1).await;
        manager.shutdown().await.unwrap();
    });
}

#[test]
fn a_host_that_may_have_no_large_file_sends_the_slow_way() {
    let _alone = alone();
    run(async {
        let manager = launch().await;
        // Beyond it the kernel would not only refuse, it would send SIGXFSZ.
        limited(Resource::RLIMIT_FSIZE, MIB as u64 / 2, async {
            assert!(!manager.buffer(MIB).is_shared());
            echo(&manager, MIB, 1).await;
        })
        .await;
        assert!(manager.buffer(MIB).is_shared());
        manager.shutdown().await.unwrap();
    });
}

#[test]
fn a_host_without_address_space_fails_one_job_and_then_takes_the_slow_way() {
    let _alone = alone();
    run(async {
        let manager = launch().await;
        echo(&manager, 1, 0).await;
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        let size: u64 = size.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        let some = (size << 10) + (16 << 20);
        let lost =
            limited(Resource::RLIMIT_AS, some, async { failure(fill(&manager, 32 * MIB, 1).await).await });
        let lost = lost.await;
        assert_eq!((lost.kind, lost.category), (FailureKind::Plugin, Category::Resource));
        assert!(lost.message.contains("cannot map memory of 33554432 bytes"), "{lost}");
        assert_eq!(attachment(fill(&manager, 32 * MIB, 1).await).await.bytes, vec![1; 32 * MIB]);
        manager.shutdown().await.unwrap();
    });
}
