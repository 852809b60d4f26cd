//! What the host's broadcaster and its resource manager are told, in order.
//!
//! Each has a thread of its own, so that one that blocks holds up neither the runtime nor the other one, and a queue that
//! is bounded, so that one that is slow costs no memory. The lock of a queue is never held while the host's code runs.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ostler_lifecycle::Generation;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::caught::{drop_of_host, hook, say};
use crate::integration::{EventBroadcaster, ResourceManager, WorkerState};

/// Events that a broadcaster may be behind, a few hundred bytes each.
const EVENTS_KEPT: usize = 16 * 1024;
/// Changes of workers that a resource manager may be behind before they are merged.
const CHANGES_KEPT: usize = 1024;

/// Tells the host's integrations, outside of every lock.
pub(crate) struct Notices {
    broadcaster: Option<Teller<Event>>,
    resources: Option<Teller<Change>>,
}

/// What a broadcaster is told.
struct Event {
    event_type: String,
    data: Value,
}

/// What a resource manager is told.
struct Change {
    kind: ChangeKind,
    worker: WorkerState,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ChangeKind {
    Register,
    Update,
    Unregister,
}

impl Notices {
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        worker_type: &str,
        runtime: &Handle,
        broadcaster: Option<Arc<dyn EventBroadcaster>>,
        resources: Option<Arc<dyn ResourceManager>>,
    ) -> io::Result<Self> {
        let missed = format!("{worker_type}:missed");
        let broadcast = |broadcaster: Arc<dyn EventBroadcaster>| {
            Teller::start(
                "ostler-events",
                runtime,
                broadcaster,
                move |broadcaster, event: Event, left_out| {
                    if left_out > 0 {
                        say!(warn, left_out, "the event broadcaster is too slow: events were dropped");
                        broadcaster.broadcast(&missed, json!({ "count": left_out }));
                    }
                    broadcaster.broadcast(&event.event_type, event.data);
                },
            )
        };
        let account = |resources: Arc<dyn ResourceManager>| {
            Teller::start("ostler-resources", runtime, resources, |resources, change: Change, left_out| {
                if left_out > 0 {
                    say!(warn, left_out, "the resource manager is too slow: changes of workers were merged");
                }
                match change.kind {
                    ChangeKind::Register => resources.register_worker(&change.worker),
                    ChangeKind::Update => resources.update_worker_state(&change.worker),
                    ChangeKind::Unregister => resources.unregister_worker(&change.worker),
                }
            })
        };
        Ok(Self {
            broadcaster: broadcaster.map(broadcast).transpose()?,
            resources: resources.map(account).transpose()?,
        })
    }

    pub(super) fn has_listener(&self) -> bool {
        self.broadcaster.is_some() || self.resources.is_some()
    }

    pub(super) fn has_broadcaster(&self) -> bool {
        self.broadcaster.is_some()
    }

    pub(crate) fn broadcast(&self, event_type: String, data: Value) {
        if let Some(teller) = &self.broadcaster {
            teller.tell(Event { event_type, data });
        }
    }

    pub(super) fn register(&self, state: &WorkerState) {
        self.change(ChangeKind::Register, state);
    }

    pub(super) fn update(&self, state: &WorkerState) {
        self.change(ChangeKind::Update, state);
    }

    pub(super) fn unregister(&self, state: &WorkerState) {
        self.change(ChangeKind::Unregister, state);
    }

    fn change(&self, kind: ChangeKind, state: &WorkerState) {
        if let Some(teller) = &self.resources {
            teller.tell(Change { kind, worker: state.clone() });
        }
    }

    /// Waits until everything that was said before has been told, or dropped.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn settled(&self) {
        if let Some(teller) = &self.broadcaster {
            teller.settled().await;
        }
        if let Some(teller) = &self.resources {
            teller.settled().await;
        }
    }
}

/// Something that can be told, and left out if there is too much of it.
trait Notice: Send + Sized + 'static {
    const HOOK: &'static str;
    /// How many may wait before room is made.
    const KEPT: usize;

    /// Makes room; how many are not told because of it, and how many may wait from now on.
    fn make_room(waiting: &mut VecDeque<Self>) -> (u64, usize);
}

impl Notice for Event {
    const HOOK: &'static str = "event broadcaster";
    const KEPT: usize = EVENTS_KEPT;

    fn make_room(waiting: &mut VecDeque<Self>) -> (u64, usize) {
        (waiting.pop_front().map_or(0, |_| 1), Self::KEPT)
    }
}

