use std::thread;
use std::time::Duration;

/// A plugin that takes its time, as one does that reads a model.
pub(super) fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}
