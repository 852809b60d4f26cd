#![expect(unsafe_code, reason = "a promise about workers is made here")]

use bytes::Bytes;
use ostler::{TrustedPeer, WorkerConfig};

use super::contest::{Contest, Managers};
use crate::flavour::Flavour;
use crate::pool::{self, Spin};
use crate::report::NeighbourRow;
use crate::workload::Bench;
use crate::workload::bench::figure;
use crate::{Result, Row, Unit};

/// What a payload of each size is compared with, in the order of `Mode::bounds`.
const LIMITS: [&str; 3] = [
    "L3: copied in, through and out of a shared arena",
    "L3: copied through the socket",
    "L3: a descriptor handed over",
];

pub(in crate::workload) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    // What has ended is not kept: each record holds its payload.
    let copying = WorkerConfig { finished_jobs_kept: 0, ..pool::config(Spin::Without) };
    // SAFETY: the plugins of these workers are safe Rust.
    let trusted = Some(unsafe { TrustedPeer::promise() });
    let in_place = WorkerConfig { results_in_place: trusted, ..copying.clone() };
    let managers = Managers {
        copying: runtime.block_on(pool::launch(copying))?,
        in_place: runtime.block_on(pool::launch(in_place))?,
    };
    let full = [
        (1, "1 MiB", Some(NeighbourRow::W3Mib1)),
        (16, "16 MiB", Some(NeighbourRow::W3Mib16)),
        (64, "64 MiB", Some(NeighbourRow::W3Mib64)),
    ];
    let quick = [(1, "1 MiB", None), (2, "2 MiB", None), (4, "4 MiB", None)];
    let mut rows = Vec::new();
    for (mebibytes, what, neighbours) in bench.effort.pick(full, quick) {
        let size = mebibytes << 20;
        let payload = Bytes::from((0..size).map(|index| (index % 251) as u8).collect::<Vec<_>>());
        let mut contest = Contest::new(payload, &runtime, &managers)?;
        // Pages are touched for the first time, and pools grow, before it counts.
        contest.round()?;
        contest.forget();
        let rounds = bench.effort.pick(if mebibytes == 1 { 200 } else { 20 }, 2);
        for _ in bench.progress.rounds(what, rounds) {
            contest.round()?;
        }
        rows.append(&mut rows_of(what, neighbours, contest, bench)?);
    }
    runtime.block_on(managers.copying.shutdown())?;
    runtime.block_on(managers.in_place.shutdown())?;
    Ok(rows)
}

fn rows_of(
    size: &str,
    neighbours: Option<NeighbourRow>,
    contest: Contest<'_>,
    bench: &Bench,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let bare = contest.bare.into_iter().map(figure).collect::<Result<Vec<_>>>()?;
    for (mode, samples) in contest.ours {
        let ostler = figure(samples)?;
        for ((what, figure), bound) in LIMITS.into_iter().zip(&bare).zip(mode.bounds()) {
            let name = format!("{size} there and back");
            let row = Row::new(bench.workload, name, Unit::Nanoseconds, ostler)
                .variant(mode.name())
                .beside(what, *figure)
                .bound(bound);
            rows.push(row.neighbours(neighbours));
        }
    }
    Ok(rows)
}
