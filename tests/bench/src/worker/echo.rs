use ostler::worker::{JobContext, Plugin, PluginError};
use serde::Deserialize;

use super::pause::pause;
use crate::line::Line;

/// Gives back what it is given, with all that is attached.
pub(super) struct Echo;

#[derive(Deserialize)]
pub(super) struct EchoConfig {
    /// How long it takes to load.
    #[serde(default)]
    load_ms: u64,
}

impl Plugin for Echo {
    const NAME: &str = "echo";
    type Config = EchoConfig;
    type Request = Line;
    type Response = Line;

    fn load(config: EchoConfig) -> Result<Self, PluginError> {
        if config.load_ms > 0 {
            pause(config.load_ms);
        }
        Ok(Echo)
    }

    fn execute(&mut self, line: Line, job: &JobContext) -> Result<Line, PluginError> {
        for attachment in job.attachments() {
            job.attach(attachment.name.clone(), attachment.media_type.clone(), attachment.bytes.clone());
        }
        Ok(line)
    }
}
