//! What a host may plug in: a registry of plugins, an account of resources, a listener for events.
mod broadcast_channel;
mod event_broadcaster;
mod plugin_registry;
mod receiver;
mod resource_manager;
mod static_registry;
mod system_memory;
mod worker_phase;
mod worker_state;
mod worker_table;

pub use broadcast_channel::{Broadcast, BroadcastChannel, BroadcastEvent, BroadcastSubscriber};
pub use event_broadcaster::EventBroadcaster;
pub use plugin_registry::{PluginInfo, PluginRegistry, RegistryError};
pub use resource_manager::ResourceManager;
pub use static_registry::StaticRegistry;
pub use system_memory::{MemoryError, SystemMemory};
pub use worker_phase::WorkerPhase;
pub use worker_state::{ManagerId, WorkerState};
pub use worker_table::WorkerTable;
