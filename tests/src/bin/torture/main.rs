//! Tortures a pool of workers and checks from outside what Ostler guarantees.
//!
//! Random jobs run in a real manager, good ones and bad ones. Meanwhile jobs are cancelled, workers are killed, stopped
//! and resized away, plugins are reloaded. What the guarantees promise is checked with what the kernel shows: the
//! process table, open descriptors, locks, and a diary that the jobs keep from inside their workers. At the end there is
//! a page of figures, and a line for each check.
//!
//! All that is drawn by lot comes from one seed, which is printed. The same seed draws the same jobs and the same
//! blows in the same order; when the kernel lets each of them happen is not replayed.
//!
//! - `inside/` is what runs in the workers: what jobs do, and the diary that they keep.
//! - `actors/` are those who do something to the manager: start jobs, cancel, kill, resize.
//! - `book/` is what the host knows of its own deeds, and the verdict over each job.
//! - `ordeal/` is what is done to the host itself: it lacks files or disk, is stopped or blocked.
//! - `keeper/` is the process that starts the host, and stops it when asked to.
//! - `outside/` is what the kernel shows.

mod actors;
mod args;
mod book;
mod clock;
mod dice;
mod figures;
mod inside;
mod keeper;
mod ordeal;
mod outside;
mod pool;
mod session;
mod summary;
mod world;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::Args;

fn main() -> ExitCode {
    inside::run_if_daemon();
    keeper::run_if_busy();
    ordeal::give_limits_back();
    ostler::worker::run_if_worker(inside::register_all);
    let mut args = Args::parse();
    let outcome = match keeper::seed_of_host() {
        None => keeper::keep(&args).map_err(Into::into),
        Some(seed) => {
            args.seed = Some(seed);
            torture(&args)
        }
    };
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "torture: {error}");
        ExitCode::from(2)
    })
}

fn torture(args: &Args) -> session::Outcome<ExitCode> {
    keeper::die_with_keeper()?;
    // A worker that aborts on purpose shall not write a core each time.
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    Ok(if session::run(args)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
