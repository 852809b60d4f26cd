use std::path::Path;
use std::process::Command;

use crate::effort::Effort;
use crate::report::{Neighbour, root};
use crate::workload::Bench;
use crate::{Result, Workload};

/// Has their script measure them in this workload. They are installed into the directory, unless they are there. Adds what
/// came of it to what is known of each.
pub(crate) fn measure(bench: &Bench, directory: &Path, known: &mut Vec<Neighbour>) -> Result<()> {
    // None of them has been asked for many workers.
    if bench.workload == Workload::W9 {
        return Ok(());
    }
    let file = tempfile::NamedTempFile::new()?;
    let mut script = Command::new(root()?.join("tests/bench/peers/run"));
    script.arg(file.path()).arg("--dir").arg(directory);
    script.args(["--workload", &bench.workload.to_string().to_lowercase()]);
    if bench.effort == Effort::Quick {
        script.arg("--quick");
    }
    let status = script.status()?;
    // It also fails if one of them could not be measured, and has said so; the others were.
    if file.as_file().metadata()?.len() == 0 {
        return Err(format!("the neighbours were not measured: their script ended with {status}").into());
    }
    for neighbour in Neighbour::read(file.path())? {
        match known.iter_mut().find(|known| known.name == neighbour.name) {
            Some(known) => known.workloads.extend(neighbour.workloads),
            None => known.push(neighbour),
        }
    }
    Ok(())
}
