//! A process that connects to the worker's socket and is not the worker.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::time::Duration;

use ostler::WorkerCommand;
use ostler_tests::lab::Task;
use ostler_wire::PROTOCOL;

use crate::support::{LAB_WORKER, any, echo, scratch, within};

/// The lab's worker, which tells where it will connect, and with which token, and then waits for a file.
fn hesitant(directory: &Path) -> WorkerCommand {
    let script = "cd \"$1\"; echo $OSTLER_SOCKET $OSTLER_TOKEN > part; mv part told; \
                  while [ ! -e gate ]; do sleep 0.01; done; exec \"$2\"";
    WorkerCommand::program("/bin/sh").arg("-c").arg(script).arg("sh").arg(directory).arg(LAB_WORKER)
}

/// The frame of a Hello: two lengths, the tag, the versions, the process id, the token and the features.
fn hello(token: &str) -> Vec<u8> {
    let numbers = [40, 36, 0, PROTOCOL.highest, PROTOCOL.lowest, std::process::id()];
    let token = u128::from_str_radix(token, 16).unwrap().to_be_bytes();
    let features = [0; 4];
    numbers.iter().flat_map(|number| number.to_le_bytes()).chain(token).chain(features).collect()
}

/// Connects and says all that a worker would say; whether somebody answers.
fn is_heard(socket: &str, token: &str) -> bool {
    let address = SocketAddr::from_abstract_name(socket).unwrap();
    let mut stream = UnixStream::connect_addr(&address).unwrap();
    // The host may have hung up by then.
    let _ = stream.write_all(&hello(token));
    match stream.read(&mut [0; 16]) {
        Ok(count) => count > 0,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_connects_first_does_not_take_the_workers_place() {
    let directory = scratch();
    let launch = tokio::spawn(any::<Task>(hesitant(directory.path())).launch());
    let told = directory.path().join("told");
    assert!(within(Duration::from_secs(20), || told.exists()).await);
    let text = fs::read_to_string(told).unwrap();
    let (socket, token) = text.trim().split_once(' ').unwrap();
    for _ in 0..3 {
        let (socket, token) = (socket.to_owned(), token.to_owned());
        assert!(!tokio::task::spawn_blocking(move || is_heard(&socket, &token)).await.unwrap());
    }

    fs::write(directory.path().join("gate"), "").unwrap();
    let manager = launch.await.unwrap().unwrap();
    let job = manager.start_job("lab", echo("mine")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "mine");
    manager.shutdown().await.unwrap();
}
