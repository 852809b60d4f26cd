#![expect(clippy::unwrap_used)]

use std::sync::mpsc;

use ostler_lifecycle::SlotId;

use super::*;
use crate::integration::{ManagerId, WorkerPhase};

fn worker(generation: u64, phase: WorkerPhase) -> WorkerState {
    WorkerState {
        manager: ManagerId::new(),
        worker_type: "lab".into(),
        slot: SlotId(0),
        generation: Generation(generation),
        pid: None,
        phase,
        plugin: None,
        resource: None,
        job: None,
    }
}

fn change(kind: ChangeKind, generation: u64, phase: WorkerPhase) -> Change {
    Change { kind, worker: worker(generation, phase) }
}

/// What is told of these, and how many are left out.
fn merged(changes: Vec<Change>) -> (Vec<(ChangeKind, u64, WorkerPhase)>, u64) {
    let mut waiting = VecDeque::from(changes);
    let (left_out, _) = Change::make_room(&mut waiting);
    let told = waiting.iter().map(|change| (change.kind, change.worker.generation.0, change.worker.phase));
    (told.collect(), left_out)
}

#[test]
fn the_last_state_of_a_worker_is_kept() {
    use ChangeKind::{Register, Update};
    use WorkerPhase::{Busy, Idle, Starting};
    let changes = vec![
        change(Update, 1, Busy),
        change(Register, 2, Starting),
        change(Update, 1, Idle),
        change(Update, 2, Idle),
        change(Update, 1, Busy),
    ];
    assert_eq!(merged(changes), (vec![(Update, 1, Busy), (Register, 2, Idle)], 3));
}

#[test]
fn of_a_worker_that_came_and_went_nothing_is_told_and_of_one_that_was_known_its_end() {
    use ChangeKind::{Register, Unregister, Update};
    use WorkerPhase::{Gone, Idle, Starting};
    let changes = vec![
        change(Update, 1, Idle),
        change(Register, 2, Starting),
        change(Unregister, 1, Gone),
        change(Update, 2, Idle),
        change(Unregister, 2, Gone),
        change(Unregister, 3, Gone),
        change(Register, 4, Starting),
    ];
    let told = vec![(Unregister, 1, Gone), (Unregister, 3, Gone), (Register, 4, Starting)];
    assert_eq!(merged(changes), (told, 4));
}

/// A broadcaster that waits for the test before it returns from each event.
struct Slow {
    events: mpsc::Sender<(String, Value)>,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl EventBroadcaster for Slow {
    fn broadcast(&self, event_type: &str, data: Value) {
        self.events.send((event_type.to_owned(), data)).unwrap();
        // Once the test opened the gate for good it is open.
        let _ = self.gate.lock().unwrap().recv();
    }
}

#[tokio::test]
async fn who_is_too_slow_misses_the_oldest_and_is_told_how_many() {
    let (events, told) = mpsc::channel();
    let (open, gate) = mpsc::channel();
    let slow = Slow { events, gate: Mutex::new(gate) };
    let notices = Notices::start("lab", &Handle::current(), Some(Arc::new(slow)), None).unwrap();
    notices.broadcast("first".into(), json!(0));
    assert_eq!(told.recv().unwrap(), ("first".to_owned(), json!(0)));
    let more = 3;
    for number in 1..=EVENTS_KEPT + more {
        notices.broadcast("more".into(), json!(number));
    }
    drop(open);
    notices.settled().await;
    drop(notices);
    assert_eq!(told.recv().unwrap(), ("lab:missed".to_owned(), json!({ "count": more })));
    let rest: Vec<_> = told.iter().map(|(_, data)| data.as_u64().unwrap() as usize).collect();
    assert_eq!(rest, (more + 1..=EVENTS_KEPT + more).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_is_told_when_the_runtime_is_busy_is_told_all_the_same() {
    let (events, told) = mpsc::channel();
    let (open, gate) = mpsc::channel();
    drop(open);
    let slow = Slow { events, gate: Mutex::new(gate) };
    let notices = Notices::start("lab", &Handle::current(), Some(Arc::new(slow)), None).unwrap();
    notices.broadcast("event".into(), json!(1));
    // This blocks the only thread of the runtime.
    assert_eq!(told.recv().unwrap(), ("event".to_owned(), json!(1)));
}
