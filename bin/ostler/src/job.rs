use ostler::{BaseJobManager, Encoding, JobType, WorkerCommand};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A job as the command line knows it: parameters by name. What they mean, the plugin knows.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Params(pub(crate) Map<String, Value>);

impl JobType for Params {
    type Output = Value;
    const ENCODING: Encoding = Encoding::Json;
}

pub(crate) type Manager = ostler::JobManager<Params>;
pub(crate) type Job = ostler::Job<Params>;
pub(crate) type JobHandle = ostler::JobHandle<Params>;

/// Jobs of any plugin, in workers that are this program again.
pub(crate) struct CliJobs;

impl BaseJobManager<Params> for CliJobs {
    fn worker_type(&self) -> &str {
        "cli"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }

    fn supports_streaming(&self) -> bool {
        true
    }
}
