//! Payloads in shared memory: that they arrive, whom they belong to, and what happens when there is none to be had.

mod echoed;
mod held;
mod limits;
mod trusted;

use std::collections::BTreeSet;
use std::fs;

use ostler::{Attachment, JobHandle, JobManager, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::at_once;

const MIB: usize = 1 << 20;
/// From here on parts are shared.
const SHARED_FROM: usize = 64 * 1024;

/// Only the last result stays in the records.
fn forgetful() -> WorkerConfig {
    WorkerConfig { finished_jobs_kept: 1, ..at_once() }
}

/// The segments that a process has mapped, by their inodes: its own, and those of its host.
fn segments(pid: u32) -> BTreeSet<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let ours = maps.lines().filter(|line| line.contains("memfd:ostler"));
    ours.map(|line| line.split_whitespace().nth(4).unwrap().to_owned()).collect()
}

fn only_worker(manager: &JobManager<Task>) -> u32 {
    manager.workers()[0].pid.unwrap()
}

/// What a job sent back, once it is done.
async fn attachments(job: JobHandle<Task>) -> Vec<Attachment> {
    job.output().await.unwrap();
    job.finished().await.attachments.clone()
}

async fn filled(manager: &JobManager<Task>, len: usize, value: u8) -> Vec<Attachment> {
    attachments(manager.start_job("lab", Task::Fill(len, value)).await.unwrap()).await
}

fn is_filled(attachment: &Attachment, len: usize, value: u8) -> bool {
    attachment.bytes.len() == len && attachment.bytes.iter().all(|byte| *byte == value)
}
