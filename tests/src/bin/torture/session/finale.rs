use std::sync::Arc;
use std::time::Duration;

use super::audit::{eventually, look_for_the_dead};
use crate::actors::{Fed, Lot, collect_now, start};
use crate::book::Check;
use crate::inside::{ALPHA, Act, Rebel};
use crate::outside::{Gauge, Process, children, on_record};
use crate::world::World;

/// How long a shutdown may take beyond what it lets jobs have.
const LONGEST: Duration = Duration::from_secs(10);
/// The broadcaster and the resource manager have a thread each.
const INTEGRATIONS: usize = 2;
/// By when everything is to be gone, by guarantee.
const SOON: Duration = Duration::from_secs(1);

/// Shuts the manager down in the middle of its work, and looks at what is left.
pub(super) async fn end(world: &Arc<World>, before: &Gauge) {
    let mut fed = Fed::new();
    let acts = [
        Act::Daemon,
        Act::Brood,
        Act::Rebel(Rebel::Close),
        Act::Rebel(Rebel::Session),
        Act::Spin,
        Act::Deaf,
        Act::Nap(2_000),
        Act::Stop,
        Act::Rebel(Rebel::FewFiles(0)),
        Act::Chunks(100),
    ];
    for act in acts {
        start(world, Lot::plain(act, ALPHA), &mut fed).await;
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    if world.is_subreaper {
        // What has ended while its worker lives. The rest is Ostler's to collect.
        collect_now(world);
    }
    world.ledger.open().notes.values_mut().for_each(|note| note.met_shutdown = true);
    let shutdown = tokio::time::timeout(LONGEST, world.manager.shutdown()).await;
    let mut faults = Vec::new();
    match shutdown {
        Ok(Ok(())) => {}
        Ok(Err(error)) => faults.push(error.to_string()),
        Err(_) => faults.push(format!("it was not over after {LONGEST:?}")),
    }
    let children: Vec<String> = children().iter().map(Process::describe).collect();
    if !children.is_empty() {
        faults.push(format!("there are children: {children:?}"));
    }
    let is_empty = || {
        let now = Gauge::read();
        // Those of the integrations live as long as somebody holds the manager.
        let threads = before.threads + INTEGRATIONS;
        now.descriptors == before.descriptors && now.threads <= threads && now.shared == before.shared
    };
    if !eventually(SOON, is_empty).await {
        let now = Gauge::read();
        faults.push(format!(
            "since before the launch, descriptors have changed: {:?}, threads were {} and are {}, /dev/shm had {:?} and has {:?}",
            now.descriptors_since(before), before.threads, now.threads, before.shared, now.shared
        ));
    }
    let records = on_record();
    if records.1 > 0 {
        faults.push(format!("there are {} records, of {:?}", records.1, records.0));
    }
    while fed.join_next().await.is_some() {}
    eventually(SOON, || world.ledger.open().all_told()).await;
    let mut book = world.ledger.open();
    book.check_told();
    look_for_the_dead(&mut book, &[]);
    // Whoever looks for them claims less of a processor than those who spin.
    let went_soon = book.daemons.went_soon() || world.args.busy > 0;
    let (seen, slow) = (book.daemons.seen.describe(), book.daemons.slow.join("; "));
    book.faults.note(Check::Daemons, went_soon, || {
        format!("daemons were seen too long after their workers: {seen}: {slow}")
    });
    let daemons = book.daemons.left();
    if !daemons.is_empty() {
        faults.push(format!("there are daemons: {daemons:?}"));
    }
    book.faults.note(Check::Shutdown, faults.is_empty(), || faults.join("; "));
}
