//! What runs in the workers.

mod echo;
mod hang;
mod killer;
mod pause;
mod spin;

use ostler::worker::PluginSet;

/// All plugins of a worker.
pub(crate) fn register_all(plugins: &mut PluginSet) {
    plugins.register::<echo::Echo>();
    plugins.register::<hang::Hang>();
    plugins.register::<killer::Killer>();
    plugins.register::<spin::Spin>();
}
