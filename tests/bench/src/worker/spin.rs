use ostler::worker::{JobContext, Plugin, PluginError};

use crate::line::Line;
use crate::process::spin_for_ever;

/// A busy loop that ignores SIGTERM. The job's line is how many MiB it holds meanwhile.
pub(super) struct Spin;

impl Plugin for Spin {
    const NAME: &str = "spin";
    type Config = ();
    type Request = Line;
    type Response = Line;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Spin)
    }

    fn execute(&mut self, line: Line, job: &JobContext) -> Result<Line, PluginError> {
        let mebibytes = line.0.parse().map_err(|error| PluginError::input(format!("{}: {error}", line.0)))?;
        spin_for_ever(mebibytes, || job.progress(1.0, "spins"))
    }
}
