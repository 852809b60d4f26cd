//! What is measured. Ostler and the limit take turns in rounds, so that whatever drifts hits both.

mod bench;
mod cold_start;
mod deep_queue;
mod flavour;
mod name;
mod round_trip;
mod throughput;

pub(crate) use bench::Bench;
pub use name::Workload;
