use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;
use crate::line::PAYLOAD;

/// Another job system, with what the script of the neighbours measured of it on this machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Neighbour {
    /// What it is called.
    pub name: String,
    /// Of it, and of what it runs on.
    pub version: String,
    /// By [`NeighbourRow::key`]: figures as they were measured, or why there are none.
    pub workloads: BTreeMap<String, Value>,
}

/// What is measured of a neighbour too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are named as the workloads are")]
pub enum NeighbourRow {
    W1,
    W2One,
    W2Two,
    W3Mib1,
    W3Mib16,
    W3Mib64,
    W4a,
    W4b,
    W4c,
    W5,
    W6,
    W7,
    W7Proportional,
    W8,
    W8Memory,
}

impl Neighbour {
    /// All of which there are figures, from the file that the script wrote.
    pub(crate) fn read(path: &Path) -> Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct Entry {
            version: Option<String>,
            workloads: BTreeMap<String, Value>,
        }
        let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let entries: BTreeMap<String, Entry> = serde_json::from_slice(&text)?;
        // One without a version could not be installed.
        let present = entries.into_iter().filter_map(|(name, entry)| {
            Some(Self { name, version: entry.version?, workloads: entry.workloads })
        });
        Ok(present.collect())
    }

    /// Its figure, in the unit of our row; none if it has none.
    pub fn value(&self, row: NeighbourRow) -> Option<f64> {
        let figures = self.workloads.get(row.key())?;
        let field = |name: &str| figures.get(name)?.as_f64();
        match row {
            NeighbourRow::W2One | NeighbourRow::W2Two => field("jobs_per_s"),
            NeighbourRow::W7 => Some(field("host_rss_bytes")? + field("worker_rss_bytes")?),
            NeighbourRow::W7Proportional => field("all_pss_bytes"),
            // Ours is beside the payload.
            NeighbourRow::W8Memory => Some(field("bytes_per_job")? - PAYLOAD as f64),
            _ => Some(field("p50_us")? * 1e3),
        }
    }

    /// Why it has no figure, or what its figure is of.
    pub fn remark(&self, row: NeighbourRow) -> Option<&str> {
        let figures = self.workloads.get(row.key())?;
        ["cannot", "failed", "instead"].iter().find_map(|name| figures.get(name)?.as_str())
    }
}

impl NeighbourRow {
    /// What the script of the neighbours calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2One => "w2_1",
            Self::W2Two => "w2_2",
            Self::W3Mib1 => "w3_1mib",
            Self::W3Mib16 => "w3_16mib",
            Self::W3Mib64 => "w3_64mib",
            Self::W4a => "w4a",
            Self::W4b => "w4b",
            Self::W4c => "w4c",
            Self::W5 => "w5",
            Self::W6 => "w6",
            Self::W7 | Self::W7Proportional => "w7",
            Self::W8 | Self::W8Memory => "w8",
        }
    }

    /// How many times ahead of the best of them Ostler has to be.
    pub fn lead(self) -> Option<f64> {
        match self {
            Self::W2One | Self::W2Two => Some(10.0),
            // Twice the smallest will do.
            Self::W7 => Some(0.5),
            Self::W7Proportional | Self::W8Memory => None,
            _ => Some(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;

    #[test]
    fn figures_are_read_as_the_script_writes_them() {
        let text = r#"{
            "loky": {"version": "3.7", "workloads": {
                "w1": {"p50_us": 312.5, "p99_us": 493.0},
                "w2_1": {"jobs_per_s": 8335.0},
                "w4a": {"cannot": "no cancel of a job"},
                "w7": {"host_rss_bytes": 100, "worker_rss_bytes": 20, "all_pss_bytes": 90},
                "w8": {"p50_us": 17.3, "bytes_per_job": 2154.0}
            }},
            "absent": {"absent": "cannot be installed", "workloads": {}}
        }"#;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let neighbours = Neighbour::read(file.path()).unwrap();
        let [loky] = &neighbours[..] else { panic!("{neighbours:?}") };
        assert_eq!(loky.value(NeighbourRow::W1), Some(312_500.0));
        assert_eq!(loky.value(NeighbourRow::W2One), Some(8335.0));
        assert_eq!(loky.value(NeighbourRow::W4a), None);
        assert_eq!(loky.remark(NeighbourRow::W4a), Some("no cancel of a job"));
        assert_eq!(loky.value(NeighbourRow::W7), Some(120.0));
        assert_eq!(loky.value(NeighbourRow::W8Memory), Some(2090.0));
    }
}
