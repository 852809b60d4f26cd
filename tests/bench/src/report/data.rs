use serde::{Deserialize, Serialize};

use super::{Neighbour, Row};
use crate::{Machine, Workload};

/// All that one run measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Where and when.
    pub machine: Machine,
    /// In the order of the workloads.
    pub rows: Vec<Row>,
    /// None, if they were not measured.
    pub neighbours: Vec<Neighbour>,
}

impl Report {
    /// The rows of a workload.
    pub fn of(&self, workload: Workload) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.workload == workload)
    }
}
