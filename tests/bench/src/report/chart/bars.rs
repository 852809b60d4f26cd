use std::collections::BTreeSet;

use crate::report::{Report, Row};
use crate::{Figure, Unit, Workload};

/// One plot of several that stand below each other: bars with one unit and one scale.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) unit: Unit,
    pub(super) bars: Vec<Bar>,
}

/// One bar.
pub(super) struct Bar {
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) value: f64,
    /// Where the tail ends, if that is known.
    pub(super) tail: Option<f64>,
}

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Limit,
    Ostler,
    Neighbour,
}

impl Kind {
    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Ostler => "ostler",
            Self::Neighbour => "neighbour",
        }
    }
}

/// The plots of a workload: limits first, then Ostler, then the neighbours, each from the best on.
pub(super) fn sections(report: &Report, workload: Workload) -> Vec<Section> {
    let mut titles: Vec<&str> = report.of(workload).map(|row| row.what.as_str()).collect();
    titles.dedup();
    let section = |title: &str| {
        let rows: Vec<&Row> = report.of(workload).filter(|row| row.what == title).collect();
        let unit = rows.first()?.unit;
        Some(Section { title: title.to_owned(), unit, bars: bars(&rows, unit, report) })
    };
    titles.into_iter().filter_map(section).collect()
}

fn bars(rows: &[&Row], unit: Unit, report: &Report) -> Vec<Bar> {
    let limits =
        rows.iter().filter_map(|row| row.limit.as_ref()).map(|limit| (limit.what.clone(), limit.figure));
    let ours = rows.iter().map(|row| {
        let variant = row.variant.as_ref().map(|variant| format!(", {variant}")).unwrap_or_default();
        (format!("Ostler{variant}"), row.ostler)
    });
    let mut bars = distinct(Kind::Limit, limits);
    bars.append(&mut distinct(Kind::Ostler, ours));
    let theirs = rows.iter().find_map(|row| row.neighbours).into_iter().flat_map(|key| {
        report.neighbours.iter().filter_map(move |neighbour| {
            let (label, value) = (neighbour.name.clone(), neighbour.value(key)?);
            Some(Bar { kind: Kind::Neighbour, label, value, tail: None })
        })
    });
    let mut theirs: Vec<Bar> = theirs.collect();
    theirs.sort_by(|one, other| one.value.total_cmp(&other.value));
    if unit == Unit::JobsPerSecond {
        theirs.reverse();
    }
    bars.append(&mut theirs);
    bars
}

/// Several rows may share a figure.
fn distinct(kind: Kind, figures: impl Iterator<Item = (String, Figure)>) -> Vec<Bar> {
    let mut seen = BTreeSet::new();
    let fresh = figures.filter(|(label, _)| seen.insert(label.clone()));
    fresh.map(|(label, figure)| Bar { kind, label, value: figure.p50, tail: Some(figure.p99) }).collect()
}
