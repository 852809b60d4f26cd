use std::fmt::Write;

use super::bars::{Bar, Section, sections};
use super::scale::Scale;
use crate::report::Report;
use crate::{Unit, Workload};

const WIDTH: f64 = 960.0;
/// Where bars begin, and how long they can be; the value stands behind them.
const LEFT: f64 = 400.0;
const LENGTH: f64 = 440.0;
const BAR: f64 = 22.0;
const TITLE: f64 = 34.0;
const AXIS: f64 = 30.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.tick { font-size: 11px; fill: #59636e }
.line { stroke: #d1d9e0 }
.tail { stroke: #1f2328; stroke-width: 1.5 }
.limit { fill: #afb8c1 }
.ostler { fill: #0969da }
.neighbour { fill: #dda15e }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.tick { fill: #9198a1 }
.line { stroke: #3d444d }
.tail { stroke: #f0f6fc }
.limit { fill: #656c76 }
.ostler { fill: #4493f8 }
.neighbour { fill: #b5793a }
}
";

/// The plots of a workload as a file.
pub(in crate::report) fn chart(report: &Report, workload: Workload) -> String {
    let mut body = String::new();
    let mut top = 0.0;
    for section in sections(report, workload) {
        top = draw(&section, top, &mut body);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" width=\"{WIDTH}\" height=\"{top}\" \
         role=\"img\" aria-label=\"{workload}: {}\">\n<style>\n{STYLE}</style>\n{body}</svg>\n",
        escape(workload.title())
    )
}

/// Draws one from there on, and returns where it ends.
fn draw(section: &Section, top: f64, body: &mut String) -> f64 {
    // Memory is told in powers of two.
    let base = if section.unit == Unit::Bytes { 4.0 } else { 10.0 };
    let scale =
        Scale::over(base, section.bars.iter().flat_map(|bar| [bar.value, bar.tail.unwrap_or(bar.value)]));
    let better = if section.unit == Unit::JobsPerSecond { "more" } else { "less" };
    let title = format!("{} ({better} is better)", section.title);
    text(body, "title", 8.0, top + 22.0, "start", &title);
    let bottom = top + TITLE + BAR * section.bars.len() as f64;
    for tick in scale.ticks() {
        let x = LEFT + LENGTH * scale.place(tick);
        line(body, "line", (x, top + TITLE - 4.0), (x, bottom + 4.0));
        text(body, "tick", x, bottom + 18.0, "middle", &round(section.unit, tick));
    }
    for (index, bar) in section.bars.iter().enumerate() {
        draw_bar(bar, section.unit, scale, top + TITLE + BAR * index as f64, body);
    }
    bottom + AXIS
}

/// A value without decimals that say nothing.
fn round(unit: Unit, value: f64) -> String {
    let shown = unit.show(value);
    match shown.split_once(' ') {
        Some((number, name)) if number.contains('.') => {
            format!("{} {name}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => shown,
    }
}

fn draw_bar(bar: &Bar, unit: Unit, scale: Scale, top: f64, body: &mut String) {
    let (length, middle) = (LENGTH * scale.place(bar.value), top + BAR / 2.0);
    text(body, "label", LEFT - 8.0, middle + 4.5, "end", &bar.label);
    // Writing to a string cannot fail.
    let _ = writeln!(
        body,
        "<rect class=\"{}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{}\"/>",
        bar.kind.class(),
        top + 3.0,
        BAR - 6.0
    );
    let mut end = LEFT + length;
    if let Some(tail) = bar.tail {
        let x = LEFT + LENGTH * scale.place(tail);
        line(body, "tail", (end, middle), (x, middle));
        line(body, "tail", (x, middle - 4.0), (x, middle + 4.0));
        end = end.max(x);
    }
    text(body, "value", end + 6.0, middle + 4.5, "start", &unit.show(bar.value));
}

fn text(body: &mut String, class: &str, x: f64, y: f64, anchor: &str, content: &str) {
    let content = escape(content);
    let _ = writeln!(
        body,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>"
    );
}

fn line(body: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        body,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Figure, Machine, Neighbour, NeighbourRow, Row};

    #[test]
    fn limit_ostler_and_neighbour_each_have_a_bar() {
        let figure = |p50| Figure { p50, p99: 2.0 * p50, n: 3 };
        let row = Row::new(Workload::W1, "a <small> job", Unit::Nanoseconds, figure(50_000.0));
        let row = row.beside("L1", figure(40_000.0)).neighbours(NeighbourRow::W1);
        let other = Neighbour {
            name: "Peers & Co".into(),
            version: "1".into(),
            workloads: BTreeMap::from([("w1".into(), serde_json::json!({ "p50_us": 300 }))]),
        };
        // Two rows with one figure are one bar.
        let report =
            Report { machine: Machine::read(), rows: vec![row.clone(), row], neighbours: vec![other] };
        let svg = chart(&report, Workload::W1);
        for (class, label) in [("limit", ">L1<"), ("ostler", ">Ostler<"), ("neighbour", ">Peers &amp; Co<")] {
            assert_eq!(svg.matches(&format!("<rect class=\"{class}\"")).count(), 1, "{svg}");
            assert!(svg.contains(label), "{svg}");
        }
        assert!(svg.contains("a &lt;small&gt; job (less is better)"), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(round(Unit::Nanoseconds, 1e4), "10 µs");
        assert_eq!(round(Unit::Bytes, 1024.0 * 1024.0), "1 MiB");
        assert_eq!(round(Unit::Nanoseconds, 100.0), "100 ns");
        assert_eq!(round(Unit::JobsPerSecond, 1e5), "100,000/s");
    }
}
