//! A worker that was written from `docs/wire.md` alone.

use std::fs;

use ostler::WorkerCommand;

use super::{Echo, ROGUE, echo, rogue};
use crate::support::{any, config, group, scratch, started};

#[tokio::test]
async fn a_worker_written_from_the_page_on_the_wire_runs_jobs() {
    let manager = any::<Echo>(rogue("well-behaved")).launch().await.unwrap();
    let [plugin] = &*manager.plugins() else { panic!("{:?}", manager.plugins()) };
    let told = [&plugin.name, &plugin.version, &plugin.category, &plugin.description].map(String::as_str);
    assert_eq!(told, ["echo", "1.0", "test", "Returns what it got"]);
    assert!(!plugin.streaming && plugin.parameters.is_empty());

    let mut pids = Vec::new();
    for text in ["", "hello", &"x".repeat(1_000_000)] {
        let job = manager.start_job("echo", echo(text)).await.unwrap();
        pids.push(started(&job).await);
        assert!(job.output().await.unwrap() == text);
    }
    assert!(pids.iter().all(|pid| *pid == pids[0]), "in one worker: {pids:?}");

    let job = manager.job("echo", echo("with")).attach("photo", "image/png", vec![7; 100_000]).start();
    let job = job.await.unwrap().finished().await;
    let photo = job.attachment("photo").unwrap();
    assert_eq!((photo.media_type.as_str(), photo.bytes.len()), ("image/png", 100_000));
    manager.shutdown().await.unwrap();
    assert_eq!(group(pids[0]), [0; 0]);
}

#[tokio::test]
async fn a_worker_written_from_the_page_on_the_wire_does_as_it_is_told() {
    let manager = any::<Echo>(rogue("well-behaved")).launch().await.unwrap();
    let pid = manager.workers()[0].pid;
    manager.start_job("echo", echo("")).await.unwrap().output().await.unwrap();
    manager.reload_plugin("echo", config(serde_json::json!({"loud": true}))).await.unwrap();
    manager.unload_plugin("echo").await.unwrap();
    let [report] = &manager.get_worker_state().await.unwrap()[..] else { panic!("one worker") };
    assert_eq!((Some(report.pid), report.jobs_done, report.current_job), (pid, 1, None));
    assert_eq!(report.loaded, ["echo"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_may_finish_on_its_own() {
    let directory = scratch();
    let file = directory.path().join("code");
    let script = r#""$1" well-behaved; echo $? > "$2""#;
    let command = WorkerCommand::program("/bin/sh").arg("-c").arg(script).arg("sh").arg(ROGUE).arg(&file);
    let manager = any::<Echo>(command).launch().await.unwrap();
    manager.shutdown().await.unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), "0\n");
}
