//! What is measured. Ostler and the limit take turns in rounds, so that whatever drifts hits both.

mod bench;
mod cancel;
mod cold_start;
mod crash;
mod deep_queue;
mod large_payload;
mod many_workers;
mod name;
mod resident;
mod round_trip;
mod throughput;

pub(crate) use bench::Bench;
pub use name::Workload;
