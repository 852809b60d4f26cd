use std::collections::BTreeSet;
use std::time::Duration;

use ostler::WorkerPhase;

use crate::actors::{bring_up, collect_now, wake};
use crate::book::{Book, Check};
use crate::outside::{Gauge, Process, children, group, held, is_group_empty, on_record, socket_of};
use crate::pool::KEPT;
use crate::world::World;

/// How much larger than after the warm-up the host's own memory may be, in KiB. The allocator's habits make it come and
/// go; what leaks with every job or worker is past this within minutes.
const MEMORY_BOUND: u64 = 48 * 1024;
/// How long the pool may take to be full and idle again, when nobody disturbs it.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long what is on its way out may take.
const SOON: Duration = Duration::from_secs(3);

/// Looks around when every job has ended and the pool is idle: there must be what there was after the warm-up.
pub(super) struct Auditor {
    pub(super) warm: Gauge,
    pub(super) last: Gauge,
}

impl Auditor {
    pub(super) async fn new(world: &World) -> Self {
        let mut auditor = Self { warm: Gauge::default(), last: Gauge::default() };
        auditor.look_at_workers(world).await;
        auditor.warm = Gauge::read();
        auditor.last = auditor.warm.clone();
        auditor
    }

    pub(super) async fn look_around(&mut self, world: &World) {
        self.look_at_workers(world).await;
        let warm = self.warm.clone();
        let is_same = || {
            let now = Gauge::read();
            now.descriptors == warm.descriptors && now.threads == warm.threads
        };
        eventually(SOON, is_same).await;
        self.last = Gauge::read();
        compare(&mut world.ledger.open(), &self.last, &self.warm);
    }

    async fn look_at_workers(&mut self, world: &World) {
        let is_full = settle(world).await;
        eventually(SOON, || world.ledger.open().all_told()).await;
        let workers: Vec<u32> = world.manager.workers().iter().filter_map(|worker| worker.pid).collect();
        eventually(SOON, || strangers(world, &workers).is_empty()).await;
        let is_on_record = || {
            let (noted, records) = on_record();
            records == 1 && workers.iter().all(|worker| noted.contains(worker))
        };
        let all_on_record = eventually(SOON, is_on_record).await;
        let mut book = world.ledger.open();
        book.faults.note(Check::Pool, is_full, || {
            format!(
                "the pool is not full and idle {PATIENCE:?} after the last job: {:?}",
                world.manager.workers()
            )
        });
        book.check_told();
        // Forgotten before memory is looked at, so that it does not depend on how large the last jobs were.
        let kept = world.manager.clear_completed_jobs();
        book.faults.note(Check::Memory, kept <= KEPT, || {
            format!("{kept} jobs were kept, and at most {KEPT} are to be")
        });
        book.faults.note(Check::Records, all_on_record, || {
            format!("the workers are {workers:?}, and on record are {:?}", on_record())
        });
        drop(book);
        let strangers = strangers(world, &workers);
        let mut book = world.ledger.open();
        book.faults.note(Check::Children, strangers.is_empty(), || {
            format!("beside the workers there are {strangers:?}")
        });
        look_for_the_dead(&mut book, &workers);
        book.turn_page(&workers);
    }
}

/// Brings the pool back to its size, and waits until all workers are idle. Those that were stopped while they were idle
/// are not asked by anybody, so they are woken.
async fn settle(world: &World) -> bool {
    let (workers, standby) = (world.args.workers, world.args.standby);
    bring_up(world).await;
    // Its bounds were checked with the arguments.
    let _ = world.manager.resize(workers, standby);
    eventually(PATIENCE, || {
        let all = world.manager.workers();
        all.iter().filter_map(|worker| worker.pid).for_each(wake);
        all.len() == (workers + standby) as usize
            && all.iter().all(|worker| worker.phase == WorkerPhase::Idle)
    })
    .await
}

/// Children that are no workers of the pool, or have ended and are not reaped. What workers leave behind while they live
/// becomes a child of a subreaper, and it is the one who collects that.
fn strangers(world: &World, workers: &[u32]) -> Vec<String> {
    if world.is_subreaper {
        collect_now(world);
    }
    let all = children();
    let is_strange = |child: &Process| !world.is_subreaper && !workers.contains(&child.pid);
    let strange = all.iter().filter(|child| child.is_zombie() || is_strange(child));
    strange.map(Process::describe).collect()
}

pub(super) fn look_for_the_dead(book: &mut Book, workers: &[u32]) {
    for pid in book.dead() {
        book.faults.note(Check::Groups, is_group_empty(pid), || {
            let left: Vec<String> = group(pid).iter().map(Process::describe).collect();
            format!("of the group of the dead worker {pid} there are {left:?}")
        });
    }
    let living: BTreeSet<String> = workers.iter().filter_map(|pid| socket_of(*pid)).collect();
    let dead: BTreeSet<String> = book.sockets.difference(&living).cloned().collect();
    let held = held(&dead);
    book.faults
        .note(Check::Sockets, held.is_empty(), || format!("sockets of dead workers are held: {held:?}"));
}

fn compare(book: &mut Book, now: &Gauge, warm: &Gauge) {
    let changed = now.descriptors_since(warm);
    book.faults.note(Check::Descriptors, changed.is_empty(), || changed.join(", "));
    book.faults.note(Check::Threads, now.threads == warm.threads, || {
        format!("{} after the warm-up, {} now", warm.threads, now.threads)
    });
    book.faults.note(Check::Memory, now.memory <= warm.memory + MEMORY_BOUND, || {
        format!(
            "{} KiB after the warm-up, {} KiB now, at most {MEMORY_BOUND} KiB more are allowed",
            warm.memory, now.memory
        )
    });
    book.faults.note(Check::Shared, now.shared == warm.shared, || {
        format!("{:?} after the warm-up, {:?} now", warm.shared, now.shared)
    });
}

/// Waits until it is so, for at most this long.
pub(super) async fn eventually(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = tokio::time::Instant::now() + patience;
    while tokio::time::Instant::now() < deadline {
        if is_so() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_so()
}
