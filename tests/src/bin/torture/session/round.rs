use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinError;

use super::progress::Progress;
use crate::actors::{Herald, assassinate, cancel_many, collect, feed, govern, guard, inquire};
use crate::book::Check;
use crate::dice::Dice;
use crate::ordeal::Tormentor;
use crate::world::World;

/// How long a call may still take when all jobs have ended: every one of them has a timeout, and none of them is longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Lets all actors do what they do for so long, and then waits until every job has ended.
pub(super) async fn play(
    world: &Arc<World>,
    herald: &Herald,
    tormentor: &Tormentor,
    progress: &Progress,
    seed: u64,
    round: u32,
    length: Duration,
) -> Result<(), JoinError> {
    let dice = |who: &str| Dice::new(seed, &format!("{who} {round}"));
    let began = Instant::now();
    world.set_open(true);
    herald.set_strikes(true);
    let torment = tormentor.begin(dice("tormentor"));
    let feeder = tokio::spawn(feed(Arc::clone(world), dice("feeder")));
    let others = [
        ("assassin", tokio::spawn(assassinate(Arc::clone(world), dice("assassin")))),
        ("collector", tokio::spawn(collect(Arc::clone(world), dice("collector")))),
        ("inquirer", tokio::spawn(inquire(Arc::clone(world), dice("inquirer")))),
        ("canceller", tokio::spawn(cancel_many(Arc::clone(world), dice("canceller")))),
        ("governor", tokio::spawn(govern(Arc::clone(world), dice("governor")))),
        ("warden", tokio::spawn(guard(Arc::clone(world), dice("warden")))),
    ];
    while began.elapsed() < length {
        tokio::time::sleep(Duration::from_millis(100)).await;
        progress.show(&world.ledger.open());
    }
    world.set_open(false);
    herald.set_strikes(false);
    torment.end().await;
    let mut fed = feeder.await?;
    while let Some(followed) = fed.join_next().await {
        followed?;
    }
    for (name, other) in others {
        match tokio::time::timeout(LONGEST, other).await {
            Ok(ended) => ended?,
            Err(_) => {
                let story = format!("the {name} still waits for an answer of the manager after {LONGEST:?}");
                world.ledger.open().faults.found(Check::Control, story);
            }
        }
    }
    progress.round_ends(&world.ledger.open());
    Ok(())
}
