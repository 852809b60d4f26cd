//! The course of a torture: a rehearsal, a warm-up, rounds with a look around after each, and the end.

mod audit;
mod finale;
mod progress;
mod refusal;
mod round;
mod watch;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use audit::Auditor;
use progress::Progress;
use watch::Watch;

use tokio::runtime::Handle;

use crate::actors::Herald;
use crate::args::Args;
use crate::book::Ledger;
use crate::dice::Dice;
use crate::keeper::{self, Line};
use crate::ordeal::{Blocker, Children, Tormentor, set_children};
use crate::outside::Gauge;
use crate::pool;
use crate::summary::{self, Course};
use crate::world::World;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Threads that drive the host: a number, so that what it is does not depend on the machine.
const THREADS: usize = 3;

/// Tortures, says what came of it on stdout, and whether every check passed.
pub(crate) fn run(args: &Args) -> Outcome<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(1)
        // So that their number does not depend on when one was needed last.
        .thread_keep_alive(Duration::from_secs(24 * 3600))
        .enable_all()
        .build()?;
    let directory = tempfile::tempdir()?;
    runtime.block_on(async {
        tokio::task::spawn_blocking(|| {}).await?;
        torture(args, directory.path()).await
    })
}

async fn torture(args: &Args, directory: &Path) -> Outcome<bool> {
    let seed = args.seed();
    let progress = Progress::new(args, seed);
    let ledger = Ledger::new(directory)?;
    if keeper::ignores_children(seed) {
        refusal::expect(args, directory, &ledger, Children::Ignored).await?;
    }
    rehearse(args, seed).await?;
    let is_subreaper = become_subreaper(seed, &ledger)?;
    let blocker = Blocker { runtime: Handle::current(), threads: THREADS };
    let tormentor = Tormentor::start(ledger.clone(), Line::open()?, blocker, pool::waits(args))?;
    let watch = Watch::start(ledger.clone())?;
    let before = Gauge::read();

    let herald = Herald::new(ledger.clone(), Dice::new(seed, "herald"));
    let manager = pool::launch(args, directory, &ledger, &herald).await?;
    let world = World::new(manager, ledger.clone(), args.clone(), is_subreaper);
    let began = Instant::now();
    round::play(&world, &herald, &tormentor, &progress, seed, 0, warm_up(args)).await?;
    let mut auditor = Auditor::new(&world).await;
    let mut number = 1;
    while began.elapsed() < Duration::from_secs(args.seconds) || ledger.open().figures.jobs < args.jobs {
        round::play(&world, &herald, &tormentor, &progress, seed, number, each_round(args)).await?;
        auditor.look_around(&world).await;
        refuse_now_and_then(&world, directory, seed, number).await?;
        number += 1;
    }
    let took = began.elapsed();
    finale::end(&world, &before).await;
    drop(watch);
    progress.end();

    let course = Course { seed, took, rounds: number, before, warm: auditor.warm, last: auditor.last };
    summary::print(&mut io::stdout().lock(), &ledger.open(), &course)?;
    let passed = ledger.open().faults.count() == 0;
    Ok(passed)
}

/// Orphans become children of this process in every other run.
fn become_subreaper(seed: u64, ledger: &Ledger) -> io::Result<bool> {
    let is_subreaper = Dice::new(seed, "subreaper").percent(50);
    if is_subreaper {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        ledger.open().figures.met("a host that is a subreaper");
    }
    Ok(is_subreaper)
}

/// While all workers are idle, none ends whose end would not be told.
async fn refuse_now_and_then(world: &World, directory: &Path, seed: u64, round: u32) -> Outcome<()> {
    let children = match Dice::new(seed, &format!("refusal {round}")).of(0..4) {
        0 => Children::Ignored,
        1 => Children::NotKept,
        _ => return Ok(()),
    };
    set_children(children);
    refusal::expect(&world.args, directory, &world.ledger, children).await
}

/// A manager that comes and goes, so that what the first one leaves in the process for good is there before anything
/// is counted.
async fn rehearse(args: &Args, seed: u64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let before = Gauge::read().count();
    {
        let ledger = Ledger::new(directory.path())?;
        let herald = Herald::new(ledger.clone(), Dice::new(seed, "rehearsal"));
        let manager = pool::launch(args, directory.path(), &ledger, &herald).await?;
        manager.shutdown().await?;
    }
    // The last tasks of the manager end a moment later, and one descriptor wakes the supervisor for good.
    audit::eventually(Duration::from_secs(1), || Gauge::read().count() <= before + 1).await;
    Ok(())
}

fn warm_up(args: &Args) -> Duration {
    Duration::from_secs_f64((args.seconds as f64 / 5.0).clamp(2.0, 10.0))
}

fn each_round(args: &Args) -> Duration {
    Duration::from_secs_f64((args.seconds as f64 / 8.0).clamp(2.0, 15.0))
}
