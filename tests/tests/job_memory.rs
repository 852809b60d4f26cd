//! What a job that waits takes of its host's memory. It is the same on every machine, so it tells what a time cannot.

#![expect(unsafe_code, reason = "an allocator that counts is one")]
#![expect(clippy::unwrap_used)]
#![expect(clippy::print_stdout, reason = "whoever lowers a number wants to see it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ostler::{
    BaseJobManager, HookError, Job, JobEventKind, JobManager, JobType, Payload, WorkerCommand, WorkerConfig,
};
use ostler_tests::lab::Task;
use serde::{Deserialize, Serialize};

/// Bytes that a job asks of the allocator and keeps while it waits, beside the payload that its caller has made: its
/// encoded form, what handle and driver share of it, and its entries in ledger, driver and machine. With what the
/// allocator adds it is some 30 more.
const BYTES_PER_JOB: f64 = 480.0;
/// The payload, its encoded form, and what handle and driver share.
const BLOCKS_PER_JOB: f64 = 3.1;
/// From its payload on: besides what is kept, a plugin id of the caller's own, the question to the resource hook, and
/// room for a payload that is about to be encoded. A debug build looks at the worker again for each question, to see
/// whether what it knows of it still holds.
const ALLOCATIONS_PER_SUBMIT: f64 = if cfg!(debug_assertions) { 10.1 } else { 6.1 };

const JOBS: usize = 100_000;
const PAYLOAD: usize = 64;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        BLOCKS.fetch_add(1, Relaxed);
        BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BLOCKS.fetch_sub(1, Relaxed);
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        BYTES.fetch_add(size, Relaxed);
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// A payload that nobody will read; without one it keeps the worker busy.
#[derive(Clone, Serialize, Deserialize)]
struct Line(String);

impl JobType for Line {
    type Output = String;
}

struct Jobs;

impl BaseJobManager<Line> for Jobs {
    fn worker_type(&self) -> &str {
        "memory"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::program(env!("CARGO_BIN_EXE_lab-worker"))
    }

    fn prepare_execute_request(&self, job: &Job<Line>) -> Result<Payload, HookError> {
        if job.spec.0.is_empty() {
            return Ok(Payload::encode(Line::ENCODING, &Task::Spin)?);
        }
        Ok(Payload::encode(Line::ENCODING, &job.spec)?)
    }
}

struct Counted {
    allocations: usize,
    blocks: usize,
    bytes: usize,
}

fn counted() -> Counted {
    let [allocations, blocks, bytes] = [&ALLOCATIONS, &BLOCKS, &BYTES].map(|count| count.load(Relaxed));
    Counted { allocations, blocks, bytes }
}

async fn submit(manager: &JobManager<Line>, jobs: usize) {
    for _ in 0..jobs {
        manager.start_job("lab", Line("o".repeat(PAYLOAD))).await.unwrap();
    }
}

#[tokio::test]
async fn a_job_that_waits_takes_little_memory_and_gives_it_back() {
    let manager = Jobs.launch(WorkerConfig::default()).await.unwrap();
    let busy = manager.start_job("lab", Line(String::new())).await.unwrap();
    let mut events = busy.events();
    while !matches!(events.next().await.unwrap().unwrap().kind, JobEventKind::Started { .. }) {}
    submit(&manager, 1_000).await;

    let before = counted();
    submit(&manager, JOBS).await;
    let after = counted();
    let each = |before: usize, after: usize| (after - before) as f64 / JOBS as f64;
    let bytes = each(before.bytes, after.bytes) - PAYLOAD as f64;
    let blocks = each(before.blocks, after.blocks);
    let allocations = each(before.allocations, after.allocations);
    println!("each of {JOBS} jobs: {bytes:.1} bytes in {blocks:.2} blocks, {allocations:.2} allocations");
    assert!(bytes <= BYTES_PER_JOB, "{bytes:.1} bytes, and not {BYTES_PER_JOB}");
    assert!(blocks <= BLOCKS_PER_JOB, "{blocks:.2} blocks, and not {BLOCKS_PER_JOB}");
    assert!(allocations <= ALLOCATIONS_PER_SUBMIT, "{allocations:.2}, and not {ALLOCATIONS_PER_SUBMIT}");

    manager.cancel_all(ostler::CancelRequest::new()).await;
    manager.clear_completed_jobs();
    let kept = counted().bytes.saturating_sub(before.bytes) as f64 / JOBS as f64;
    println!("after their end they take {kept:.1} bytes each");
    assert!(kept <= 0.05 * bytes, "{kept:.1} bytes of each ended job are still taken");
    manager.shutdown().await.unwrap();
}
