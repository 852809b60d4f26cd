use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::Resource;
use tokio::sync::oneshot;

use super::blocked::Blocker;
use super::limit::{Lowered, limit_with_free, open_numbers};
use super::load::Load;
use crate::book::{Check, Ledger, Ordeal};
use crate::clock;
use crate::dice::Dice;
use crate::keeper::Line;
use crate::outside::{Process, children, on_record, record_directory};

/// Starts in vain that a pool which waits in between may try in a second: it has up to a dozen workers.
const MOST_STARTS: f64 = 1_500.0;
/// Ostler's own threads may run for one part in so many of the time: they make workers, and look for what these left.
const MOST_LOAD: u32 = 4;
/// How long a look at the records may take, by a thread that claims little of a processor.
const RECORDED: Duration = Duration::from_secs(1);

/// A thread that does something to the whole host every now and then, whatever that is doing.
pub(crate) struct Tormentor {
    orders: mpsc::Sender<Order>,
}

struct Order {
    dice: Dice,
    is_over: Arc<AtomicBool>,
    done: oneshot::Sender<()>,
}

/// What it does in one round.
pub(crate) struct Torment {
    is_over: Arc<AtomicBool>,
    done: oneshot::Receiver<()>,
}

impl Torment {
    /// Returns when all is as it was before.
    pub(crate) async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The thread that would not answer has panicked, which was told.
        let _ = self.done.await;
    }
}

impl Tormentor {
    pub(crate) fn start(ledger: Ledger, line: Line, blocker: Blocker, waits: bool) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let mut hand = Hand { ledger, line, blocker, waits };
        std::thread::Builder::new().name("tormentor".into()).spawn(move || {
            while let Ok(Order { mut dice, is_over, done }) = inbox.recv() {
                while !is_over.load(Ordering::Relaxed) {
                    wait(dice.millis(100..900), &is_over);
                    if !is_over.load(Ordering::Relaxed) {
                        hand.torment(&mut dice, &is_over);
                    }
                }
                let _ = done.send(());
            }
        })?;
        Ok(Self { orders })
    }

    pub(crate) fn begin(&self, dice: Dice) -> Torment {
        let is_over = Arc::new(AtomicBool::new(false));
        let (sender, done) = oneshot::channel();
        // The thread ends only with this sender.
        let _ = self.orders.send(Order { dice, is_over: Arc::clone(&is_over), done: sender });
        Torment { is_over, done }
    }
}

/// Sleeps, but not longer than the round.
fn wait(time: Duration, is_over: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(10);
    let began = clock::now();
    while clock::since(began) < time && !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(STEP);
    }
}

struct Hand {
    ledger: Ledger,
    line: Line,
    blocker: Blocker,
    /// Whether the pool waits before it tries a start again.
    waits: bool,
}

impl Hand {
    fn torment(&mut self, dice: &mut Dice, is_over: &AtomicBool) {
        let ordeals = [
            (3, Ordeal::FewFiles),
            (3, Ordeal::Stopped),
            (2, Ordeal::Blocked),
            (2, Ordeal::FullDisk),
            (1, Ordeal::NoRecords),
        ];
        let ordeal = dice.weighted(&ordeals).unwrap_or(Ordeal::Stopped);
        let number = self.ledger.open().ordeal_begins(ordeal);
        let times = match ordeal {
            Ordeal::FewFiles => self.few_files(dice, is_over),
            Ordeal::FullDisk => self.full_disk(dice, is_over),
            Ordeal::NoRecords => self.no_records(dice, is_over),
            Ordeal::Stopped => self.line.have_oneself_stopped(dice.of(300..3_000)).map(Some),
            Ordeal::Blocked => Ok(Some(self.blocker.block(dice.millis(300..2_000)))),
        };
        let mut book = self.ledger.open();
        match times {
            Ok(times) => {
                book.faults.made(Check::Ordeal);
                book.ordeal_ends(number, times);
            }
            Err(error) => {
                book.ordeal_ends(number, None);
                book.faults.found(Check::Ordeal, format!("{ordeal:?}: {error}"));
            }
        }
    }