impl Notice for Change {
    const HOOK: &'static str = "resource manager";
    const KEPT: usize = CHANGES_KEPT;

    /// The last state of each worker is enough, and of one that has come and gone meanwhile nothing. So what stays is at
    /// most two for each worker that is there, and one for each that was told to be there.
    fn make_room(waiting: &mut VecDeque<Self>) -> (u64, usize) {
        let before = waiting.len();
        let mut merged: Vec<Option<Self>> = Vec::with_capacity(before);
        // For each worker its first change that is kept, and its last one.
        let mut known: HashMap<Generation, (usize, usize)> = HashMap::new();
        for change in waiting.drain(..) {
            let (worker, here) = (change.worker.generation, merged.len());
            match (change.kind, known.get(&worker).copied()) {
                (ChangeKind::Update, Some((_, last))) => {
                    if let Some(earlier) = &mut merged[last] {
                        earlier.worker = change.worker;
                    }
                }
                (ChangeKind::Unregister, Some((first, last))) => {
                    let is_new =
                        merged[first].as_ref().is_some_and(|first| first.kind == ChangeKind::Register);
                    (merged[first], merged[last]) = (None, None);
                    known.remove(&worker);
                    if !is_new {
                        merged.push(Some(change));
                    }
                }
                (_, known_before) => {
                    known.insert(worker, (known_before.map_or(here, |(first, _)| first), here));
                    merged.push(Some(change));
                }
            }
        }
        waiting.extend(merged.into_iter().flatten());
        // It takes time, so it is not done again for each change.
        ((before - waiting.len()) as u64, Self::KEPT.max(waiting.len() * 2))
    }
}

/// One integration, with its thread.
struct Teller<N> {
    shared: Arc<Shared<N>>,
}

struct Shared<N> {
    queue: Mutex<Queue<N>>,
    filled: Condvar,
    /// The number of the last one that was told.
    told: watch::Sender<u64>,
}

struct Queue<N> {
    waiting: VecDeque<N>,
    /// How many may wait before room is made.
    room: usize,
    /// How many were left out since the last one was told.
    left_out: u64,
    /// The number of the last one that was said.
    said: u64,
    is_closed: bool,
}

impl<N: Notice> Teller<N> {
    /// The thread ends when this is dropped and the rest was told. It belongs to the runtime like a task of it.
    fn start<T: ?Sized + Send + Sync + 'static>(
        name: &str,
        runtime: &Handle,
        integration: Arc<T>,
        tell: impl Fn(&T, N, u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Queue { waiting: VecDeque::new(), room: N::KEPT, left_out: 0, said: 0, is_closed: false };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            filled: Condvar::new(),
            told: watch::Sender::new(0),
        });
        let (of_thread, runtime) = (Arc::clone(&shared), runtime.clone());
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // What it is told may lead it to start tasks.
            let _runtime = runtime.enter();
            while let Some((notice, left_out, number)) = of_thread.next() {
                if let Err(panic) = hook(N::HOOK, || tell(&integration, notice, left_out)) {
                    say!(error, "{panic}");
                }
                of_thread.told.send_replace(number);
            }
            drop_of_host(integration);
        })?;
        Ok(Self { shared })
    }

    /// It never waits.
    fn tell(&self, notice: N) {
        let mut queue = self.shared.lock();
        if queue.waiting.len() >= queue.room {
            let (left_out, room) = N::make_room(&mut queue.waiting);
            queue.left_out += left_out;
            queue.room = room;
        }
        queue.waiting.push_back(notice);
        queue.said += 1;
        drop(queue);
        self.shared.filled.notify_one();
    }

    async fn settled(&self) {
        let said = self.shared.lock().said;
        // The sender is there as long as this is.
        let _ = self.shared.told.subscribe().wait_for(|told| *told >= said).await;
    }
}

impl<N> Drop for Teller<N> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.filled.notify_one();
    }
}

impl<N> Shared<N> {
    /// Waits for the next one; how many were left out before it, and its number.
    fn next(&self) -> Option<(N, u64, u64)> {
        let mut queue = self.lock();
        loop {
            if let Some(notice) = queue.waiting.pop_front() {
                // Those that are left out are older, so the last ones have the last numbers.
                let number = queue.said - queue.waiting.len() as u64;
                return Some((notice, mem::take(&mut queue.left_out), number));
            }
            if queue.is_closed {
                return None;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<N>> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
