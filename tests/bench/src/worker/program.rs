use std::path::PathBuf;

use crate::Result;

const NAME: &str = "ostler-bench-worker";

/// The program of workers and limits. Cargo puts it beside other programs, and benchmarks one below.
pub(crate) fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let mut places = own.ancestors().skip(1).take(2).map(|directory| directory.join(NAME));
    let missing = || format!("{NAME} is not beside {}: cargo build -p ostler-bench --bins", own.display());
    Ok(places.find(|path| path.is_file()).ok_or_else(missing)?)
}
