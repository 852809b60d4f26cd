use std::fmt::Write;

use super::Row;
use crate::Quantile;
use crate::unit::three_digits;

/// The rows as a table in Markdown. What misses its bound is marked, not left out.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| | what | Ostler p50 | p99 | n | limit | p50 | p99 | ratio | bound | holds |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", cells(row).join(" | "));
    }
    text
}

fn cells(row: &Row) -> [String; 11] {
    let show = |value| row.unit.show(value);
    let limit = |part: fn(&crate::Figure) -> f64| {
        row.limit.as_ref().map(|limit| show(part(&limit.figure))).unwrap_or_default()
    };
    let tail = if row.quantile == Quantile::P99 { " (p99)" } else { "" };
    [
        row.workload.to_string(),
        row.what.clone(),
        show(row.ostler.p50),
        show(row.ostler.p99),
        row.ostler.n.to_string(),
        row.limit.as_ref().map(|limit| limit.what.clone()).unwrap_or_default(),
        limit(|figure| figure.p50),
        limit(|figure| figure.p99),
        row.ratio().map(|ratio| format!("{} ×{tail}", three_digits(ratio))).unwrap_or_default(),
        row.bound.map(|bound| format!("{}{tail}", bound.show(row.unit))).unwrap_or_default(),
        match row.holds() {
            Some(true) => "yes".to_owned(),
            Some(false) => "**no**".to_owned(),
            None => String::new(),
        },
    ]
}
