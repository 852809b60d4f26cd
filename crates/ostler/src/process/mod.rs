//! Making and ending worker processes. Everything that is Linux-only on the host's side is here.
//!
//! One supervisor thread, shared by all managers of the process, spawns, kills and reaps. It needs no
//! runtime, so a runtime that goes away leaves no worker behind; and as the kernel's parent-death signal
//! follows the *thread* that forked, the thread lives as long as the process.

mod child;
mod endpoint;
mod group;
pub(crate) mod memory;
mod reap;
mod supervisor;

pub(crate) use child::{ChildOutput, SpawnSpec};
pub(crate) use endpoint::Endpoint;
pub(crate) use supervisor::{ChildExit, OnUnclaimedExit, Process, Spawned};
