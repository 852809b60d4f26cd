//! A manager that is used outside of its runtime, and after it.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use ostler::{FailureKind, JobManager, PluginConfig, StartError};
use ostler_tests::lab::Task;
use tokio::runtime::{Builder, Runtime};

use super::{Hooked, PATIENCE};
use crate::support::{echo, launch, runs};

/// An executor that knows nothing of tokio.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn every_operation_works_outside_of_a_runtime() {
    let runtime = runtime();
    let manager = runtime.block_on(async {
        // So that a hook is asked that does not answer at once.
        let hooked = Hooked::new().slow_admission(|_, _, _| async {
            tokio::task::yield_now().await;
            ostler::Admission::Proceed
        });
        hooked.start().await
    });
    let job = wait(manager.start_job("lab", echo("outside"))).unwrap();
    assert_eq!(wait(job.output()).unwrap(), "outside");
    assert!(wait(job.events().next()).is_some());
    let mut buffer = manager.buffer(1024 * 1024);
    buffer[0] = 1;
    let with_part = manager.job("lab", Task::Attachments).attach("part", "text/plain", buffer.freeze());
    assert_eq!(wait(wait(with_part.start()).unwrap().output()).unwrap(), "part");
    wait(manager.reload_plugin("lab", PluginConfig::new())).unwrap();
    wait(manager.get_worker_state()).unwrap();
    let endless = wait(manager.start_job("lab", Task::Spin)).unwrap();
    assert!(wait(endless.cancel()).unwrap().is_cancelled());
    wait(manager.restart_worker()).unwrap();
    wait(manager.shutdown()).unwrap();
    assert!(matches!(wait(manager.start_job("lab", echo(""))), Err(StartError::ShutDown)));
    drop((manager, job));
}

#[test]
fn a_shutdown_outside_of_a_runtime_ends_what_runs() {
    let runtime = runtime();
    let manager = runtime.block_on(launch());
    let pid = manager.workers()[0].pid.unwrap();
    let endless = wait(manager.start_job("lab", Task::Spin)).unwrap();
    wait(manager.shutdown_within(Duration::ZERO)).unwrap();
    let error = wait(endless.output()).unwrap_err();
    assert_eq!(error.failure().unwrap().kind, FailureKind::Interrupted);
    assert!(!runs(pid));
}

/// The last clone goes outside of a runtime.
#[test]
fn a_drop_outside_of_a_runtime_ends_what_runs() {
    let runtime = runtime();
    let manager = runtime.block_on(launch());
    let pid = manager.workers()[0].pid.unwrap();
    let endless = wait(manager.start_job("lab", Task::Spin)).unwrap();
    drop(manager);
    let error = wait(endless.output()).unwrap_err();
    assert_eq!(error.failure().unwrap().kind, FailureKind::Interrupted);
    assert!(!runs(pid));
}

#[test]
fn what_is_asked_when_the_runtime_is_gone_is_answered() {
    let runtime = runtime();
    let manager: JobManager<Task> = runtime.block_on(async {
        let hooked = Hooked::new().completed(|_, _| std::future::pending());
        let manager = hooked.start().await;
        manager.start_job("lab", echo("")).await.unwrap().output().await.unwrap();
        manager
    });
    let pid = manager.workers()[0].pid.unwrap();
    runtime.shutdown_timeout(PATIENCE);
    wait(manager.shutdown()).unwrap();
    assert!(!runs(pid));
    let job = wait(manager.start_job("lab", echo("")));
    assert!(matches!(job, Err(StartError::ShutDown)), "{job:?}");
}

/// They are ended with several ticks, and nobody is left who feeds one in.
#[test]
fn all_jobs_that_wait_end_with_the_runtime() {
    const MANY: usize = 3_000;
    // The second one does nothing while nobody is in it, so that the host seems not to have run.
    for runtime in [runtime(), Builder::new_current_thread().enable_all().build().unwrap()] {
        let (manager, spin) = runtime.block_on(async {
            let manager = launch().await;
            let spin = manager.job("lab", Task::Spin).timeout(PATIENCE).start().await.unwrap();
            crate::support::started(&spin).await;
            (manager, spin)
        });
        let mut jobs = vec![spin];
        // Long enough for the manager's clock to stand still, and to be ahead of the time that counts.
        let began = Instant::now();
        while jobs.len() < MANY || began.elapsed() < Duration::from_millis(400) {
            jobs.push(wait(manager.start_job("lab", echo(""))).unwrap());
        }
        runtime.shutdown_timeout(PATIENCE);
        for job in jobs {
            let error = wait(job.output()).unwrap_err();
            assert_eq!(error.failure().unwrap().kind, FailureKind::Interrupted);
        }
        wait(manager.shutdown()).unwrap();
    }
}

/// No worker is there whose task could notice it.
#[test]
fn a_manager_without_workers_ends_with_the_runtime() {
    let runtime = runtime();
    let (manager, job) = runtime.block_on(async {
        let manager = crate::support::lab().lazy().launch().await.unwrap();
        manager.pause();
        let job = manager.start_job("lab", echo("")).await.unwrap();
        (manager, job)
    });
    assert_eq!(manager.workers().len(), 0);
    runtime.shutdown_timeout(PATIENCE);
    let error = wait(job.output()).unwrap_err();
    assert_eq!(error.failure().unwrap().kind, FailureKind::Interrupted);
    wait(manager.shutdown()).unwrap();
}

#[test]
fn a_launch_outside_of_a_runtime_is_an_error() {
    let error = wait(Hooked::new().builder().launch()).unwrap_err();
    assert!(matches!(error, ostler::LaunchError::NoRuntime), "{error}");
}
