//! What goes to `tracing`.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ostler_tests::lab::Task;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::support::{launch, started};

/// The lines of this test alone: its subscriber is that of its thread, and its runtime has no other.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

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
    let lines = Lines::default();
    let writer = lines.clone();
    // With one subscriber in the process, `tracing` lets the thread that comes to a log line first decide for all
    // whether anybody listens, and that may be another test's. With two it asks both.
    let _second = tracing_subscriber::fmt().with_max_level(LevelFilter::OFF).finish().set_default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = subscriber.set_default();
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Mixed(1)).await.unwrap();
    let pid = started(&job).await;
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line = |what: &str| {
        let found = text.lines().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what:?} in\n{text}")).to_owned()
    };
    let id = format!("job={}", job.id());
    for what in [" started ", " ended "] {
        let line = line(what);
        for field in [&id, "plugin=lab", "worker=0.1"] {
            assert!(line.contains(field), "{field} is not in: {line}");
        }
    }
    let (gone, pid) = (line("worker gone"), format!("pid={pid}"));
    assert!(gone.contains("worker=0.1") && gone.contains(&pid), "{gone}");
    // What the plugin logged itself.
    assert!(text.lines().any(|line| line.contains(&job.id().to_string()) && line.contains("INFO")), "{text}");
}
