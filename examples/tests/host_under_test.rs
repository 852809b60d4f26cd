//! How to test a host whose workers are the host itself: the test program becomes a worker, too.

use ostler::worker::{PluginSet, worker_in_tests};
use ostler::{BaseJobManager, JobType, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Shout(String);
impl JobType for Shout {
    type Output = String;
}

/// What the program's own `main` hands to `run_if_worker`.
fn register_all(plugins: &mut PluginSet) {
    plugins.function("shout", |request: Shout, _| Ok(request.0.to_uppercase()));
}

struct Host;
impl BaseJobManager<Shout> for Host {
    fn worker_type(&self) -> &str {
        "shout"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

worker_in_tests!(register_all);

#[tokio::test]
async fn the_host_shouts() -> ostler::Result<()> {
    let manager = Host.launch(WorkerConfig::default()).await?;
    assert_eq!(manager.start_job("shout", Shout("hay".into())).await?.await?, "HAY");
    manager.shutdown().await
}
