use super::ours::Pool;
use super::sample::Sample;
use super::theirs::{kill_beside_spare, kill_then_spawn, kill_with_spare};
use crate::flavour::Flavour;
use crate::report::NeighbourRow;
use crate::workload::Bench;
use crate::workload::bench::figure;
use crate::{Bound, Result, Row, Unit};

/// How long the plugin takes to load that a spare worker has loaded already.
const LOAD_MS: u64 = 500;

type Part = fn(&Sample) -> f64;
const DEAD: Part = |sample| sample.dead;
const NEXT: Part = |sample| sample.next;

pub(in crate::workload) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mebibytes = bench.effort.pick(512, 16);
    let mut rows = without_standby(bench, mebibytes)?;
    rows.append(&mut with_standby(bench, mebibytes)?);
    Ok(rows)
}

fn without_standby(bench: &Bench, mebibytes: usize) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    let pool = runtime.block_on(Pool::launch(0, 0))?;
    let [mut bare, mut ours, mut bare_large, mut ours_large] = [const { Vec::new() }; 4];
    for _ in bench.progress.rounds("no standby", bench.effort.pick(100, 2)) {
        bare.push(kill_then_spawn(0)?);
        ours.push(runtime.block_on(pool.cancel(0))?);
    }
    for _ in bench.progress.rounds("no standby, much memory", bench.effort.pick(15, 1)) {
        bare_large.push(kill_then_spawn(mebibytes)?);
        ours_large.push(runtime.block_on(pool.cancel(mebibytes))?);
    }
    runtime.block_on(pool.shut_down())?;
    let kill = "L4: SIGKILL and waitpid";
    let kill_large = format!("{kill}, {mebibytes} MiB");
    let spawn = "L4: SIGKILL, waitpid, spawn, first echo";
    let large = format!("a: the same, and it holds {mebibytes} MiB");
    Ok(vec![
        row(bench, "a: cancel of a busy loop, until it is proven dead", (DEAD, &ours), (kill, &bare))?
            .bound(Bound::AtMostTimes(2.0))
            .neighbours(NeighbourRow::W4a),
        row(bench, &large, (DEAD, &ours_large), (&kill_large, &bare_large))?.bound(Bound::AtMostTimes(2.0)),
        row(bench, "b: cancel until the next job is done, no standby", (NEXT, &ours), (spawn, &bare))?
            .bound(Bound::AtMostTimes(1.5))
            .neighbours(NeighbourRow::W4b),
    ])
}

fn with_standby(bench: &Bench, mebibytes: usize) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    let pool = runtime.block_on(Pool::launch(1, LOAD_MS))?;
    let [mut bare, mut beside, mut beside_large, mut ours, mut ours_large] = [const { Vec::new() }; 5];
    for _ in bench.progress.rounds("one standby", bench.effort.pick(30, 1)) {
        bare.push(kill_with_spare(0)?);
        beside.push(kill_beside_spare(0)?);
        ours.push(runtime.block_on(pool.cancel(0))?);
        beside_large.push(kill_beside_spare(mebibytes)?);
        ours_large.push(runtime.block_on(pool.cancel(mebibytes))?);
    }
    runtime.block_on(pool.shut_down())?;
    let what = format!("c: cancel until the next job is done, a plugin of {LOAD_MS} ms, one standby");
    let large = format!("c: the same, and the killed worker holds {mebibytes} MiB");
    let spare = "L4: SIGKILL, waitpid, first echo of a spare";
    let at_once = "L4: SIGKILL, first echo of a spare, no waitpid";
    let at_once_large = format!("{at_once}, {mebibytes} MiB");
    let twice = Bound::AtMostTimes(2.0);
    let row = |what, ours: &[Sample], limit, bare: &[Sample]| row(bench, what, (NEXT, ours), (limit, bare));
    Ok(vec![
        row(&what, &ours, spare, &bare)?.bound(twice).neighbours(NeighbourRow::W4c),
        row(&what, &ours, at_once, &beside)?.neighbours(NeighbourRow::W4c),
        row(&large, &ours_large, spare, &bare)?.bound(twice),
        row(&large, &ours_large, &at_once_large, &beside_large)?,
    ])
}

fn row(
    bench: &Bench,
    what: &str,
    (part, ours): (Part, &[Sample]),
    (limit, bare): (&str, &[Sample]),
) -> Result<Row> {
    let of = |samples: &[Sample]| figure(samples.iter().map(part).collect());
    Ok(Row::new(bench.workload, what, Unit::Nanoseconds, of(ours)?).beside(limit, of(bare)?))
}
