//! Making, watching and ending the processes of workers. It knows nothing of jobs; everything that is Linux-only on the
//! host's side is here.
//!
//! A [`Maker`] is asked for each worker. [`ProcessGroups`] is the one that is used unless another is given:
//! one supervisor thread, shared by all managers of the process, spawns and reaps. It needs no
//! runtime, so a runtime that goes away leaves no worker behind; and as the kernel's parent-death signal
//! follows the *thread* that made the child, the thread lives as long as the process. It never waits for a child to become
//! its program: that may take as long as a dead network mount likes. A kill does not go through it.
//!
//! What takes longer is done by a second thread, the housekeeper: it sweeps for what a dead worker left outside of
//! its group, keeps a record of the living, and ends what a host that died left over.

mod child;
mod clone_child;
mod endpoint;
mod exit;
mod exits;
mod group;
mod host;
mod host_error;
mod housekeeper;
mod kernel_log;
mod leftover;
mod life;
mod limit;
mod maker;
mod memory;
mod oom;
mod oom_counter;
mod orphans;
mod pidfd;
mod pinned;
mod process_group;
mod procfs;
mod random;
mod record;
mod record_directory;
mod record_text;
mod say;
mod spawn;
mod spawner;
mod supervisor;
mod sweep;
mod teardown;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod transient;
mod worker_id;
mod worker_limits;

pub use endpoint::Endpoint;
pub use exit::ChildExit;
pub use host_error::HostError;
pub use life::KillError;
pub use limit::LimitError;
pub use maker::{Maker, OnSwept, OnUnclaimedExit, Peer, Spawned, WorkerProcess};
pub use memory::available as available_memory;
pub use oom::{Certainty, OomEvidence};
pub use orphans::reap_orphans;
pub use process_group::ProcessGroups;
#[doc(hidden)]
pub use say::unless_it_panics;
pub use spawn::{ChildOutput, SpawnError, SpawnSpec};
pub use sweep::Swept;
pub use worker_limits::{WorkerLimits, check_limits, refusing_limits};
