use ostler::worker::{JobContext, Plugin, PluginError};

use crate::line::Line;

/// Never ends, and takes no processor time: a worker that is busy.
pub(super) struct Hang;

impl Plugin for Hang {
    const NAME: &str = "hang";
    type Config = ();
    type Request = Line;
    type Response = Line;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Hang)
    }

    fn execute(&mut self, _: Line, _: &JobContext) -> Result<Line, PluginError> {
        loop {
            std::thread::park();
        }
    }
}
