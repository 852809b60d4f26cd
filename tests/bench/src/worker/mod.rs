//! What runs in the workers.

mod echo;
mod hang;

use ostler::worker::PluginSet;

pub(crate) use echo::Echo;
pub(crate) use hang::Hang;

/// All plugins of a worker.
pub(crate) fn register_all(plugins: &mut PluginSet) {
    plugins.register::<Echo>();
    plugins.register::<Hang>();
}
