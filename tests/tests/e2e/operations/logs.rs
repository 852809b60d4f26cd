//! What goes to `tracing`.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler::{JobEventKind, JobHandle, WorkerConfig, WorkerPhase};
use ostler_tests::lab::Task;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::support::{Gate, lab, launch, started, within, workers};

/// The lines of this test alone: its subscriber is that of its thread, and its runtime has no other.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// From now on, in this thread, until the guards are dropped.
    fn collect() -> (Self, impl Sized) {
        let lines = Self::default();
        let writer = lines.clone();
        // With one subscriber in the process, `tracing` lets the thread that comes to a log line first decide for all
        // whether anybody listens, and that may be another test's. With two it asks both.
        let second = tracing_subscriber::fmt().with_max_level(LevelFilter::OFF).finish().set_default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::DEBUG)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        (lines, [second, subscriber.set_default()])
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    #[track_caller]
    fn line(&self, what: &str) -> String {
        let text = self.text();
        let found = text.lines().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what:?} in\n{text}")).to_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn log_lines_name_job_plugin_and_worker() {
    let (lines, _guards) = Lines::collect();
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Mixed(1)).await.unwrap();
    let pid = started(&job).await;
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();

    let id = format!("job={}", job.id());
    for what in [" started ", " ended "] {
        let line = lines.line(what);
        for field in [&id, "plugin=lab", "worker=0.1"] {
            assert!(line.contains(field), "{field} is not in: {line}");
        }
    }
    let (gone, pid) = (lines.line("worker gone"), format!("pid={pid}"));
    assert!(gone.contains("worker=0.1") && gone.contains(&pid), "{gone}");
    // What the plugin logged itself.
    let text = lines.text();
    assert!(text.lines().any(|line| line.contains(&job.id().to_string()) && line.contains("INFO")), "{text}");
}

/// A process that a job left behind prints when the job is done and the worker idle: two lines, the second unfinished.
#[tokio::test]
async fn r31_what_is_printed_is_logged_with_its_job_and_while_none_runs_it_is_nobodys() {
    let (lines, _guards) = Lines::collect();
    let gate = Gate::new();
    let script =
        format!("(until [ -e {} ]; do sleep 0.01; done; printf 'stray\nhalf') &", gate.path().display());
    let manager = launch().await;
    let leaves = Task::Steps(vec![Task::Print("first\n".into()), Task::Shell(script)]);
    let first = manager.start_job("lab", leaves).await.unwrap();
    first.output().await.unwrap();
    gate.open();
    assert!(within(Duration::from_secs(10), || lines.text().contains("stray")).await);
    let second = manager.start_job("lab", Task::Print("second\n".into())).await.unwrap();
    second.output().await.unwrap();
    manager.shutdown().await.unwrap();

    assert_eq!(
        (printed(&first).await, printed(&second).await),
        (vec!["first".into()], vec!["second".into()])
    );
    for (job, text) in [(&first, "first"), (&second, "second")] {
        let line = lines.line(text);
        assert!(
            line.contains("ostler::worker::stdout") && line.contains(&format!("job={}", job.id())),
            "{line}"
        );
    }
    for text in ["stray", "half"] {
        let line = lines.line(text);
        assert!(line.contains("worker=0.1") && !line.contains("job="), "{line}");
    }
}

async fn printed(job: &JobHandle<Task>) -> Vec<String> {
    let (mut events, mut printed) = (job.events(), Vec::new());
    while let Some(event) = events.next().await {
        if let JobEventKind::Output { text, .. } = event.unwrap().kind {
            printed.push(text);
        }
    }
    printed
}

#[tokio::test]
async fn a_limit_for_a_plugin_that_no_worker_has_is_warned_of_once() {
    let (lines, _guards) = Lines::collect();
    let plugin_limits = [("lab".to_owned(), 1), ("lap".to_owned(), 1)].into();
    let manager = lab().config(WorkerConfig { plugin_limits, ..workers(2) }).launch().await.unwrap();
    let idle = || manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count();
    assert!(within(Duration::from_secs(60), || idle() == 2).await);
    let line = lines.line("plugin_limits names a plugin that no worker has");
    assert!(line.contains("WARN") && line.contains("plugin=\"lap\"") && line.contains("\"lab\""), "{line}");
    assert_eq!(lines.text().matches("plugin_limits names").count(), 1);
    manager.shutdown().await.unwrap();
}
