use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{
    Bench, cancel, cold_start, crash, deep_queue, large_payload, many_workers, resident, round_trip,
    throughput,
};
use crate::{Result, Row};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ValueEnum)]
pub enum Workload {
    /// A small job there and back, one at a time
    W1,
    /// 20,000 small jobs started at once
    W2,
    /// 1, 16 and 64 MiB there and back
    W3,
    /// Cancel of a job that ignores SIGTERM, and the next job
    W4,
    /// Launch until the first result
    W5,
    /// A worker dies with its job
    W6,
    /// Memory of a host and one idle worker
    W7,
    /// 100,000 and 1,000,000 jobs that wait
    W8,
    /// A pool of 64 workers
    W9,
}

impl Workload {
    /// All of them, in order.
    pub const ALL: [Self; 9] =
        [Self::W1, Self::W2, Self::W3, Self::W4, Self::W5, Self::W6, Self::W7, Self::W8, Self::W9];

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::W1 => "a small job there and back, one at a time",
            Self::W2 => "20,000 small jobs started at once",
            Self::W3 => "1, 16 and 64 MiB there and back",
            Self::W4 => "cancel of a job that ignores SIGTERM, and the next job",
            Self::W5 => "launch until the first result",
            Self::W6 => "a worker dies with its job",
            Self::W7 => "memory of a host and one idle worker",
            Self::W8 => "100,000 and 1,000,000 jobs that wait",
            Self::W9 => "a pool of 64 workers",
        }
    }

    pub(crate) fn measure(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::W1 => round_trip::measure(bench),
            Self::W2 => throughput::measure(bench),
            Self::W3 => large_payload::measure(bench),
            Self::W4 => cancel::measure(bench),
            Self::W5 => cold_start::measure(bench),
            Self::W6 => crash::measure(bench),
            Self::W7 => resident::measure(bench),
            Self::W8 => deep_queue::measure(bench),
            Self::W9 => many_workers::measure(bench),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
