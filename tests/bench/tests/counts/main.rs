//! What jobs and idle workers cost, in numbers that are the same on every machine, where times are not.
//!
//! Each number has its most. When a change lowers it, lower that too.

#![expect(clippy::unwrap_used)]
#![expect(clippy::print_stdout, reason = "whoever lowers a number wants to see it")]

mod host;
mod idle;
mod system_calls;
mod tasks;
mod wake_ups;
