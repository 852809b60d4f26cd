//! Measures Ostler beside what the machine allows at best, in the same run, by turns.
//!
//! - `workload/` is what is measured, W1 to W9, each with its bound.
//! - `limit/` is what it is measured against: the same with bare system calls. No part of Ostler is in there.
//! - `worker/` is what runs in Ostler's workers; `pool` is how managers are launched.
//! - `stage/` is what has to be measured in a process of its own.
//! - `neighbours` has other job systems measured, by the script in `peers/`.
//! - `report/` is what is made of the figures: tables, plots, BENCHMARKS.md.
//!
//! Workers and the children of the limits are the same small program, `worker/main.rs`. A stage is the harness again.

mod args;
mod clock;
mod effort;
mod figure;
mod flavour;
mod limit;
mod line;
mod machine;
mod neighbours;
mod pool;
mod process;
mod procfs;
mod progress;
mod report;
mod run;
mod stage;
mod unit;
mod wire;
mod worker;
mod workload;

pub use figure::{Figure, Quantile};
pub use machine::Machine;
pub use report::{Bound, Limit, Neighbour, NeighbourRow, Report, Row};
pub use run::{main, worker_main};
pub use unit::Unit;
pub use workload::Workload;

/// A measurement that could not be made, with the cause as its text.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
/// What comes of a measurement.
pub(crate) type Result<T> = std::result::Result<T, Error>;
