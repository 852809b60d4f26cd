//! What a person reads at the end.

use std::io::{self, Write};
use std::time::Duration;

use crate::book::{Book, Check, Ordeal};
use crate::figures::{Counts, Figures};
use crate::outside::Gauge;

/// What there is to say beside the book.
pub(crate) struct Course {
    pub(crate) seed: u64,
    pub(crate) took: Duration,
    pub(crate) rounds: u32,
    /// Before the launch, after the warm-up, and after the last round.
    pub(crate) before: Gauge,
    pub(crate) warm: Gauge,
    pub(crate) last: Gauge,
}

pub(crate) fn print(out: &mut impl Write, book: &Book, course: &Course) -> io::Result<()> {
    let figures = &book.figures;
    let Course { seed, took, rounds, before, warm, last } = course;
    let rate = figures.jobs as f64 / took.as_secs_f64();
    writeln!(out, "\nseed {seed}, {rounds} rounds in {:.1} s", took.as_secs_f64())?;
    writeln!(out, "  {} jobs ended, {rate:.1} a second, in {} runs", figures.jobs, figures.runs)?;
    writeln!(out, "  {} runs failed and were tried again", figures.retries)?;
    writeln!(out, "  {} workers were started, {} died", figures.workers, figures.deaths())?;
    section(out, "Jobs by outcome", &figures.outcomes)?;
    section(out, "Jobs by what they were to do", &figures.acts)?;
    section(out, "Deaths of workers by cause", &figures.deaths)?;
    section(out, "Deaths of workers by what they were doing", &figures.phases)?;
    section(out, "Causes on the records of jobs", &figures.forensics)?;
    section(out, "Signals that were sent", &figures.blows)?;
    met(out, figures)?;
    section(out, "What else was done", &figures.deeds)?;
    writeln!(out, "\nTimes")?;
    writeln!(out, "  cancel of a job in a worker until true: {}", figures.cancels.describe())?;
    writeln!(out, "  the same with a grace:                  {}", figures.graces.describe())?;
    writeln!(out, "  SIGKILL until its job's error:          {}", figures.kills.describe())?;
    writeln!(out, "  daemons seen after their worker's end:  {}", book.daemons.seen.describe())?;
    let (takeovers, deaths) = (figures.takeovers, figures.busy_deaths);
    writeln!(
        out,
        "  busy workers that died:                 {deaths}, another one was idle {takeovers} times"
    )?;
    writeln!(out, "  events missed by those who read late:   {}", figures.missed)?;
    writeln!(out, "\nThe host, before the launch, after the warm-up, after the last round")?;
    writeln!(out, "  descriptors  {:>8} {:>8} {:>8}", before.count(), warm.count(), last.count())?;
    writeln!(out, "  threads      {:>8} {:>8} {:>8}", before.threads, warm.threads, last.threads)?;
    let mib = |gauge: &Gauge| format!("{:.1}", gauge.memory as f64 / 1024.0);
    // All jobs of the run are in the book until its end.
    let (before, warm, last) = (mib(before), mib(warm), mib(last));
    writeln!(
        out,
        "  memory, MiB  {before:>8} {warm:>8} {last:>8}   with the torture's own book of all jobs"
    )?;
    checks(out, book, *seed)
}

/// Also what was not met.
fn met(out: &mut impl Write, figures: &Figures) -> io::Result<()> {
    writeln!(out, "\nConditions")?;
    let ordeals = Ordeal::ALL.into_iter().map(Ordeal::name).filter(|name| !figures.met.contains_key(*name));
    for name in ordeals {
        writeln!(out, "  {name}: not met")?;
    }
    for (name, count) in &figures.met {
        writeln!(out, "  {name}: met {count} times")?;
    }
    writeln!(out, "  starts of workers that failed for want of a descriptor: {}", figures.failed_starts)?;
    writeln!(out, "  a thread of Ostler's own ran meanwhile for at most {} % of the time", figures.busiest)?;
    writeln!(out, "  orphans that the host collected: {}", figures.orphans)
}

fn section(out: &mut impl Write, title: &str, counts: &Counts) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (what, count) in sorted {
        writeln!(out, "  {count:>8}  {what}")?;
    }
    Ok(())
}

fn checks(out: &mut impl Write, book: &Book, seed: u64) -> io::Result<()> {
    writeln!(out, "\nChecks")?;
    for &check in Check::ALL {
        let (found, times) = (book.faults.of(check), book.faults.times(check));
        if found.is_empty() {
            writeln!(out, "  passed  {}  ({times})", check.promise())?;
            continue;
        }
        writeln!(out, "  FAILED  {}  ({} of {times}, seed {seed})", check.promise(), found.len())?;
        for story in found.iter().filter(|story| !story.is_empty()) {
            writeln!(out, "    - {story}")?;
        }
    }
    match book.faults.count() {
        0 => writeln!(out, "\nEvery check passed."),
        count => writeln!(out, "\n{count} faults were found, with seed {seed}."),
    }
}
