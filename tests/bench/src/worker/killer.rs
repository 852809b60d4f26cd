use ostler::worker::{JobContext, Plugin, PluginError};

use super::pause::pause;
use crate::line::Line;
use crate::process::stamp_and_die;

/// Kills its own process. The job's line is the file in which it notes when.
pub(super) struct Killer;

impl Plugin for Killer {
    const NAME: &str = "killer";
    type Config = ();
    type Request = Line;
    type Response = Line;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Killer)
    }

    fn execute(&mut self, line: Line, _: &JobContext) -> Result<Line, PluginError> {
        // Until the host has queued what is to wait behind it.
        pause(3);
        let error = stamp_and_die(line.0.as_ref());
        Err(PluginError::resource(format!("cannot note the time in {}: {error}", line.0)))
    }
}
