//! The machine: a thin composition of queue, slots, restart budget and pool-wide operations.
//!
//! One file for each kind of thing that happens; every one ends in [`Machine::handle`].

mod admission;
mod controls;
mod core;
mod deadlines;
mod frames;
mod health;
mod jobs;
mod memory;
mod pause;
mod plan;
mod pool;
mod pressure;
mod recycle;
mod refill;
mod retries;
mod shutdown;
mod view;
mod workers;

#[cfg(test)]
mod deep_queue_tests;

pub use core::Machine;
pub use view::{SlotPhase, SlotView};
