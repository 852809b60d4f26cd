//! A job's events, sorted.

use ostler::{JobEventKind, JobEvents, JobHandle, OutputStream};
use ostler_tests::lab::Task;

/// What is in a job's events.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) printed: Vec<String>,
    pub(crate) complained: Vec<String>,
    pub(crate) chunks: Vec<u64>,
    pub(crate) dropped_lines: u64,
    pub(crate) dropped_bytes: u64,
    pub(crate) missed: u64,
    pub(crate) last: &'static str,
}

/// Reads them to their end.
pub(crate) async fn story(mut events: JobEvents) -> Story {
    let mut story = Story::default();
    let mut next = 1;
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(missed) => {
                story.missed += missed.count;
                next += missed.count;
                continue;
            }
        };
        assert_eq!(event.seq, next, "numbered without a gap");
        next += 1;
        story.last = event.kind.name();
        match event.kind {
            JobEventKind::Output { stream: OutputStream::Stdout, text } => story.printed.push(text),
            JobEventKind::Output { stream: OutputStream::Stderr, text } => story.complained.push(text),
            JobEventKind::OutputDropped { lines, bytes } => {
                story.dropped_lines += lines;
                story.dropped_bytes += bytes;
            }
            JobEventKind::Chunk { seq, is_final: false, .. } => story.chunks.push(seq),
            _ => {}
        }
    }
    story
}

/// All that a job says, from its queueing to its end.
pub(crate) async fn told(job: &JobHandle<Task>) -> Story {
    story(job.events()).await
}

/// Reads the events of a job that prints a line before each of so many chunks.
pub(crate) async fn lines_come_before_their_chunks(job: &JobHandle<Task>, count: usize) {
    let (mut events, mut printed, mut chunks) = (job.events(), 0, 0);
    while let Some(event) = events.next().await {
        match event.unwrap().kind {
            JobEventKind::Output { .. } => printed += 1,
            JobEventKind::Chunk { is_final: false, .. } => {
                chunks += 1;
                assert!(printed >= chunks, "chunk {chunks} came after {printed} lines");
            }
            _ => {}
        }
    }
    assert_eq!((printed, chunks), (count, count));
}
