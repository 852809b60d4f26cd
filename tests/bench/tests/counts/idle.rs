//! Workers that have nothing to do take no processor time, and neither does their host.

use std::thread;
use std::time::Duration;

use crate::host::Host;
use crate::tasks::of_tasks;

/// The timer that was set for the last job's sake is not taken back, since that would cost each job: it goes off once,
/// after `heartbeat_interval`. From then on nothing does, for as long as anybody looks.
const LAST_TIMER: Duration = Duration::from_secs(11);
const WINDOW: Duration = Duration::from_secs(10);
const WORKERS: u32 = 64;

#[test]
fn nobody_wakes_up_while_there_is_nothing_to_do() {
    let host = Host::launch(WORKERS, "MultiThread");
    thread::sleep(LAST_TIMER);
    let before = of_tasks(&host.pids);
    thread::sleep(WINDOW);
    let after = of_tasks(&host.pids);
    assert!(host.pids.len() == 1 + WORKERS as usize && before.len() > host.pids.len(), "{before:?}");
    let woke: Vec<_> = after.iter().filter(|(task, switch)| before.get(*task) != Some(*switch)).collect();
    assert!(woke.is_empty(), "within {WINDOW:?} these tasks ran: {woke:#?}\nbefore: {before:#?}");
}
