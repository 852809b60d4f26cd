//! The table "Bad input" of the design, a module for each part of it.

mod dead_workers;
mod floods;
mod forgetful_host;
mod invalid_config;
mod plugin_errors;
mod programs;
mod queue_full;
mod requests;
mod strangers;
mod subscribers;
mod undecodable;

use ostler::{JobManager, JobType};

fn nothing_was_queued<J: JobType>(manager: &JobManager<J>) {
    assert!(manager.get_all_jobs().is_empty(), "{:?}", manager.get_all_jobs());
}
