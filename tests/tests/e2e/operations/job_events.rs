//! `job_events()`: what a job gave and printed is kept after its end.

use ostler::WorkerConfig;
use ostler_tests::lab::Task;

use super::story::story;
use crate::support::{any, echo, lab, lab_worker, launch};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn r30_what_a_job_gave_is_kept_by_its_id_after_a_cancel_and_after_a_crash() {
    let manager = any(lab_worker()).launch().await.unwrap();
    let parts = || vec![Task::Emit(50, 10), Task::Print("printed\n".into()), Task::Emit(50, 10)];
    let ends_with = |last| Task::Steps(parts().into_iter().chain([last]).collect());

    let crashed = manager.start_job("lab", ends_with(Task::Segfault)).await.unwrap();
    crashed.output().await.unwrap_err();
    let cancelled = manager.start_job("lab", ends_with(Task::Spin)).await.unwrap();
    let mut events = manager.job_events(cancelled.id()).unwrap();
    let mut chunks = 0;
    while chunks < 100 {
        chunks += i32::from(events.next().await.unwrap().unwrap().kind.name() == "chunk");
    }
    assert!(cancelled.cancel().await.unwrap().is_cancelled());

    for (job, end) in [(crashed, "failed"), (cancelled, "cancelled")] {
        let id = job.id();
        drop(job);
        let story = story(manager.job_events(id).unwrap()).await;
        assert_eq!(story.chunks, (0..100).collect::<Vec<_>>(), "{end}");
        assert_eq!((story.printed, story.last), (vec!["printed".to_owned()], end));
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r30_events_are_known_by_id_as_long_as_the_job_is() {
    let config = WorkerConfig { finished_jobs_kept: 2, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let job = manager.start_job("lab", Task::Emit(1, 1)).await.unwrap();
        assert!(manager.job_events(job.id()).is_some());
        job.output().await.unwrap();
        ids.push(job.id());
    }
    let known = || ids.iter().map(|id| manager.job_events(*id).is_some()).collect::<Vec<_>>();
    assert_eq!(known(), [false, true, true], "the oldest record had to go");
    let pending = manager.start_job("lab", Task::TidyUp).await.unwrap();
    assert_eq!(manager.clear_completed_jobs(), 2);
    assert_eq!(known(), [false, false, false]);
    assert!(manager.job_events(pending.id()).is_some());
    assert!(pending.cancel().await.unwrap().is_cancelled());
    manager.shutdown().await.unwrap();
}

/// Logs of 3 MiB: of those of ended jobs 21 have room.
#[tokio::test]
async fn r30_the_events_of_ended_jobs_have_room_in_64_mib_and_the_oldest_go() {
    let manager = launch().await;
    let mut jobs = Vec::new();
    for _ in 0..28 {
        let job = manager.start_job("lab", Task::Emit(3, MIB)).await.unwrap();
        job.output().await.unwrap();
        jobs.push(job.id());
    }
    let kept: Vec<_> = jobs.iter().map(|id| manager.job_events(*id).is_some()).collect();
    let first = kept.iter().position(|is_kept| *is_kept).unwrap();
    assert!((7..9).contains(&first), "{kept:?}");
    assert!(kept[first..].iter().all(|is_kept| *is_kept), "{kept:?}");
    assert!(manager.get_job(jobs[0]).is_some(), "its record stays");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_remembered_of_jobs_after_their_end_takes_no_more_room_either() {
    let manager = launch().await;
    let mut jobs = Vec::new();
    for _ in 0..18 {
        let job = manager.start_job("lab", echo("")).await.unwrap();
        job.output().await.unwrap();
        jobs.push(job.id());
    }
    for job in &jobs {
        assert!(manager.set_metadata(*job, "preview", "x".repeat(4 * MIB)));
    }
    let kept: Vec<bool> = jobs.iter().map(|job| manager.job_events(*job).is_some()).collect();
    assert!(!kept[0] && kept[17], "{kept:?}");
    assert!(manager.get_job(jobs[0]).unwrap().metadata.get("preview").is_some(), "the record has it");
    manager.shutdown().await.unwrap();
}
