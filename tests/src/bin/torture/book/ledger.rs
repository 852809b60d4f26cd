use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostler::{Job, JobId};
use rustix::process::Signal;

use super::cause::{is_of_few_files, is_of_memory, is_of_silence, was_asked_for};
use super::daemons::Daemons;
use super::diary::{Diary, Finding};
use super::ordeals::{Ordeal, Ordeals};
use super::story::story;
use super::verdict::Case;
use super::{Blows, Check, Faults, Note, Tale};
use crate::clock;
use crate::figures::Figures;
use crate::inside::{Act, Rebel, Task};
use crate::outside::is_group_empty;

/// The book, which one at a time writes into.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let book = Book {
            diary: Diary::new(directory)?,
            notes: HashMap::new(),
            blows: Blows::default(),
            crowds: Vec::new(),
            ordeals: Ordeals::default(),
            last_acts: HashMap::new(),
            histories: HashMap::new(),
            poor: HashSet::new(),
            dead: HashMap::new(),
            told: HashMap::new(),
            sockets: BTreeSet::new(),
            daemons: Daemons::default(),
            faults: Faults::default(),
            figures: Figures::default(),
        };
        Ok(Self(Arc::new(Mutex::new(book))))
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, Book> {
        // Nothing panics while it is held; if something did, half a book is better than none.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that the host knows.
pub(crate) struct Book {
    pub(crate) diary: Diary,
    /// The jobs that have not ended, by number.
    pub(crate) notes: HashMap<u64, Note>,
    pub(crate) blows: Blows,
    /// Cancels of many that named no job.
    crowds: Vec<Crowd>,
    /// What was done to the host itself.
    pub(super) ordeals: Ordeals,
    /// What each worker did last.
    last_acts: HashMap<u32, Act>,
    /// What each worker did before, in short.
    histories: HashMap<u32, Vec<&'static str>>,
    /// Workers that were made while the host had too few files: they have its low limit of that moment as long as they live.
    poor: HashSet<u32>,
    /// When which worker was proven dead.
    dead: HashMap<u32, u64>,
    /// How often broadcaster and hook were told of which end.
    told: HashMap<JobId, Told>,
    /// Where workers connected.
    pub(crate) sockets: BTreeSet<String>,
    pub(crate) daemons: Daemons,
    pub(crate) faults: Faults,
    pub(crate) figures: Figures,
}

/// A cancel of all jobs, or of all those of one plugin.
pub(crate) struct Crowd {
    pub(crate) plugin: Option<&'static str>,
    pub(crate) began: u64,
    /// 0 while it goes on.
    pub(crate) ended: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    ends: u32,
    completions: u32,
    /// What it is to be, once that is known.
    completed: Option<bool>,
}

impl Told {
    fn is_whole(&self) -> bool {
        self.ends == 1 && self.completed.is_some_and(|completed| self.completions == u32::from(completed))
    }
}

impl Book {
    /// Reads on in the diary, and heeds what it says.
    pub(crate) fn catch_up(&mut self) {
        for finding in self.diary.catch_up() {
            match finding {
                Finding::Begun { number, attempt, pid } => {
                    let act = self.notes.get(&number).map(|note| note.task.act_of(attempt));
                    // Texts are large, and tell nothing here.
                    let act = act.filter(|act| !matches!(act, Act::Echo(_))).cloned();
                    let act = act.unwrap_or(Act::Answer);
                    self.histories.entry(pid).or_default().push(act.name());
                    self.last_acts.insert(pid, act);
                }
                Finding::Doubled { number, pid } => {
                    let story = self.story(number);
                    self.faults
                        .found(Check::Doubled, format!("it runs in {pid} and in another worker: {story}"));
                }
                Finding::Late { number, what, pid, by } => {
                    let by = clock::between(0, by);
                    self.faults.found(
                        Check::Late,
                        format!("job {number} says {what:?} in {pid} {by:?} after its end"),
                    );
                }
                Finding::Daemon { number, attempt, pid, at } => {
                    let run = self.diary.runs(number).iter().find(|run| run.attempt == attempt);
                    let worker = run.map(|run| run.pid);
                    let is_dead = worker.is_some_and(|worker| self.dead.contains_key(&worker));
                    self.faults.made(Check::Daemons);
                    if self.ordeals.is_blind() {
                        self.daemons.add_unseen(number, pid, at, worker);
                    } else {
                        self.daemons.add(number, pid, at, worker, is_dead);
                    }
                }
            }
        }
    }

    fn story(&self, number: u64) -> String {
        self.notes.get(&number).map_or_else(|| format!("job {number}"), |note| story(self, note, None, None))
    }

    /// A job has not ended in time.
    pub(crate) fn lost(&mut self, number: u64, record: Option<&Job<Task>>) {
        self.catch_up();
        if let Some(note) = self.notes.remove(&number) {
            let story = story(self, &note, record, None);
            self.faults.found(Check::Lost, format!("it has not ended: {story}"));
        }
    }

    /// A job has ended. Judges it.
    pub(crate) fn close(
        &mut self,
        number: u64,
        record: &Job<Task>,
        tale: &Tale,
        ended: u64,
        was_watched: bool,
    ) {
        // All that it wrote is there by now: it has answered, or its worker is dead.
        self.catch_up();
        self.faults.made(Check::Lost);
        self.faults.made(Check::Late);
        self.diary.end(number, ended);
        let Some(note) = self.notes.remove(&number) else { return };
        let case = Case { book: self, note: &note, record, tale, ended, was_watched };
        let verdicts = case.judge();
        for (check, verdict) in verdicts {
            match verdict {
                Ok(()) => self.faults.made(check),
                Err(fault) => {
                    let story = story(self, &note, Some(record), Some(tale));
                    self.faults.note(check, false, || format!("{fault}\n      {story}"));
                }
            }
        }
        let told = self.told.entry(record.id).or_default();
        told.completed = Some(record.result.is_some());
        let runs = self.diary.runs(number).len();
        self.figures.job_ended(&note, record, tale, runs, ended, &self.blows);
    }

    /// Whether somebody cancelled all jobs, or all of this plugin, in this time.
    pub(super) fn crowd_asked_for(&self, plugin: &str, from: u64, to: u64) -> bool {
        let meets = |crowd: &Crowd| crowd.began <= to && (crowd.ended == 0 || crowd.ended >= from);
        self.crowds.iter().any(|crowd| meets(crowd) && crowd.plugin.is_none_or(|of| of == plugin))
    }

    /// Begins a cancel of many; its number ends it.
    pub(crate) fn begin_crowd(&mut self, plugin: Option<&'static str>) -> usize {
        self.crowds.push(Crowd { plugin, began: clock::now(), ended: 0 });
        self.crowds.len() - 1
    }

    pub(crate) fn end_crowd(&mut self, crowd: usize) {
        if let Some(crowd) = self.crowds.get_mut(crowd) {
            crowd.ended = clock::now();
        }
    }

    pub(crate) fn was_stopped(&self, pid: u32) -> bool {
        self.blows.of(pid).iter().any(|blow| blow.signal == Signal::STOP)
            || self.last_acts.get(&pid) == Some(&Act::Stop)
    }

    /// Whether a blow of ours may have led to such an end.
    pub(super) fn struck(&self, pid: u32, end: &str) -> bool {
        let Some(signal) = end.strip_prefix("was ended by ") else { return false };
        let signal = signal.trim_end_matches(" from outside").trim_end_matches(" (core dumped)");
        self.blows.of(pid).iter().any(|blow| blow.name() == signal)
    }

    /// A worker is proven dead, and this is to be why.
    pub(crate) fn worker_ended(&mut self, pid: u32, cause: &str) {
        let now = clock::now();
        self.catch_up();
        self.dead.insert(pid, now);
        self.daemons.worker_ended(pid, now);
        let is_explained = self.explains(pid, cause);
        let blows = self.blows.of(pid).to_vec();
        let last = self.last_acts.get(&pid).map_or("nothing", Act::name);
        self.faults.note(Check::Cause, is_explained, || {
            let history = self.histories.get(&pid);
            let ordeals = self.ordeals.describe(now.saturating_sub(5_000_000_000), now);
            format!("worker {pid} {cause}; it did {last} last, before {history:?}, was dealt {blows:?}, and in the last 5 s: {ordeals}")
        });
        self.faults.note(Check::Groups, is_group_empty(pid), || {
            let group: Vec<String> =
                crate::outside::group(pid).iter().map(crate::outside::Process::describe).collect();
            format!("worker {pid} {cause}, and of its group there are {}", group.join(", "))
        });
    }

    fn explains(&self, pid: u32, cause: &str) -> bool {
        let last = self.last_acts.get(&pid);
        if is_of_silence(cause) {
            // Without its timer it does not read while a job runs.
            return self.was_stopped(pid) || last == Some(&Act::Rebel(Rebel::Close));
        }
        if last.is_none() && is_of_few_files(cause) && self.lacks_files() {
            return true;
        }
        if is_of_memory(cause) {
            return last == Some(&Act::Hog);
        }
        let own = last.and_then(Act::own_end).is_some_and(|end| cause.starts_with(&end));
        own || self.struck(pid, cause) || was_asked_for(cause)
    }

    pub(crate) fn dead(&self) -> Vec<u32> {
        self.dead.keys().copied().collect()
    }

    pub(crate) fn ordeal_begins(&mut self, ordeal: Ordeal) -> usize {
        self.figures.met(ordeal.name());
        self.ordeals.begin(ordeal)
    }

    /// It ends now, or went on between those times.
    pub(crate) fn ordeal_ends(&mut self, number: usize, times: Option<(u64, u64)>) {
        self.ordeals.end(number, times);
    }

    /// A worker is there.
    pub(crate) fn worker_came(&mut self, pid: u32) {
        self.figures.workers += 1;
        if self.lacks_files() {
            self.poor.insert(pid);
        }
    }

    /// Whether a worker may have no descriptor free, as the host had none when it was made.
    pub(super) fn may_lack_files(&self, pid: u32) -> bool {
        self.poor.contains(&pid)
    }

    /// Whether the host has too few files, or had until just now.
    pub(crate) fn lacks_files(&self) -> bool {
        let now = clock::now();
        self.ordeals.lacked_files(now, now)
    }

    /// The pool has gone down, or is degraded.
    pub(crate) fn pool_lacks(&mut self, is_down: bool, reason: &str) {
        let now = clock::now();
        let may_be = self.pool_may_lack(now, now);
        self.figures.met(if is_down { "a pool that is down" } else { "a pool that is degraded" });
        self.faults
            .note(Check::Pool, may_be, || format!("the pool is down ({is_down}) or degraded: {reason}"));
    }

    /// Whether the budget for starts may be spent in this time: while the host has too few files, and until the last start
    /// has left the window.
    pub(super) fn pool_may_lack(&self, from: u64, to: u64) -> bool {
        self.ordeals.lacked_files(self.ordeals.so_long_before(from, crate::pool::WINDOW), to)
    }

    /// What a worker did, from its first job on.
    pub(super) fn history(&self, pid: u32) -> &[&'static str] {
        self.histories.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Looks after daemons, unless nobody can be seen.
    pub(crate) fn look(&mut self) {
        self.catch_up();
        if self.ordeals.is_blind() {
            return;
        }
        for (number, pid, at, worker) in self.daemons.take_unseen() {
            let is_dead = worker.is_some_and(|worker| self.dead.contains_key(&worker));
            self.daemons.add(number, pid, at, worker, is_dead);
        }
        for late in self.daemons.look(&self.ordeals) {
            self.faults.found(Check::Daemons, late);
        }
    }

    pub(crate) fn told_of_end(&mut self, job: JobId) {
        self.told.entry(job).or_default().ends += 1;
    }

    pub(crate) fn told_of_completion(&mut self, job: JobId) {
        self.told.entry(job).or_default().completions += 1;
    }

    /// Whether all has been told of the jobs that have ended.
    pub(crate) fn all_told(&self) -> bool {
        self.told.values().all(Told::is_whole)
    }

    /// All jobs have ended, and all has been told of them that there is to tell.
    pub(crate) fn check_told(&mut self) {
        for (job, told) in std::mem::take(&mut self.told) {
            self.faults.note(Check::Told, told.is_whole(), || format!("job {job}: {told:?}"));
        }
    }

    /// Forgets what is over, so that the book does not grow, and no number is mistaken for a later one.
    pub(crate) fn turn_page(&mut self, workers: &[u32]) {
        self.blows.keep(|pid| workers.contains(&pid));
        self.last_acts.retain(|pid, _| workers.contains(pid));
        self.histories.retain(|pid, _| workers.contains(pid));
        self.dead.clear();
        self.crowds.clear();
        self.ordeals.forget();
        self.sockets.clear();
        self.diary.forget_ended();
    }
}
