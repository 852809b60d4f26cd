use std::time::Instant;

use super::Bench;
use super::bench::figure;
use crate::flavour::Flavour;
use crate::limit::Child;
use crate::line::Line;
use crate::pool::{self, Spin};
use crate::{Bound, Limit, Quantile, Result, Row, Unit};

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
    Ok(vec![Row {
        workload: bench.workload,
        what: "launch until the first result".into(),
        unit: Unit::Nanoseconds,
        quantile: Quantile::P50,
        ostler: figure(launches)?,
        limit: Some(Limit { what: "L5: spawn until the first byte".into(), figure: figure(spawns)? }),
        bound: Some(Bound::AtMostTimes(2.0)),
    }])
}

async fn until_first_result() -> Result<f64> {
    let begun = Instant::now();
    let manager = pool::launch(pool::config(Spin::Without)).await?;
    manager.start_job("echo", Line::small()).await?.output().await?;
    let took = begun.elapsed().as_nanos() as f64;
    manager.shutdown().await?;
    Ok(took)
}
