use super::Bench;
use super::bench::figure;
use crate::report::NeighbourRow;
use crate::stage::{Queued, Stage};
use crate::{Bound, Result, Row, Unit};

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
    let row = |what, unit, ostler, bare| {
        Row::new(bench.workload, what, unit, ostler).beside("L8: push into a channel", bare)
    };
    let submit = format!("submit one of {what}");
    let memory = format!("memory for one of {what}, beside its payload");
    // The neighbours are asked for as many as the smaller count only.
    let is_theirs = |row: NeighbourRow| (count == 100_000).then_some(row);
    Ok(vec![
        row(submit, Unit::Nanoseconds, nanos(&jobs)?, nanos(&pushes)?)
            .bound(Bound::AtMostTimes(20.0))
            .neighbours(is_theirs(NeighbourRow::W8)),
        row(memory, Unit::Bytes, bytes(&jobs)?, bytes(&pushes)?)
            .bound(Bound::AtMost(512.0))
            .neighbours(is_theirs(NeighbourRow::W8Memory)),
    ])
}
