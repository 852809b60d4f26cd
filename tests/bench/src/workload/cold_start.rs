use std::path::Path;
use std::time::Instant;

use ostler::BaseJobManager;

use super::Bench;
use super::bench::figure;
use crate::flavour::Flavour;
use crate::limit::Child;
use crate::line::Line;
use crate::pool::{self, BenchJobs, Spin};
use crate::report::NeighbourRow;
use crate::{Bound, Result, Row, Unit, worker};

/// W5: launch of a manager until its first result, beside L5: spawn of the worker's program until its first byte.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    let [mut launches, mut spawns, mut launches_of_one, mut spawns_of_one] = [const { Vec::new() }; 4];
    let small = worker::program()?;
    for _ in bench.progress.rounds("launches", bench.effort.pick(100, 3)) {
        spawns.push(until_first_byte(&small)?);
        launches.push(runtime.block_on(until_first_result(BenchJobs::new()?))?);
        spawns_of_one.push(until_first_byte("/proc/self/exe".as_ref())?);
        launches_of_one.push(runtime.block_on(until_first_result(BenchJobs::in_one_program()))?);
    }
    let row = |what, ours, limit, bare| -> Result<Row> {
        let row = Row::new(bench.workload, what, Unit::Nanoseconds, figure(ours)?);
        Ok(row.beside(limit, figure(bare)?).bound(Bound::AtMostTimes(2.0)).neighbours(NeighbourRow::W5))
    };
    Ok(vec![
        row("launch until the first result", launches, "L5: spawn until the first byte", spawns)?,
        row(
            "the same, and the worker is the host's own program",
            launches_of_one,
            "L5: spawn of that until the first byte",
            spawns_of_one,
        )?,
    ])
}

fn until_first_byte(program: &Path) -> Result<f64> {
    let begun = Instant::now();
    let mut child = Child::spawn_of(program, "hello", &[])?;
    child.first_byte()?;
    Ok(begun.elapsed().as_nanos() as f64)
}

async fn until_first_result(jobs: BenchJobs) -> Result<f64> {
    let begun = Instant::now();
    let manager = jobs.launch(pool::config(Spin::Without)).await?;
    manager.start_job("echo", Line::small()).await?.output().await?;
    let took = begun.elapsed().as_nanos() as f64;
    manager.shutdown().await?;
    Ok(took)
}
