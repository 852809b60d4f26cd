#![expect(clippy::unwrap_used)]

use std::os::fd::OwnedFd;

use bytes::BytesMut;
use interprocess::os::unix::uds_local_socket::tokio::Stream as Uds;
use ostler_shm::Arena;
use ostler_wire::{Execute, Payload, ToWorker, frame};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use uuid::Uuid;

use super::Wire;

const LIMIT: usize = 1024 * 1024;

fn wire() -> (Wire, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let stream = Uds::try_from(OwnedFd::from(ours.into_std().unwrap())).unwrap();
    (Wire::new(stream.into(), LIMIT, false, Arena::of_host(None)), theirs)
}

fn job(request: u64) -> Execute {
    Execute {
        request,
        job: Uuid::nil().into(),
        attempt: 1,
        plugin: "echo".to_owned(),
        deadline_ms: None,
        stream: false,
        payload: Payload::raw(vec![b'x'; 64 * 1024]),
    }
}

/// The requests of so many messages, in the order in which they come.
async fn requests(wire: &Wire, socket: &mut UnixStream, count: usize) -> Vec<u64> {
    tokio::select! {
        requests = read(socket, count) => requests,
        never = wire.flush() => match never {},
    }
}

async fn read(socket: &mut UnixStream, count: usize) -> Vec<u64> {
    let (mut buffer, mut chunk) = (BytesMut::new(), vec![0; LIMIT]);
    let mut requests = Vec::new();
    while requests.len() < count {
        match frame::decode(&mut buffer, LIMIT).unwrap() {
            Some(ToWorker::Ping { request }) => requests.push(request),
            Some(ToWorker::Execute(execute)) => requests.push(execute.request),
            Some(other) => unreachable!("{other:?}"),
            None => {
                let read = socket.read(&mut chunk).await.unwrap();
                assert_ne!(read, 0, "only {requests:?} came");
                buffer.extend_from_slice(&chunk[..read]);
            }
        }
    }
    requests
}

#[tokio::test]
async fn nothing_overtakes_a_large_job_that_is_on_its_way() {
    let (wire, mut socket) = wire();
    wire.send(ToWorker::Ping { request: 1 }).unwrap();
    wire.hold();
    wire.send(ToWorker::Ping { request: 3 }).unwrap();
    wire.send(ToWorker::Ping { request: 4 }).unwrap();
    wire.deliver(job(2)).unwrap();
    wire.send(ToWorker::Ping { request: 5 }).unwrap();
    assert_eq!(requests(&wire, &mut socket, 5).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_job_that_is_too_large_keeps_nothing_back() {
    let (wire, mut socket) = wire();
    wire.hold();
    wire.send(ToWorker::Ping { request: 2 }).unwrap();
    let job = Execute { payload: Payload::raw(vec![b'x'; LIMIT]), ..job(1) };
    assert!(wire.deliver(job).is_err());
    assert_eq!(requests(&wire, &mut socket, 1).await, [2]);
}
