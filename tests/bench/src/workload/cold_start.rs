use std::time::Instant;

use super::Bench;
use super::bench::figure;
use crate::flavour::Flavour;
use crate::limit::Child;
use crate::line::Line;
use crate::pool::{self, Spin};
use crate::report::NeighbourRow;
use crate::{Bound, Result, Row, Unit};

/// W5: launch of a manager until its first result, beside L5: spawn of this program until its first byte.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    let (mut launches, mut spawns) = (Vec::new(), Vec::new());
    for _ in bench.progress.rounds("launches", bench.effort.pick(100, 3)) {
        let begun = Instant::now();
        let mut child = Child::spawn("hello", &[])?;
        child.first_byte()?;
        spawns.push(begun.elapsed().as_nanos() as f64);
        drop(child);
        launches.push(runtime.block_on(until_first_result())?);
    }
    let row = Row::new(bench.workload, "launch until the first result", Unit::Nanoseconds, figure(launches)?);
    let row = row.beside("L5: spawn until the first byte", figure(spawns)?).bound(Bound::AtMostTimes(2.0));
    Ok(vec![row.neighbours(NeighbourRow::W5)])
}

async fn until_first_result() -> Result<f64> {
    let begun = Instant::now();
    let manager = pool::launch(pool::config(Spin::Without)).await?;
    manager.start_job("echo", Line::small()).await?.output().await?;
    let took = begun.elapsed().as_nanos() as f64;
    manager.shutdown().await?;
    Ok(took)
}
