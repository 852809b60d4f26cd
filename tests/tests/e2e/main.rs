//! Real processes, real sockets: what the design promises, named after it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures and seeds, shown when a test fails")]

mod bad_input;
mod guarantees;
mod host;
mod large_payloads;
mod neighbours;
mod operations;
mod restart;
mod rogue;
mod seeds;
mod spinning;
mod streaming;
mod supervision;
mod support;
