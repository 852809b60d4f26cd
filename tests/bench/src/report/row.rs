use serde::{Deserialize, Serialize};

use super::NeighbourRow;
use crate::{Figure, Quantile, Unit, Workload};

/// One thing that was measured, beside the best that the machine allows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Which workload it belongs to.
    pub workload: Workload,
    /// What was measured; rows that share it are drawn together.
    pub what: String,
    /// In which way, if there are several.
    pub variant: Option<String>,
    /// What the figures count.
    pub unit: Unit,
    /// Which part of the figures is compared.
    pub quantile: Quantile,
    /// Ostler's.
    pub ostler: Figure,
    /// What it is compared with.
    pub limit: Option<Limit>,
    /// What it has to keep.
    pub bound: Option<Bound>,
    /// Which row of the neighbours measures the same.
    pub neighbours: Option<NeighbourRow>,
}

/// The same with nothing but system calls.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// What was measured.
    pub what: String,
    /// What came of it, in the unit of its row.
    pub figure: Figure,
}

/// What a figure has to keep.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At most so many times the limit.
    AtMostTimes(f64),
    /// At least so many times the limit.
    AtLeastTimes(f64),
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
}

impl Row {
    /// A figure that is compared with nothing yet.
    pub(crate) fn new(workload: Workload, what: impl Into<String>, unit: Unit, ostler: Figure) -> Self {
        Self {
            workload,
            what: what.into(),
            variant: None,
            unit,
            quantile: Quantile::P50,
            ostler,
            limit: None,
            bound: None,
            neighbours: None,
        }
    }

    pub(crate) fn variant(mut self, variant: impl Into<String>) -> Self {
        self.variant = Some(variant.into());
        self
    }

    pub(crate) fn beside(mut self, limit: impl Into<String>, figure: Figure) -> Self {
        self.limit = Some(Limit { what: limit.into(), figure });
        self
    }

    pub(crate) fn bound(mut self, bound: impl Into<Option<Bound>>) -> Self {
        self.bound = bound.into();
        self
    }

    pub(crate) fn quantile(mut self, quantile: Quantile) -> Self {
        self.quantile = quantile;
        self
    }

    pub(crate) fn neighbours(mut self, row: impl Into<Option<NeighbourRow>>) -> Self {
        self.neighbours = row.into();
        self
    }

    /// What was measured, and in which way.
    pub fn name(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}: {variant}", self.what),
            None => self.what.clone(),
        }
    }

    /// The part of Ostler's figure that is compared.
    pub fn value(&self) -> f64 {
        self.ostler.at(self.quantile)
    }

    /// The same part of the limit's.
    pub fn limit_value(&self) -> Option<f64> {
        self.limit.as_ref().map(|limit| limit.figure.at(self.quantile))
    }

    /// How many times the limit it is.
    pub fn ratio(&self) -> Option<f64> {
        self.limit_value().map(|limit| self.value() / limit)
    }

    /// Whether it keeps its bound; none if there is none, or nothing to compare with.
    pub fn holds(&self) -> Option<bool> {
        Some(match self.bound? {
            Bound::AtMostTimes(times) => self.ratio()? <= times,
            Bound::AtLeastTimes(times) => self.ratio()? >= times,
            Bound::AtMost(most) => self.value() <= most,
            Bound::AtLeast(least) => self.value() >= least,
        })
    }
}

impl Bound {
    /// As it stands in a table.
    pub fn show(self, unit: Unit) -> String {
        match self {
            Self::AtMostTimes(times) => format!("≤ {times} ×"),
            Self::AtLeastTimes(times) => format!("≥ {times} ×"),
            Self::AtMost(most) => format!("≤ {}", unit.show(most)),
            Self::AtLeast(least) => format!("≥ {}", unit.show(least)),
        }
    }
}
