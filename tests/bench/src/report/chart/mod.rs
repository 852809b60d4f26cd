//! Plots: bars on a logarithmic scale, as SVG that fits a light and a dark page.

mod bars;
mod scale;
mod svg;

pub(super) use svg::chart;
