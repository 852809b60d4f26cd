use super::Bench;
use super::bench::figure;
use crate::stage::{Queued, Stage};
use crate::{Bound, Limit, Quantile, Result, Row, Unit};

/// W8: many jobs are submitted while the only worker is busy, beside a push into a channel. Each time in a fresh
/// process, since memory that was used once does not grow again.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (count, what) in bench.effort.pick(
        [(100_000, "100,000 jobs"), (1_000_000, "1,000,000 jobs")],
        [(2_000, "2,000 jobs"), (4_000, "4,000 jobs")],
    ) {
        rows.append(&mut of(count, what, bench)?);
    }
    Ok(rows)
}

fn of(count: usize, what: &'static str, bench: &Bench) -> Result<Vec<Row>> {
    let (mut jobs, mut pushes) = (Vec::new(), Vec::new());
    for _ in bench.progress.rounds(what, bench.effort.pick(3, 1)) {
        pushes.push(Stage::Channel(count).run::<Queued>()?);
        jobs.push(Stage::DeepQueue(count).run::<Queued>()?);
    }
    let nanos = |all: &[Queued]| figure(all.iter().flat_map(|queued| queued.nanos.clone()).collect());
    let bytes = |all: &[Queued]| figure(all.iter().map(|queued| queued.bytes).collect());
    let row = |what: String, unit, ostler, limit: (&str, _), bound| Row {
        workload: bench.workload,
        what,
        unit,
        quantile: Quantile::P50,
        ostler,
        limit: Some(Limit { what: limit.0.into(), figure: limit.1 }),
        bound: Some(bound),
    };
    Ok(vec![
        row(
            format!("submit one of {what}"),
            Unit::Nanoseconds,
            nanos(&jobs)?,
            ("L8: push into a channel", nanos(&pushes)?),
            Bound::AtMostTimes(20.0),
        ),
        row(
            format!("memory for one of {what}, beside its payload"),
            Unit::Bytes,
            bytes(&jobs)?,
            ("L8: push into a channel", bytes(&pushes)?),
            Bound::AtMost(512.0),
        ),
    ])
}
