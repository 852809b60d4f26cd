//! The command line as its users have it: real processes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod batch;
mod batch_faults;
mod host;
mod pipes;
mod run;
mod stop;
mod terminal;
mod usage;
