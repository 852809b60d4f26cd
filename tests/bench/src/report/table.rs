use super::{Limit, Row};
use crate::unit::three_digits;
use crate::{Figure, Quantile};

const HEAD: &str = "\
| | Ostler p50 / p99 | n | beside | p50 / p99 | n | ratio | bound | holds |
|---|---|---|---|---|---|---|---|---|
";

/// The rows as a table in Markdown. What misses its bound is marked, not left out.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let lines = rows.into_iter().map(|row| format!("| {} |\n", cells(row).join(" | ")));
    HEAD.to_owned() + &lines.collect::<String>()
}

fn cells(row: &Row) -> [String; 9] {
    let show = |figure: &Figure| format!("{} / {}", row.unit.show(figure.p50), row.unit.show(figure.p99));
    let limit = |cell: &dyn Fn(&Limit) -> String| row.limit.as_ref().map(cell).unwrap_or_default();
    let part = if row.quantile == Quantile::P99 { " (p99)" } else { "" };
    [
        row.name(),
        show(&row.ostler),
        row.ostler.n.to_string(),
        limit(&|limit| limit.what.clone()),
        limit(&|limit| show(&limit.figure)),
        limit(&|limit| limit.figure.n.to_string()),
        row.ratio().map(|ratio| format!("{} ×{part}", three_digits(ratio))).unwrap_or_default(),
        row.bound.map(|bound| format!("{}{part}", bound.show(row.unit))).unwrap_or_default(),
        holds(row.holds()).to_owned(),
    ]
}

/// As it stands in a table.
pub(super) fn holds(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    }
}
