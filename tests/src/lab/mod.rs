//! Plugins that do what a test tells them, good or bad, and the job type for them.

mod farewell;
mod fragile;
mod harm;
mod plugin;
mod printing;
mod task;

pub use farewell::Farewell;
pub use fragile::{Breakage, Fragile, Harm, Moment};
pub use plugin::{Lab, Other};
pub use task::Task;

use ostler::worker::PluginSet;

/// All of them.
pub fn register_all(plugins: &mut PluginSet) {
    plugins.register::<Lab>();
    plugins.register::<Other>();
}
