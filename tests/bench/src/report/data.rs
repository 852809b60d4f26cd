use serde::{Deserialize, Serialize};

use super::Row;
use crate::Machine;

/// All that one run measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Where and when.
    pub machine: Machine,
    /// In the order of the workloads.
    pub rows: Vec<Row>,
}
