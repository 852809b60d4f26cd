use std::io::{Read, Write};
use std::os::fd::IntoRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::BytesMut;
use ostler_wire::{
    DEFAULT_MAX_FRAME_BYTES, Execute, FromWorker, Init, Payload, ToWorker, decode, encode, env,
};
use uuid::Uuid;

use crate::probe::Order;

/// No test waits this long; it ends one that would wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const STARTS_A_WORKER: &str = "host-that-starts-a-worker";
pub(crate) const LISTENS_AND_FORKS: &str = "host-that-listens-and-forks";
pub(crate) const WITH_THREADS: &str = "worker-with-threads";

const TOKEN: &str = "000102030405060708090a0b0c0d0e0f";

/// A socket name that nobody else has.
pub(crate) fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("ostler-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn listen(name: &str) -> UnixListener {
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap()
}

/// This program as a worker in a group of its own, its output captured.
pub(crate) fn worker(name: &str) -> Command {
    let mut command = this_program();
    command.env(env::SOCKET, name).env(env::TOKEN, TOKEN).process_group(0);
    command
}

pub(crate) fn this_program() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The host's end of a connection.
pub(crate) struct Connection {
    pub(crate) stream: UnixStream,
    buffer: BytesMut,
}

impl Connection {
    /// Starts a worker, and loads its plugin.
    pub(crate) fn start(mut command: impl FnMut(&str) -> Command) -> (Child, Self) {
        let name = fresh_name();
        let listener = listen(&name);
        let child = command(&name).spawn().unwrap();
        let (sender, accepted) = channel();
        std::thread::spawn(move || sender.send(listener.accept()));
        let (stream, _) = accepted.recv_timeout(PATIENCE).expect("the worker does not connect").unwrap();
        let mut connection = Self { stream, buffer: BytesMut::new() };
        connection.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let FromWorker::Hello(hello) = connection.receive() else { panic!("no Hello") };
        assert_eq!(hello.token, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        connection.send(&ToWorker::Init(Init {
            request: 1,
            protocol: ostler_wire::PROTOCOL.highest,
            plugins: Vec::new(),
            only_these: false,
            max_frame_bytes: 1 << 20,
            spin_ns: 0,
            shared_memory_bytes: 0,
            ring: false,
        }));
        assert!(matches!(connection.receive(), FromWorker::Ready { failed, .. } if failed.is_empty()));
        (child, connection)
    }

    pub(crate) fn send(&mut self, message: &ToWorker) {
        let mut frame = BytesMut::new();
        encode(message, DEFAULT_MAX_FRAME_BYTES, &mut frame).unwrap();
        self.stream.write_all(&frame).unwrap();
    }

    pub(crate) fn receive(&mut self) -> FromWorker {
        let mut chunk = [0; 4096];
        loop {
            if let Some(message) = decode(&mut self.buffer, DEFAULT_MAX_FRAME_BYTES).unwrap() {
                return message;
            }
            match self.stream.read(&mut chunk).expect("the worker says nothing") {
                0 => panic!("the worker closed the connection"),
                count => self.buffer.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Sends a job, and waits until it has started.
    pub(crate) fn order(&mut self, order: &Order) {
        self.send(&ToWorker::Execute(Execute {
            request: 2,
            job: Uuid::from_u128(7).into(),
            attempt: 1,
            plugin: "probe".into(),
            deadline_ms: None,
            stream: true,
            payload: Payload::json(order).unwrap(),
        }));
        assert!(matches!(self.receive(), FromWorker::Started { .. }));
    }
}

/// Reads to the end, which comes when nobody has the other end open any more.
pub(crate) fn read_to_end(mut source: impl Read + Send + 'static) -> String {
    let (sender, whole) = channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        source.read_to_string(&mut text).unwrap();
        sender.send(text)
    });
    whole.recv_timeout(PATIENCE).expect("somebody lives on and keeps the pipe open")
}

/// A host by proxy: it is the worker's parent, and the socket is somebody else's.
pub(crate) fn start_a_worker_and_wait() {
    let name = std::env::args().nth(2).unwrap();
    worker(&name).stdout(Stdio::inherit()).spawn().unwrap().wait().unwrap();
}

/// A host that dies and leaves its socket to a child. The child ends with whoever reads its stdout.
pub(crate) fn listen_fork_and_exit() {
    let name = std::env::args().nth(2).unwrap();
    // The child closes it.
    let _socket = listen(&name).into_raw_fd();
    // SAFETY: this process has one thread.
    if unsafe { libc::fork() } == 0 {
        let mut poll = libc::pollfd { fd: 1, events: 0, revents: 0 };
        // SAFETY: the structure outlives the call. A pipe without a reader is an error, which always wakes.
        unsafe { libc::poll(&raw mut poll, 1, -1) };
        std::process::exit(0);
    }
    std::process::exit(0);
}