    /// The host may have fewer files open than it has, or a few more.
    fn few_files(&self, dice: &mut Dice, is_over: &AtomicBool) -> io::Result<Option<(u64, u64)>> {
        let time = dice.millis(200..1_500);
        let watched = Load::begin();
        let open = open_numbers();
        let limit = match dice.percent(50) {
            true => limit_with_free(&open, dice.of(0..8)),
            false => dice.of(0..open.len() as u64),
        };
        let lowered = Lowered::to(Resource::Nofile, limit)?;
        let failed = self.ledger.open().figures.failed_starts;
        let began = clock::now();
        self.endure(Ordeal::FewFiles, time, is_over, &watched);
        drop(lowered);
        let took = clock::since(began);
        let mut book = self.ledger.open();
        let failed = book.figures.failed_starts - failed;
        let most = MOST_STARTS * (1.0 + took.as_secs_f64());
        book.faults.note(Check::Spinning, !self.waits || (failed as f64) < most, || {
            format!("{failed} workers were tried in vain within {took:?}")
        });
        drop(book);
        self.expect_records(took);
        Ok(None)
    }

    /// No file of the host may grow. It is told so by an error, and by a signal if that is not held back.
    fn full_disk(&self, dice: &mut Dice, is_over: &AtomicBool) -> io::Result<Option<(u64, u64)>> {
        let watched = Load::begin();
        let lowered = Lowered::to(Resource::Fsize, 0)?;
        let time = dice.millis(200..1_500);
        self.endure(Ordeal::FullDisk, time, is_over, &watched);
        drop(lowered);
        self.expect_records(time);
        Ok(None)
    }

    /// The directory of records cannot be used: others could write there. That keeps root from it as well.
    fn no_records(&self, dice: &mut Dice, is_over: &AtomicBool) -> io::Result<Option<(u64, u64)>> {
        let watched = Load::begin();
        let disk = dice.percent(50).then(|| Lowered::to(Resource::Fsize, 0)).transpose()?;
        let directory = record_directory();
        let permit = |mode| match fs::set_permissions(&directory, Permissions::from_mode(mode)) {
            // It is there while there are workers.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        permit(0o777)?;
        let time = dice.millis(200..1_500);
        self.endure(Ordeal::NoRecords, time, is_over, &watched);
        drop(disk);
        permit(0o700)?;
        self.expect_records(time);
        Ok(None)
    }

    /// What could not be recorded for so long is recorded now: it is tried again after at most as long.
    fn expect_records(&self, time: Duration) {
        let is_worker =
            |child: &Process| child.leads_group() && child.name == "torture" && !child.is_zombie();
        let workers: Vec<Process> = children().into_iter().filter(is_worker).collect();
        let since = clock::now();
        let missing = || {
            let (noted, _) = on_record();
            // Looked at after that: who was removed from it is gone.
            let missing = workers.iter().filter(|worker| !noted.contains(&worker.pid) && worker.still_runs());
            missing.map(Process::describe).collect::<Vec<_>>()
        };
        let mut left = missing();
        while !left.is_empty() && clock::since(since) < time + RECORDED {
            std::thread::sleep(Duration::from_millis(10));
            left = missing();
        }
        self.ledger.open().faults.note(Check::Records, left.is_empty(), || {
            format!(
                "{:?} after {time:?} in which nothing could be recorded, these are not on record: {left:?}",
                time + RECORDED
            )
        });
    }

    /// Lets the time pass, and looks whether Ostler's own threads are busy with what cannot be done.
    fn endure(&self, ordeal: Ordeal, time: Duration, is_over: &AtomicBool, watched: &Load) {
        let began = clock::now();
        wait(time, is_over);
        let took = clock::since(began);
        let mut book = self.ledger.open();
        for (thread, ran) in watched.since() {
            let percent = 100.0 * ran.as_secs_f64() / took.as_secs_f64().max(0.1);
            book.figures.busiest = book.figures.busiest.max(percent as u64);
            // To make workers and to look for what they left takes its time. A pool that is to try failed starts at once, as
            // often as it likes, does that.
            let tries = matches!(ordeal, Ordeal::FewFiles) && !self.waits;
            let holds = tries || ran < took / MOST_LOAD + Duration::from_millis(50);
            book.faults.note(Check::Spinning, holds, || {
                format!("{ordeal:?} for {took:?}: {thread} ran for {ran:?} of them")
            });
        }
    }
}
