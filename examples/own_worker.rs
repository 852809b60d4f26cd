//! A worker binary of one's own: all that it needs. `own_worker_host` starts it.

use ostler::worker::{JobContext, Plugin, PluginError, run_worker_binary};

struct Reverser;

impl Plugin for Reverser {
    const NAME: &str = "reverser";
    type Config = ();
    type Request = String;
    type Response = String;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Reverser)
    }

    fn execute(&mut self, text: String, _: &JobContext) -> Result<String, PluginError> {
        Ok(text.chars().rev().collect())
    }
}

fn main() {
    run_worker_binary(|plugins| plugins.register::<Reverser>())
}
