use std::time::Instant;

use ostler::JobManager;

use super::Bench;
use super::bench::figure;
use crate::flavour::Flavour;
use crate::limit::Echo;
use crate::line::Line;
use crate::pool::{self, Spin};
use crate::report::NeighbourRow;
use crate::{Bound, Quantile, Result, Row, Unit};

/// W1: `start_job` and `output()` of a small job, one at a time, beside L1, on both kinds of runtime.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for flavour in [Flavour::CurrentThread, Flavour::MultiThread] {
        rows.append(&mut on(flavour, bench)?);
    }
    Ok(rows)
}

fn on(flavour: Flavour, bench: &Bench) -> Result<Vec<Row>> {
    let runtime = flavour.runtime()?;
    let mut managers = Vec::new();
    for spin in Spin::BOTH {
        managers.push((spin, runtime.block_on(pool::launch(pool::config(spin)))?, Vec::new()));
    }
    let mut echo = runtime.block_on(async { Echo::spawn() })?;
    let mut bare = Vec::new();
    let count = bench.effort.pick(500, 20);
    for _ in bench.progress.rounds(flavour.name(), bench.effort.pick(20, 2)) {
        let (again, mut times) = flavour.run(&runtime, echo.times(count))?;
        echo = again;
        bare.append(&mut times);
        for (_, manager, samples) in &mut managers {
            samples.append(&mut flavour.run(&runtime, times_of_jobs(manager.clone(), count))?);
        }
    }
    let (bare, limit) = (figure(bare)?, format!("L1: the same bytes, echoed, {}", flavour.name()));
    let mut rows = Vec::new();
    for (spin, manager, samples) in managers {
        runtime.block_on(manager.shutdown())?;
        let row = Row::new(bench.workload, "a round trip", Unit::Nanoseconds, figure(samples)?)
            .variant(format!("{}, {}", flavour.name(), spin.name()))
            .beside(limit.clone(), bare)
            .neighbours(NeighbourRow::W1);
        rows.extend(
            bounds(spin).into_iter().map(|(quantile, bound)| row.clone().quantile(quantile).bound(bound)),
        );
    }
    Ok(rows)
}

fn bounds(spin: Spin) -> Vec<(Quantile, Bound)> {
    match spin {
        Spin::Without => {
            vec![(Quantile::P50, Bound::AtMostTimes(1.25)), (Quantile::P99, Bound::AtMostTimes(1.5))]
        }
        Spin::With => vec![(Quantile::P50, Bound::AtMostTimes(0.6))],
    }
}

/// How long each took, in nanoseconds.
async fn times_of_jobs(manager: JobManager<Line>, count: usize) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let line = Line::small();
        let begun = Instant::now();
        let output = manager.start_job("echo", line).await?.output().await?;
        times.push(begun.elapsed().as_nanos() as f64);
        if output != Line::small() {
            return Err("an echo came back changed".into());
        }
    }
    Ok(times)
}
