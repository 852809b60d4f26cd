//! What a job allocates in its host. It is the same on every machine, so it tells what a time cannot.

#![expect(unsafe_code, reason = "an allocator that counts is one")]
#![expect(clippy::unwrap_used)]
#![expect(clippy::print_stdout, reason = "whoever lowers a number wants to see it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ostler::{BaseJobManager, JobManager, JobType, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

/// From `start_job` of an echo of 64 bytes to its output, the caller's own string and its clone for the output included.
const AT_MOST: usize = 29;

/// More than the ended jobs that are kept, so that each job makes an earlier one go.
const WARM_UP: usize = 1500;
const JOBS: usize = 501;

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Line(String);

impl JobType for Line {
    type Output = Line;
}

struct Jobs;

impl BaseJobManager<Line> for Jobs {
    fn worker_type(&self) -> &str {
        "bench"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::program(env!("CARGO_BIN_EXE_ostler-bench"))
    }
}

#[tokio::test]
async fn a_job_allocates_little_in_its_host() {
    let manager = Jobs.launch(WorkerConfig::default()).await.unwrap();
    for _ in 0..WARM_UP {
        allocations_of_a_job(&manager).await;
    }
    let mut counts = Vec::new();
    for _ in 0..JOBS {
        counts.push(allocations_of_a_job(&manager).await);
    }
    counts.sort_unstable();
    let (median, most) = (counts[JOBS / 2], counts[JOBS - 1]);
    println!("allocations for a job: {median}, at most {most}");
    assert!(median <= AT_MOST, "{median} allocations, and not {AT_MOST}");
    manager.shutdown().await.unwrap();
}

async fn allocations_of_a_job(manager: &JobManager<Line>) -> usize {
    let before = COUNT.load(Relaxed);
    let job = manager.start_job("echo", Line("o".repeat(64))).await.unwrap();
    job.output().await.unwrap();
    COUNT.load(Relaxed) - before
}
