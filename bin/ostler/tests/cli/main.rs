//! The command line as its users have it: real processes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod batch;
mod batch_faults;
mod drain;
mod files;
mod forensics;
mod host;
mod orphans;
mod pipes;
mod retries;
mod run;
mod stop;
mod terminal;
mod usage;
