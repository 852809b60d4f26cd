use std::collections::BTreeMap;

use super::table::holds;
use super::{Neighbour, NeighbourRow, Report, Row};
use crate::Unit;
use crate::unit::three_digits;

const HEAD: &str = "\
| | | Ostler | best neighbour | its figure | ahead | asked for | holds |
|---|---|---|---|---|---|---|---|
";

/// Where Ostler stands among its neighbours in each way of doing it, as a table in Markdown; empty if they were not
/// measured.
pub(crate) fn standings(report: &Report) -> String {
    let lines: String = ours(&report.rows)
        .into_iter()
        .filter_map(|((key, _), row)| line(key, row, &report.neighbours))
        .collect();
    if lines.is_empty() { lines } else { HEAD.to_owned() + &lines }
}

fn line(key: NeighbourRow, row: &Row, neighbours: &[Neighbour]) -> Option<String> {
    let (best, value) = neighbours
        .iter()
        .filter_map(|neighbour| Some((neighbour, neighbour.value(key)?)))
        .min_by(|one, other| loss(row.unit, one.1).total_cmp(&loss(row.unit, other.1)))?;
    let ours = row.ostler.p50;
    let ahead = loss(row.unit, value) / loss(row.unit, ours);
    let lead = key.lead();
    Some(format!(
        "| {} | {} | {} | {} | {} | {} × | {} | {} |\n",
        row.workload,
        row.name(),
        row.unit.show(ours),
        best.name,
        row.unit.show(value),
        three_digits(ahead),
        lead.map(|lead| format!("{lead} ×")).unwrap_or_default(),
        holds(lead.map(|lead| ahead >= lead)),
    ))
}

/// Each of ours once, however many limits it stands beside.
fn ours(rows: &[Row]) -> BTreeMap<(NeighbourRow, String), &Row> {
    rows.iter().filter_map(|row| Some(((row.neighbours?, row.name()), row))).collect()
}

/// Less is better of this, whatever the unit.
fn loss(unit: Unit, value: f64) -> f64 {
    if unit == Unit::JobsPerSecond { 1.0 / value } else { value }
}
