//! What a job says before its result: chunks, progress, logs.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::net::Shutdown;

use common::Host;
use common::lab::{Lab, Order};
use ostler_wire::{Encoding, FromWorker, LogLevel, Payload};
use ostler_worker::ServeError;

fn host() -> Host {
    Host::ready(|plugins| plugins.register::<Lab>())
}

fn order(order: &Order) -> Payload {
    Payload::json(order).unwrap()
}

/// Checks the numbers of a stream and that it is closed; returns the chunks before the closing one.
fn chunks(said: Vec<FromWorker>) -> Vec<Payload> {
    let count = said.len() as u64;
    let mut chunks = Vec::new();
    for (expected, message) in (0..).zip(said) {
        let FromWorker::StreamChunk { seq, is_final, payload, .. } = message else { panic!("{message:?}") };
        assert_eq!((seq, is_final), (expected, expected + 1 == count));
        chunks.push(payload);
    }
    assert_eq!(chunks.pop(), Some(Payload::empty()), "the stream is not closed by an empty chunk");
    chunks
}

#[test]
fn chunks_come_in_order_and_the_stream_is_closed_before_the_result() {
    let mut host = host();
    for fail in [false, true] {
        let job = host.start("lab", order(&Order::Emit { chunks: 5, fail }), true);
        let (said, outcome) = host.finish(job);
        let chunks = chunks(said);
        assert!(chunks.iter().all(|chunk| chunk.encoding() == Encoding::Json));
        let numbers: Vec<u32> = chunks.iter().map(|chunk| chunk.decode().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!(outcome.is_err(), fail);
    }
}

#[test]
fn a_stream_without_chunks_is_not_closed() {
    let mut host = host();
    let job = host.start("lab", order(&Order::Emit { chunks: 0, fail: false }), true);
    assert_eq!(host.finish(job).0, []);
}

#[test]
fn chunks_that_nobody_asked_for_are_not_sent() {
    let mut host = host();
    host.run("lab", order(&Order::Emit { chunks: 5, fail: false })).unwrap();
}

#[test]
fn chunks_of_several_threads_are_numbered_without_a_gap() {
    let mut host = host();
    let job = host.start("lab", order(&Order::EmitFromThreads), true);
    let (said, outcome) = host.finish(job);
    outcome.unwrap();
    assert_eq!(chunks(said).len(), 200);
}

#[test]
fn progress_and_logs_carry_the_job_and_sane_numbers() {
    let mut host = host();
    let job = host.start("lab", order(&Order::Talk), false);
    let (said, _) = host.finish(job);
    let progress = |fraction, message: &str| FromWorker::Progress {
        job,
        attempt: 3,
        fraction,
        message: message.into(),
        data: None,
    };
    let log = |level, message: &str| FromWorker::Log { job: Some(job), level, message: message.into() };
    let expected = [
        progress(0.25, "a quarter"),
        progress(1.0, "too much"),
        progress(0.0, "nothing"),
        log(LogLevel::Trace, "trace"),
        log(LogLevel::Warn, "warn"),
    ];
    assert_eq!(said, expected);
}

/// The plugin is stuck in a write, since nobody reads. Only the host's sending half is closed, so that
/// the write goes on waiting: whoever reads has to notice.
#[test]
fn a_plugin_stuck_in_a_full_socket_does_not_hide_a_hang_up() {
    let mut host = host();
    host.start("lab", order(&Order::Flood), true);
    host.stream.shutdown(Shutdown::Write).unwrap();
    host.await_hang_up();
    let (outcome, ..) = host.end();
    assert!(matches!(outcome, Err(ServeError::Write { .. } | ServeError::HungUp)), "{outcome:?}");
}

/// A full socket must not stop answers from being made either; they come when the host reads again.
#[test]
fn a_ping_is_answered_among_the_chunks_of_a_flood() {
    let mut host = host();
    let job = host.start("lab", order(&Order::Flood), true);
    host.send(&ostler_wire::ToWorker::Ping { request: 5 });
    let mut chunks = 0;
    loop {
        match host.receive() {
            FromWorker::Pong { request: 5 } => break,
            FromWorker::StreamChunk { job: of, seq, .. } => {
                assert_eq!((of, seq), (job, chunks));
                chunks += 1;
            }
            other => panic!("{other:?}"),
        }
    }
}
