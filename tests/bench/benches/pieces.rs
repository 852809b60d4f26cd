//! What the bookkeeping of a job is made of, piece by piece, without another process.

use std::time::Instant;

use bytes::BytesMut;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ostler_lifecycle::{
    Admission, Command, Effect, Input, JobId, Machine, PluginKey, PoolConfig, Priority, RequestId, Submit,
    WorkerFrame, WorkerKey,
};
use ostler_wire::{DEFAULT_MAX_FRAME_BYTES, Encoding, Execute, Payload, ToWorker, frame};
use uuid::Uuid;

/// A small payload, and one that fills a socket's buffer several times.
const SIZES: [usize; 2] = [64, 1 << 20];

fn main() {
    divan::main();
}

fn execute(size: usize) -> ToWorker {
    ToWorker::Execute(Execute {
        request: 1,
        job: Uuid::nil().into(),
        attempt: 1,
        plugin: "echo".to_owned(),
        deadline_ms: None,
        stream: false,
        payload: Payload::raw(vec![1; size]),
    })
}

#[divan::bench(args = SIZES)]
fn encode_a_frame(bencher: Bencher<'_, '_>, size: usize) {
    let (message, mut buffer) = (execute(size), BytesMut::new());
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        buffer.clear();
        frame::encode(black_box(&message), DEFAULT_MAX_FRAME_BYTES, &mut buffer)
    });
}

#[divan::bench(args = SIZES)]
fn decode_a_frame(bencher: Bencher<'_, '_>, size: usize) {
    let mut encoded = BytesMut::new();
    let _ = frame::encode(&execute(size), DEFAULT_MAX_FRAME_BYTES, &mut encoded);
    bencher
        .counter(BytesCount::new(size))
        .with_inputs(|| encoded.clone())
        .bench_local_values(|mut buffer| frame::decode::<ToWorker>(&mut buffer, DEFAULT_MAX_FRAME_BYTES));
}

#[divan::bench(args = [Encoding::Bincode, Encoding::Json])]
fn encode_a_payload(bencher: Bencher<'_, '_>, encoding: Encoding) {
    let text = "o".repeat(64);
    bencher.bench_local(|| Payload::encode(encoding, black_box(&text)));
}

#[divan::bench(args = [Encoding::Bincode, Encoding::Json])]
fn decode_a_payload(bencher: Bencher<'_, '_>, encoding: Encoding) {
    let payload = Payload::encode(encoding, &"o".repeat(64)).unwrap_or_default();
    bencher.bench_local(|| black_box(&payload).decode::<String>());
}

/// All that the rules do for a job: accept it, give it to the worker, note that it runs, note its end. Behind it wait so
/// many others.
#[divan::bench(args = [0, 1_000, 1_000_000])]
fn rules_of_a_job(bencher: Bencher<'_, '_>, waiting: usize) {
    let mut pool = Pool::new();
    for _ in 0..waiting {
        pool.submit();
    }
    bencher.bench_local(|| {
        pool.submit();
        pool.run();
    });
}

/// A machine with one worker, to which things happen.
struct Pool {
    machine: Machine,
    now: Instant,
    effects: Vec<Effect>,
    /// The worker, and what it was told last.
    told: Option<(WorkerKey, RequestId, Command)>,
    jobs: u128,
}

impl Pool {
    fn new() -> Self {
        let machine = Machine::new(PoolConfig::default());
        let mut pool = Self { machine, now: Instant::now(), effects: Vec::new(), told: None, jobs: 0 };
        pool.feed(Input::Start);
        if let Some(Effect::Spawn { worker }) = pool.effects.pop() {
            pool.feed(Input::WorkerSpawned { worker, pid: 1 });
            pool.feed(Input::Frame { worker, frame: WorkerFrame::Hello });
        }
        if let Some((worker, request, Command::Init)) = pool.told.take() {
            let loaded = vec![PluginKey(0)];
            let frame = WorkerFrame::Ready { request, loaded, failed: Vec::new(), resident: 0 };
            pool.feed(Input::Frame { worker, frame });
        }
        pool
    }

    fn submit(&mut self) {
        self.jobs += 1;
        self.feed(Input::Submit(Submit {
            job: JobId::from_uuid(Uuid::from_u128(self.jobs)),
            plugin: PluginKey(0),
            priority: Priority::NORMAL,
            queue_timeout: None,
            timeout: None,
            stall_timeout: None,
            retry: None,
            blocked: None,
        }));
    }

    /// Runs the job that the worker has.
    fn run(&mut self) {
        let Some((worker, request, Command::Execute { job, attempt })) = self.told.take() else {
            unreachable!("the worker has a job as soon as there is one");
        };
        self.feed(Input::Frame { worker, frame: WorkerFrame::Started { request, job, attempt } });
        let frame = WorkerFrame::Result { request, job, attempt, result: Ok(()), resident: 0 };
        self.feed(Input::Frame { worker, frame });
    }

    fn feed(&mut self, input: Input) {
        self.effects.clear();
        self.machine.handle(self.now, input, &mut self.effects);
        let mut asked = None;
        for effect in &self.effects {
            match effect {
                Effect::Send { worker, request, command } => self.told = Some((*worker, *request, *command)),
                Effect::AskAdmission { job, ticket } => asked = Some((*job, *ticket)),
                _ => {}
            }
        }
        // A job that had to wait is asked about again.
        if let Some((job, ticket)) = asked {
            self.feed(Input::Admission { job, ticket, answer: Admission::Proceed });
        }
    }
}
