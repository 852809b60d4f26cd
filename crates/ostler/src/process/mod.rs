//! Making and ending worker processes. Everything that is Linux-only on the host's side is here.
//!
//! One supervisor thread, shared by all managers of the process, spawns and reaps. It needs no
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
mod housekeeper;
mod kernel_log;
mod leftover;
mod life;
mod limit;
pub(crate) mod memory;
mod oom;
mod oom_counter;
mod orphans;
mod pidfd;
mod pinned;
mod procfs;
mod random;
mod record;
mod record_directory;
mod record_text;
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

pub(crate) use endpoint::Endpoint;
pub(crate) use exit::ChildExit;
pub(crate) use spawn::{ChildOutput, SpawnError, SpawnSpec};

pub(crate) use housekeeper::OnSwept;
pub(crate) use oom::Certainty;
pub use orphans::reap_orphans;
pub(crate) use supervisor::{OnUnclaimedExit, Process, Spawned, check_host};
pub(crate) use sweep::Swept;
