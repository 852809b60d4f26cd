//! `events()` of a manager and of a job.

use std::time::Duration;

use ostler::{
    JobEventKind, JobId, ManagerEvent, ManagerEventKind, ManagerEvents, RestartPolicy, WorkerConfig,
    WorkerPhase,
};
use ostler_tests::lab::Task;

use crate::support::{Gate, echo, lab, launch, started};

/// All until the manager's end, one word each.
async fn story(mut events: ManagerEvents, job: JobId) -> Vec<String> {
    let mut story = Vec::new();
    while let Some(event) = events.next().await {
        story.push(match event.unwrap().kind {
            ManagerEventKind::Job { job: id, plugin, event } => {
                assert_eq!((id, plugin.as_str()), (job, "lab"));
                format!("{}. {}", event.seq, event.kind.name())
            }
            ManagerEventKind::Worker(worker) => format!("worker {}", worker.state.phase),
            ManagerEventKind::Degraded(_) => "degraded".to_owned(),
            ManagerEventKind::Recovered => "recovered".to_owned(),
            ManagerEventKind::Down(_) => "down".to_owned(),
            ManagerEventKind::Up => "up".to_owned(),
            ManagerEventKind::Paused => "paused".to_owned(),
            ManagerEventKind::Resumed => "resumed".to_owned(),
            ManagerEventKind::RecyclingRefused(figures) => figures,
        });
    }
    story
}

#[tokio::test]
async fn events_of_a_manager_tell_all_of_jobs_and_workers_in_order_to_every_reader() {
    let manager = launch().await;
    let readers = [manager.events(), manager.events()];
    let job = manager.start_job("lab", Task::Mixed(1)).await.unwrap();
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();
    let expected = [
        "1. queued",
        "worker busy",
        "2. started",
        "3. chunk",
        "4. progress",
        "5. log",
        "6. chunk",
        "7. completed",
        "worker idle",
        "worker draining",
        "worker gone",
    ];
    for reader in readers {
        assert_eq!(story(reader, job.id()).await, expected);
    }
    assert!(manager.events().next().await.is_none(), "nothing comes after the end");
}

#[tokio::test]
async fn a_manager_tells_that_it_is_down_and_that_it_is_up_again() {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 0,
        shutdown_timeout: Duration::ZERO,
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let mut events = manager.events();
    let job = manager.start_job("lab", Task::Exit(4)).await.unwrap();
    job.output().await.unwrap_err();
    let mut next = async || loop {
        match events.next().await.unwrap().unwrap().kind {
            ManagerEventKind::Down(reason) => return format!("down: {reason}"),
            ManagerEventKind::Up => return "up".to_owned(),
            ManagerEventKind::Worker(worker) if worker.state.phase == WorkerPhase::Gone => {
                assert_eq!(worker.cause.as_deref(), Some("exited with code 4"));
            }
            _ => {}
        }
    };
    assert!(next().await.ends_with("the last worker exited with code 4"));
    manager.restart_worker().await.unwrap();
    assert_eq!(next().await, "up");
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_told_how_much_it_missed_and_nobody_waits_for_it() {
    let manager = launch().await;
    let mut sleeper = manager.events();
    let job = manager.start_job("lab", Task::Progress(3000)).await.unwrap();
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();
    let missed = sleeper.next().await.unwrap().unwrap_err();
    // Queued, busy, started, the reports, completed, idle, draining, gone: all but the latest 1,024.
    assert_eq!(missed.count, 3000 + 7 - 1024);
    let mut left = 0;
    while let Some(event) = sleeper.next().await {
        event.unwrap();
        left += 1;
    }
    assert_eq!(left, 1024);
}

#[tokio::test]
async fn events_of_a_job_begin_with_its_queueing_whenever_they_are_asked_for() {
    let manager = launch().await;
    let gate = Gate::new();
    let holder = manager.start_job("lab", gate.task()).await.unwrap();
    started(&holder).await;
    let job = manager.start_job("lab", echo("")).await.unwrap();
    let mut early = job.events();
    gate.open();
    job.output().await.unwrap();
    let mut late = job.events();
    for (number, name) in ["queued", "started", "completed"].into_iter().enumerate() {
        let [one, two] = [early.next().await.unwrap().unwrap(), late.next().await.unwrap().unwrap()];
        assert_eq!((one.seq, one.kind.name()), (number as u64 + 1, name));
        assert_eq!(one, two);
        if let JobEventKind::Started { pid, attempt } = one.kind {
            assert_eq!((pid, attempt), (job.finished().await.worker_pid, 1));
        }
    }
    assert!(early.next().await.is_none() && late.next().await.is_none());
}

#[tokio::test]
async fn what_a_plugin_says_is_in_the_events_and_chunks_can_be_decoded() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::Emit(3, 2)).await.unwrap();
    let (mut events, mut chunks, mut ends) = (job.events(), Vec::new(), 0);
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        match event.chunk::<String>() {
            Some(chunk) => chunks.push(chunk.unwrap()),
            None => ends += u32::from(matches!(event.kind, JobEventKind::Chunk { is_final: true, .. })),
        }
    }
    assert_eq!((chunks.join(", ").as_str(), ends), ("0 xx, 1 xx, 2 xx", 1));
}

/// A reader that comes back, as after a lost connection.
#[tokio::test]
async fn the_events_of_a_manager_have_numbers_and_begin_at_one_of_them() {
    let manager = launch().await;
    // Nobody reads yet: nothing is made of this.
    manager.start_job("lab", echo("unseen")).await.unwrap().output().await.unwrap();
    let mut events = manager.events();
    manager.pause();
    manager.resume();
    let mut seen = Vec::new();
    while !seen.last().is_some_and(|event: &ManagerEvent| matches!(event.kind, ManagerEventKind::Resumed)) {
        seen.push(events.next().await.unwrap().unwrap());
    }
    assert!(seen.iter().zip(1..).all(|(event, seq)| event.seq == seq), "{seen:?}");
    drop(events);
    manager.pause();
    let last = seen.last().unwrap().seq;
    let mut again = manager.events().starting_at(last);
    let kinds = [again.next().await.unwrap().unwrap(), again.next().await.unwrap().unwrap()];
    assert_eq!(kinds.each_ref().map(|event| event.seq), [last, last + 1]);
    assert!(matches!(kinds[1].kind, ManagerEventKind::Paused), "it happened while nobody read");
    let json = serde_json::to_value(&kinds[1]).unwrap();
    assert_eq!((&json["seq"], &json["type"]), (&(last + 1).into(), &"paused".into()), "{json}");
    let mut all = manager.events().starting_at(0);
    assert_eq!(all.next().await.unwrap().unwrap().seq, 1);
    manager.resume();
    let ended = manager.start_job("lab", echo("last")).await.unwrap();
    ended.output().await.unwrap();
    manager.shutdown().await.unwrap();
    assert!(manager.events().next().await.is_none(), "nothing happens any more");
    let mut late = manager.events().starting_at(last);
    let mut count = 0;
    while let Some(event) = late.next().await {
        assert_eq!(event.unwrap().seq, last + count);
        count += 1;
    }
    assert!(count > 2, "what has happened can be read");
    assert!(manager.set_metadata(ended.id(), "after", "the end"));
    assert!(late.next().await.is_none(), "the end stays the end");
    assert!(manager.events().starting_at(last + count + 5).next().await.is_none(), "and comes for everybody");
}
