//! Workers that have nothing to do take no processor time, and neither does their host.

use std::thread;
use std::time::Duration;

use crate::host::Host;
use crate::tasks::of_tasks;

/// What goes on when the last job ends may go on for a moment: then nothing does, for as long as anybody looks.
const MOMENT: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(10);
const WORKERS: u32 = 64;

#[test]
fn nobody_wakes_up_while_there_is_nothing_to_do() {
    let host = Host::launch(WORKERS, "MultiThread");
    thread::sleep(MOMENT);
    let before = of_tasks(&host.pids);
    thread::sleep(WINDOW);
    let after = of_tasks(&host.pids);
    assert!(host.pids.len() == 1 + WORKERS as usize && before.len() > host.pids.len(), "{before:?}");
    let woke: Vec<_> = after.iter().filter(|(task, switch)| before.get(*task) != Some(*switch)).collect();
    assert!(woke.is_empty(), "within {WINDOW:?} these tasks ran: {woke:#?}\nbefore: {before:#?}");
}
