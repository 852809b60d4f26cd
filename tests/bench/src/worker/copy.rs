use ostler::worker::{JobContext, Plugin, PluginError};

use crate::line::Line;

/// Copies what is attached into memory that is shared with the host.
pub(super) struct Copy;

impl Plugin for Copy {
    const NAME: &str = "copy";
    type Config = ();
    type Request = Line;
    type Response = Line;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Copy)
    }

    fn execute(&mut self, line: Line, job: &JobContext) -> Result<Line, PluginError> {
        for attachment in job.attachments() {
            let mut buffer = job.buffer(attachment.bytes.len());
            buffer.copy_from_slice(&attachment.bytes);
            job.attach(attachment.name.clone(), attachment.media_type.clone(), buffer.freeze());
        }
        Ok(line)
    }
}
