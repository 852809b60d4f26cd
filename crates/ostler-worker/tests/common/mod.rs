//! A host's end of a connection, and a plugin that does what it is told. `serve` runs on a thread.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, reason = "shared by tests")]

pub mod lab;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use ostler_wire::*;
use ostler_worker::{PluginManager, PluginSet, ServeError, ServeOptions, serve};
use uuid::Uuid;

/// No test waits this long; it ends one that would wait for ever.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Host {
    pub stream: UnixStream,
    buffer: BytesMut,
    worker: JoinHandle<(Result<(), ServeError>, Vec<String>)>,
    hung_up: Receiver<()>,
    requests: u64,
}

impl Host {
    /// A worker that has said Hello and waits for Init.
    pub fn connect(register: impl FnOnce(&mut PluginSet) + Send + 'static) -> (Self, Hello) {
        Self::connect_with(|| {
            let mut plugins = PluginSet::new();
            register(&mut plugins);
            plugins
        })
    }

    pub fn connect_with<M: PluginManager>(make: impl FnOnce() -> M + Send + 'static) -> (Self, Hello) {
        let (stream, theirs) = UnixStream::pair().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (sender, hung_up) = channel();
        let on_hang_up = Arc::new(move || sender.send(()).unwrap());
        let worker = std::thread::spawn(move || {
            let mut plugins = make();
            let options = ServeOptions { token: [7; 16], on_hang_up };
            let outcome = serve(theirs.try_clone().unwrap(), theirs, &mut plugins, options);
            (outcome, lab::dropped())
        });
        let mut host = Self { stream, buffer: BytesMut::new(), worker, hung_up, requests: 0 };
        let FromWorker::Hello(hello) = host.receive() else { panic!("no Hello") };
        (host, hello)
    }

    /// A worker with all its plugins loaded.
    pub fn ready(register: impl FnOnce(&mut PluginSet) + Send + 'static) -> Self {
        let (mut host, _) = Self::connect(register);
        let (_, failed) = host.init(&[], false);
        assert_eq!(failed, []);
        host
    }

    pub fn init(
        &mut self,
        plugins: &[(&str, &str)],
        only_these: bool,
    ) -> (Vec<PluginManifest>, Vec<LoadFailure>) {
        self.send(&ToWorker::Init(init(plugins, only_these)));
        match self.receive() {
            FromWorker::Ready { request: 99, loaded, failed } => (loaded, failed),
            other => panic!("{other:?} instead of Ready"),
        }
    }

    pub fn send(&mut self, message: &ToWorker) {
        let mut frame = BytesMut::new();
        encode(message, DEFAULT_MAX_FRAME_BYTES, &mut frame).unwrap();
        self.stream.write_all(&frame).unwrap();
    }

    pub fn receive(&mut self) -> FromWorker {
        self.try_receive().expect("the worker closed the connection")
    }

    /// The next message; `None` at the end of the connection.
    pub fn try_receive(&mut self) -> Option<FromWorker> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(message) = decode(&mut self.buffer, DEFAULT_MAX_FRAME_BYTES).unwrap() {
                return Some(message);
            }
            match self.stream.read(&mut chunk).expect("the worker says nothing") {
                0 => return None,
                count => self.buffer.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Sends a job and awaits its Started.
    pub fn start(&mut self, plugin: &str, payload: Payload, stream: bool) -> JobId {
        self.requests += 1;
        let (request, job) = (self.requests, JobId::from_uuid(Uuid::from_u128(u128::from(self.requests))));
        let plugin = plugin.to_owned();
        let deadline_ms = Some(60_000);
        self.send(&ToWorker::Execute(Execute {
            request,
            job,
            attempt: 3,
            plugin,
            deadline_ms,
            stream,
            payload,
        }));
        assert_eq!(self.receive(), FromWorker::Started { request, job, attempt: 3 });
        job
    }

    /// What comes until the job's Result, and the Result's outcome.
    pub fn finish(&mut self, expected: JobId) -> (Vec<FromWorker>, Result<Payload, Failure>) {
        let mut before = Vec::new();
        loop {
            match self.receive() {
                FromWorker::Result { job, attempt, outcome, .. } => {
                    assert_eq!((job, attempt), (expected, 3));
                    return (before, outcome);
                }
                other => before.push(other),
            }
        }
    }

    /// Runs a job that says nothing but its result.
    pub fn run(&mut self, plugin: &str, payload: Payload) -> Result<Payload, Failure> {
        let job = self.start(plugin, payload, false);
        let (before, outcome) = self.finish(job);
        assert_eq!(before, []);
        outcome
    }

    /// Sends a command and returns what its Response says.
    pub fn command(&mut self, request: u64, message: &ToWorker) -> Result<(), String> {
        self.send(message);
        match self.receive() {
            FromWorker::Response { request: answered, result } if answered == request => result,
            other => panic!("{other:?} instead of Response {request}"),
        }
    }

    pub fn state(&mut self) -> WorkerReport {
        self.send(&ToWorker::GetState { request: 77 });
        match self.receive() {
            FromWorker::State { request: 77, state } => state,
            other => panic!("{other:?} instead of State"),
        }
    }

    /// Waits until the worker has noticed that its host is gone.
    pub fn await_hang_up(&self) {
        self.hung_up.recv_timeout(PATIENCE).expect("the worker did not notice the hang-up");
    }

    /// Whether the worker took the end of the connection for a hang-up.
    pub fn end(self) -> (Result<(), ServeError>, Vec<String>, bool) {
        drop(self.stream);
        let (outcome, dropped) = self.worker.join().unwrap();
        // Whoever reads lets go of the sender when it ends.
        (outcome, dropped, self.hung_up.recv_timeout(PATIENCE).is_ok())
    }
}

/// What a host says first.
pub fn init(plugins: &[(&str, &str)], only_these: bool) -> Init {
    let setup =
        |(name, config): &(&str, &str)| PluginSetup { name: (*name).into(), config: (*config).into() };
    Init {
        request: 99,
        protocol: PROTOCOL.highest,
        plugins: plugins.iter().map(setup).collect(),
        only_these,
        max_frame_bytes: 1 << 20,
        spin_ns: 0,
        shared_memory_bytes: 0,
        ring: false,
    }
}
