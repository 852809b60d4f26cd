use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use ostler_wire::{
    DEFAULT_MAX_FRAME_BYTES, Execute, Failure, FromWorker, Init, JobId, Payload, ToWorker, decode, encode,
};
use ostler_worker::{PluginSet, ServeError, ServeOptions, serve};
use uuid::Uuid;

/// No test waits this long; it ends one that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// The host of a worker that runs on a thread.
pub struct Host {
    stream: UnixStream,
    buffer: BytesMut,
    worker: JoinHandle<Result<(), ServeError>>,
}

impl Host {
    /// A worker with all plugins loaded.
    pub fn ready() -> Self {
        let (stream, theirs) = UnixStream::pair().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let worker = std::thread::spawn(move || {
            let mut plugins = PluginSet::new();
            ostler_plugins::register_all(&mut plugins);
            serve(theirs.try_clone().unwrap(), theirs, &mut plugins, ServeOptions::default())
        });
        let mut host = Self { stream, buffer: BytesMut::new(), worker };
        assert!(matches!(host.receive(), FromWorker::Hello(_)));
        let (plugins, only_these, max_frame_bytes) = (Vec::new(), false, DEFAULT_MAX_FRAME_BYTES as u64);
        host.send(&ToWorker::Init(Init {
            request: 0,
            protocol: ostler_wire::PROTOCOL.highest,
            plugins,
            only_these,
            max_frame_bytes,
            spin_ns: 0,
            shared_memory_bytes: 0,
            ring: false,
        }));
        let FromWorker::Ready { failed, .. } = host.receive() else { panic!("no Ready") };
        assert_eq!(failed, []);
        host
    }

    /// Sends a job that wants chunks, and awaits its Started.
    pub fn start(&mut self, plugin: &str, payload: Payload) -> JobId {
        let (job, plugin) = (JobId::from_uuid(Uuid::from_u128(1)), plugin.to_owned());
        let deadline_ms = None;
        self.send(&ToWorker::Execute(Execute {
            request: 1,
            job,
            attempt: 1,
            plugin,
            deadline_ms,
            stream: true,
            payload,
        }));
        assert!(matches!(self.receive(), FromWorker::Started { .. }));
        job
    }

    pub fn cancel(&mut self, job: JobId) {
        self.send(&ToWorker::Cancel { request: 2, job });
    }

    /// What the job says until its result, without the answers to commands, and the result.
    pub fn finish(&mut self) -> (Vec<FromWorker>, Result<Payload, Failure>) {
        let mut said = Vec::new();
        loop {
            match self.receive() {
                FromWorker::Result { outcome, .. } => return (said, outcome),
                FromWorker::Response { .. } => {}
                other => said.push(other),
            }
        }
    }

    pub fn receive(&mut self) -> FromWorker {
        let mut chunk = [0; 4096];
        loop {
            if let Some(message) = decode(&mut self.buffer, DEFAULT_MAX_FRAME_BYTES).unwrap() {
                return message;
            }
            let count = self.stream.read(&mut chunk).expect("the worker says nothing");
            assert!(count > 0, "the worker closed the connection");
            self.buffer.extend_from_slice(&chunk[..count]);
        }
    }

    pub fn send(&mut self, message: &ToWorker) {
        let mut frame = BytesMut::new();
        encode(message, DEFAULT_MAX_FRAME_BYTES, &mut frame).unwrap();
        self.stream.write_all(&frame).unwrap();
    }

    /// Tells the worker to stop, and waits until it did.
    pub fn stop(mut self) {
        self.send(&ToWorker::Stop { request: 3 });
        self.worker.join().unwrap().unwrap();
    }
}
