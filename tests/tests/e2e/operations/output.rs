//! What a job prints, and whose it is.

use std::time::Duration;

use ostler::{JobEventKind, JobStatus};
use ostler_tests::lab::Task;

use super::story::{lines_come_before_their_chunks, told};
use crate::support::{any, lab_worker, launch, started};

/// Every job prints its number in another way, with the newline or without it; the next one is in the worker as soon as
/// the last one is done.
#[tokio::test]
async fn r31_what_a_job_prints_is_its_own() {
    let manager = launch().await;
    let mut jobs = Vec::new();
    for number in 0..1_000 {
        let task = match number % 5 {
            0 => Task::Print(format!("{number}\n")),
            1 => Task::Complain(format!("{number}\n")),
            2 => Task::Write(format!("{number}\n")),
            3 => Task::Print(number.to_string()),
            _ => Task::PrintInC(number.to_string()),
        };
        jobs.push(manager.start_job("lab", task).await.unwrap());
    }
    for (number, job) in jobs.iter().enumerate() {
        assert_eq!(job.output().await.unwrap(), "done");
        let story = told(job).await;
        let (own, other) = match number % 5 {
            1 => (story.complained, story.printed),
            _ => (story.printed, story.complained),
        };
        assert_eq!((own, other), (vec![number.to_string()], vec![]), "job {number}");
        assert_eq!((story.last, story.dropped_lines), ("completed", 0));
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r31_lines_of_the_plugin_its_libraries_and_its_children_come_in_order() {
    let manager = launch().await;
    let steps = vec![
        Task::Print("rust\n\n".into()),
        Task::Write("native\n".into()),
        Task::PrintInC("c\n".into()),
        Task::Shell("echo child; echo child complains >&2; (echo grandchild)".into()),
        Task::Complain("rust complains\n".into()),
        Task::Print("letters: äö€\n".into()),
        Task::Write("no newline".into()),
    ];
    let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
    let story = told(&job).await;
    let printed = ["rust", "", "native", "c", "child", "grandchild", "letters: äö€", "no newline"];
    assert_eq!(story.printed, printed);
    assert_eq!(story.complained, ["child complains", "rust complains"]);
    manager.shutdown().await.unwrap();
}

/// Whoever acts upon a chunk finds what was printed before it, also if it cancels the job.
#[tokio::test]
async fn r31_what_is_printed_before_a_chunk_comes_before_it() {
    let manager = launch().await;
    let steps = (0..500).flat_map(|number| [Task::Print(format!("{number}\n")), Task::Emit(1, 0)]).collect();
    let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
    lines_come_before_their_chunks(&job, 500).await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r31_a_thousand_lines_at_once_are_all_there() {
    let manager = launch().await;
    let lines: Vec<String> = (0..1_000).map(|number| format!("line {number}")).collect();
    let task = Task::Write(lines.iter().map(|line| format!("{line}\n")).collect());
    let job = manager.start_job("lab", task).await.unwrap();
    job.output().await.unwrap();
    let story = told(&job).await;
    assert_eq!(story.printed, lines);
    assert_eq!((story.missed, story.dropped_lines), (0, 0));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r31_what_a_job_printed_last_before_it_died_is_in_its_events() {
    for death in [Task::Segfault, Task::Exit(3), Task::Abort(String::new())] {
        let manager = any(lab_worker()).launch().await.unwrap();
        let last = [Task::Print("one\n".into()), Task::Write("two".into()), Task::Complain("three".into())];
        let steps = last.into_iter().chain([death]).collect();
        let job = manager.start_job("lab", Task::Steps(steps)).await.unwrap();
        let story = told(&job).await;
        assert_eq!((story.printed, story.last), (vec!["one".into(), "two".into()], "failed"));
        assert_eq!(story.complained[0], "three");
        manager.shutdown().await.unwrap();
    }
}

/// A question without a newline, and no answer: whoever looks for why the job hung finds it.
#[tokio::test]
async fn r31_an_unfinished_line_is_told_when_its_job_is_killed() {
    let question =
        || Task::Steps(vec![Task::Write("Overwrite? [y/N] ".into()), Task::Progress(1), Task::Spin]);
    let manager = any(lab_worker()).launch().await.unwrap();
    let timed_out = manager.job("lab", question()).timeout(Duration::from_secs(1));
    let stalled = manager.job("lab", question()).stall_timeout(Duration::from_secs(1));
    for job in [timed_out.start().await.unwrap(), stalled.start().await.unwrap()] {
        let story = told(&job).await;
        assert_eq!((story.printed, story.last), (vec!["Overwrite? [y/N] ".to_owned()], "failed"));
    }
    let job = manager.start_job("lab", question()).await.unwrap();
    let mut events = job.events();
    while let Some(event) = events.next().await {
        // Sent after the question.
        if matches!(event.unwrap().kind, JobEventKind::Progress { .. }) {
            break;
        }
    }
    assert!(manager.cancel_job(job.id()).await.unwrap());
    let story = told(&job).await;
    assert_eq!((story.printed, story.last), (vec!["Overwrite? [y/N] ".to_owned()], "cancelled"));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r31_an_unfinished_line_is_told_while_its_job_runs() {
    let manager = launch().await;
    let task = Task::Steps(vec![Task::Write("Overwrite? [y/N] ".into()), Task::Spin]);
    let job = manager.start_job("lab", task).await.unwrap();
    started(&job).await;
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if let JobEventKind::Output { text, .. } = event.unwrap().kind {
            assert_eq!(text, "Overwrite? [y/N] ");
            break;
        }
    }
    assert!(manager.cancel_job(job.id()).await.unwrap());
    manager.shutdown().await.unwrap();
}

/// A progress bar is written anew, and dots have no line at all.
#[tokio::test]
async fn r31_a_job_that_prints_without_newlines_is_not_silent() {
    let manager = any(lab_worker()).launch().await.unwrap();
    for (mark, lines) in [("\r10 %", 5), (".", 1)] {
        let step = || [Task::Write(mark.into()), Task::Linger(Duration::from_millis(500))];
        let steps = (0..5).flat_map(|_| step()).collect();
        let bar = manager.job("lab", Task::Steps(steps)).stall_timeout(Duration::from_millis(1_500));
        let job = bar.start().await.unwrap();
        let record = job.finished().await;
        assert_eq!(record.status, JobStatus::Completed, "{mark:?}: {:?}", record.error);
        let printed = told(&job).await.printed;
        assert!(printed.len() >= lines, "{printed:?}");
    }
    manager.shutdown().await.unwrap();
}
