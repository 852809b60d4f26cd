//! What runs in the workers.

mod act;
mod answer;
mod daemon;
mod page;
mod perform;
mod plugin;
mod rebel;
mod ruin;
mod task;

pub(crate) use act::Act;
pub(crate) use answer::{answer, own, sent};
pub(crate) use daemon::run_if_daemon;
pub(crate) use page::{DIARY, LOCKS, VARIABLE};
pub(crate) use plugin::{ALPHA, BETA, register_all};
pub(crate) use rebel::Rebel;
pub(crate) use task::Task;
