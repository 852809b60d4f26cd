//! What the documents describe that this project was created from: a test for each thing, and for each fault of
//! theirs that must not come back.

mod base_job;
mod base_manager;
mod faults;
mod hooks;
mod integrations;
mod operations;
mod service;
mod tracker;
