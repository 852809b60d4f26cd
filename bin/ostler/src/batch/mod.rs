//! `ostler batch`: one job for each line of stdin. Only so many lines are in memory at once, however long the input:
//! a line needs a permit to be read, and gives it back when its result is written.

mod flow;
mod line;
mod mark;
mod progress;
mod results;
mod source;
mod tally;

use std::num::NonZero;
use std::time::Duration;

use ostler::{RestartPolicy, WorkerConfig};
use tokio::time::Instant;

use crate::args::BatchArgs;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::params::typed;
use crate::screen::Screen;
use crate::{attempts, pool};

pub(crate) use self::flow::STOPS;
use self::flow::{Flow, Plan};
use self::progress::Progress;
use self::results::Results;
use self::source::Source;

/// Lines in memory for each worker: one that runs, some that wait so that the worker never does, and some whose
/// results are on their way out.
const LINES_PER_WORKER: u32 = 8;
/// How long the last results of a batch that was stopped may take to get out: their reader may have stopped reading.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Runs the jobs and writes what became of each.
pub(crate) async fn batch(args: BatchArgs, interrupt: Interrupt, screen: &Screen) -> Result<Exit, Failure> {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = args.workers.unwrap_or_else(|| u32::try_from(processors()).map_or(4096, |n| n.min(4096)));
    let limit = (workers * LINES_PER_WORKER) as usize;
    let config = WorkerConfig {
        max_workers: workers,
        // A bad line may well crash its worker; the next line must not wait for that.
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: args.max_restarts,
        standby: args.standby,
        retry: attempts::policy(args.retries),
        limits: pool::limits(args.max_memory),
        finished_jobs_kept: limit,
        ..pool::config()
    };
    let mut results = Results::to_stdout()?;
    let stops = interrupt.clone();
    let flowed = pool::with_manager(config, interrupt.clone(), async |manager| {
        let manifest = pool::find_plugin(manager, &args.plugin, "batch")?;
        let defaults = typed(&manifest, &args.param).map_err(|error| Failure::usage("batch", &error))?;
        let plan = Plan {
            manager,
            manifest: &manifest,
            defaults,
            timeout: args.timeout,
            stall_timeout: args.stall_timeout,
            retries: args.retries > 0,
            grace: args.grace,
        };
        let progress = Progress::new(screen);
        Flow::new(plan, interrupt, limit, &mut results, &progress).run(Source::stdin(screen)?).await
    })
    .await;
    let until = flowed.as_ref().ok().and_then(|flowed| flowed.until);
    tokio::select! {
        written = results.written() => flowed.and_then(|flowed| written.map(|()| flowed.exit)),
        () = patience(until, args.grace, stops) => flowed.map(|_| Exit::Cancelled),
    }
}

/// Returns when nobody waits any longer for the results to get out: never, unless the batch is stopped.
async fn patience(until: Option<Instant>, grace: Duration, mut interrupt: Interrupt) {
    let until = match until {
        Some(until) => until,
        None => {
            interrupt.asked().await;
            Instant::now() + grace
        }
    };
    tokio::select! {
        () = tokio::time::sleep_until(until) => {}
        _ = interrupt.asked_times(STOPS) => {}
    }
    tokio::time::sleep(LAST_WORDS).await;
}
