use std::fs;
use std::path::{Path, PathBuf};

use super::chart::chart;
use super::document::Document;
use super::{Report, standings, table};
use crate::{Result, Workload};

/// Writes tables into BENCHMARKS.md, and plots and figures into `docs/bench/`.
pub(crate) fn write_into_the_tree(report: &Report) -> Result<()> {
    let root = root()?;
    let page = root.join("BENCHMARKS.md");
    let mut document = Document::new(fs::read_to_string(&page)?);
    document.put("machine", &format!("{}.\n", report.machine))?;
    for workload in Workload::ALL {
        document.put(&workload.to_string(), &table(report.of(workload)))?;
    }
    document.put("neighbours", &neighbours(report))?;
    let plots = root.join("docs/bench");
    fs::create_dir_all(&plots)?;
    for workload in Workload::ALL {
        let name = format!("{}.svg", workload.to_string().to_lowercase());
        fs::write(plots.join(name), chart(report, workload))?;
    }
    fs::write(plots.join("figures.json"), serde_json::to_string_pretty(report)? + "\n")?;
    fs::write(page, document.text())?;
    Ok(())
}

/// The source tree from which this program was built.
pub(crate) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.filter(|root| root.join("BENCHMARKS.md").exists());
    Ok(root.ok_or("the source tree is gone from which this program was built")?.to_owned())
}

fn neighbours(report: &Report) -> String {
    let standings = standings(report);
    if standings.is_empty() {
        return "They were not measured in this run.\n".to_owned();
    }
    let versions: Vec<String> = report
        .neighbours
        .iter()
        .map(|neighbour| format!("{} {}", neighbour.name, neighbour.version))
        .collect();
    format!("{standings}\n{}.\n", versions.join(", "))
}
