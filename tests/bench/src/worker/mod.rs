//! What runs in the workers.

mod copy;
mod echo;
mod hang;
mod killer;
mod pause;
mod place;
mod program;
mod spin;

use ostler::worker::PluginSet;

pub(crate) use program::program;

/// All plugins of a worker.
pub(crate) fn register_all(plugins: &mut PluginSet) {
    plugins.register::<copy::Copy>();
    plugins.register::<echo::Echo>();
    plugins.register::<hang::Hang>();
    plugins.register::<killer::Killer>();
    plugins.register::<place::Place>();
    plugins.register::<spin::Spin>();
}
