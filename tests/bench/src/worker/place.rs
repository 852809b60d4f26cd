use ostler::worker::{JobContext, Plugin, PluginError};

use crate::line::Line;

/// Answers with as much memory as is attached, of which it writes both ends.
pub(super) struct Place;

impl Plugin for Place {
    const NAME: &str = "place";
    type Config = ();
    type Request = Line;
    type Response = Line;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Place)
    }

    fn execute(&mut self, line: Line, job: &JobContext) -> Result<Line, PluginError> {
        for attachment in job.attachments() {
            let [first, .., last] = *attachment.bytes else {
                return Err(PluginError::input("there must be two bytes at least"));
            };
            let mut buffer = job.buffer(attachment.bytes.len());
            if let [begin, .., end] = &mut *buffer {
                (*begin, *end) = (first, last);
            }
            job.attach(attachment.name.clone(), attachment.media_type.clone(), buffer.freeze());
        }
        Ok(line)
    }
}
