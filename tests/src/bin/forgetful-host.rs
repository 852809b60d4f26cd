//! A host that runs its own executable as its worker, and forgot to call `run_if_worker`.

use ostler::{BaseJobManager, WorkerCommand, WorkerConfig};
use ostler_tests::lab::Task;

struct Forgetful;

impl BaseJobManager<Task> for Forgetful {
    fn worker_type(&self) -> &str {
        "forgetful"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ostler::Result<()> {
    let manager = Forgetful.launch(WorkerConfig::default()).await?;
    manager.shutdown().await
}
