//! Making and ending worker processes. Everything that is Linux-only on the host's side is here.
//!
//! One supervisor thread, shared by all managers of the process, spawns, kills and reaps. It needs no
//! runtime, so a runtime that goes away leaves no worker behind; and as the kernel's parent-death signal
//! follows the *thread* that forked, the thread lives as long as the process. A kill does not go through it: it
//! must not wait for a spawn.
//!
//! What takes longer is done by a second thread, the housekeeper: it sweeps for what a dead worker left outside of
//! its group, keeps a record of the living, and ends what a host that died left over.

mod child;
mod endpoint;
mod exit;
mod group;
mod housekeeper;
mod kernel_log;
mod leftover;
mod life;
mod limit;
pub(crate) mod memory;
mod oom;
mod oom_counter;
mod pinned;
mod procfs;
mod random;
mod reap;
mod record;
mod record_directory;
mod record_text;
mod supervisor;
mod sweep;
mod teardown;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod worker_id;

pub(crate) use child::{ChildOutput, SpawnSpec};
pub(crate) use endpoint::Endpoint;
pub(crate) use exit::ChildExit;
pub(crate) use housekeeper::OnSwept;
pub(crate) use oom::Certainty;
pub(crate) use supervisor::{OnUnclaimedExit, Process, Spawned};
pub(crate) use sweep::Swept;
