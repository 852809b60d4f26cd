use ostler::worker::{JobContext, Plugin, PluginError};

use crate::line::Line;

/// Gives back what it is given, with all that is attached.
pub(crate) struct Echo;

impl Plugin for Echo {
    const NAME: &str = "echo";
    type Config = ();
    type Request = Line;
    type Response = Line;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Echo)
    }

    fn execute(&mut self, line: Line, job: &JobContext) -> Result<Line, PluginError> {
        for attachment in job.attachments() {
            job.attach(attachment.name.clone(), attachment.media_type.clone(), attachment.bytes.clone());
        }
        Ok(line)
    }
}
