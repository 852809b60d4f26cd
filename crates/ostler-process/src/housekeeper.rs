use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;
use rustix::thread::gettid;

use super::leftover::{End, Leftover, end_group};
use super::maker::OnSwept;
use super::record::Record;
use super::record_directory::RecordDirectory;
use super::record_text::Noted;
use super::sweep::{Dead, Sweep, Swept, Verdict};
use super::worker_id::WorkerId;
use crate::say;

/// How much less than others the thread claims of a core that is wanted, see nice(2).
const NICE: i32 = 10;

/// What could not be done is tried again after this, and then after twice as long, up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A thread for what would hold up the supervisor: files, and walks through all processes. It sleeps while
/// there is nothing to do.
pub(super) struct Housekeeper(mpsc::Sender<Duty>);

enum Duty {
    Record(Noted),
    Sweep(Dead, OnSwept),
}

impl Housekeeper {
    /// Its first duty is what dead hosts have left.
    pub(super) fn start() -> io::Result<Self> {
        let (sender, duties) = mpsc::channel();
        std::thread::Builder::new().name("ostler-housekeeper".into()).spawn(move || {
            // To nobody it matters when it is done, as long as it is soon; but a worker that is being made at the same time
            // is waited for. If it cannot be said, all have the same claim.
            let _ = setpriority_process(Some(gettid()), NICE);
            Thread::new(RecordDirectory::usual()).run(&duties);
        })?;
        Ok(Self(sender))
    }

    /// A worker was made.
    pub(super) fn record(&self, worker: Noted) {
        // The thread ends only with this sender.
        let _ = self.0.send(Duty::Record(worker));
    }

    /// A worker has ended, and so has its group.
    pub(super) fn sweep(&self, dead: Dead, on_swept: OnSwept) {
        let _ = self.0.send(Duty::Sweep(dead, on_swept));
    }
}

struct Thread {
    directory: RecordDirectory,
    record: Record,
    sweep: Sweep,
    /// What follows for each worker that is swept for. Two records of a host may name the same one.
    then: Vec<(WorkerId, Then)>,
    /// Until dead hosts were seen to.
    dead_hosts: Option<Pause>,
    walks: Pause,
    records: Pause,
}

enum Then {
    Tell(OnSwept),
    /// It was told that nobody knows.
    Told,
    Remove(Rc<Leftover>),
}

/// When to try again what could not be done, and how long to wait if it fails once more.
struct Pause {
    until: Instant,
    next: Duration,
}

impl Pause {
    fn none() -> Self {
        Self { until: Instant::now(), next: FIRST_PAUSE }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    fn lengthen(&mut self, now: Instant) {
        self.until = now + self.next;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }
}

impl Thread {
    fn new(directory: RecordDirectory) -> Self {
        Self {
            record: Record::new(directory.clone()),
            directory,
            sweep: Sweep::default(),
            then: Vec::new(),
            dead_hosts: Some(Pause::none()),
            walks: Pause::none(),
            records: Pause::none(),
        }
    }

    fn run(mut self, duties: &mpsc::Receiver<Duty>) {
        loop {
            self.work();
            let duty = match self.due() {
                None => duties.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                Some(due) => duties.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match duty {
                Ok(duty) => self.take(duty),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) if self.due().is_none() => return,
                // Nobody asks any more, and something is left to do.
                Err(mpsc::RecvTimeoutError::Disconnected) => self.wait(),
            }
            // Those who died together are served by one walk.
            while let Ok(duty) = duties.try_recv() {
                self.take(duty);
            }
        }
    }

    fn wait(&self) {
        if let Some(due) = self.due() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// When there is something to do without being asked, if ever.
    fn due(&self) -> Option<Instant> {
        let walk = (!self.sweep.is_idle()).then_some(self.walks.until);
        let record = self.record.is_behind().then_some(self.records.until);
        let dead_hosts = self.dead_hosts.as_ref().map(|pause| pause.until);
        [walk, record, dead_hosts].into_iter().flatten().min()
    }

    /// Does what is due.
    fn work(&mut self) {
        let now = Instant::now();
        if self.dead_hosts.as_ref().is_some_and(|pause| pause.is_over(now)) {
            self.see_to_dead_hosts();
        }
        if self.record.is_behind() && self.records.is_over(now) {
            if self.record.catch_up() {
                self.records = Pause::none();
            } else {
                self.records.lengthen(now);
            }
        }
        if !self.sweep.is_idle() && self.walks.is_over(now) {
            self.walk();
        }
    }

    fn take(&mut self, duty: Duty) {
        match duty {
            Duty::Record(worker) => self.record.add(worker),
            Duty::Sweep(dead, on_swept) => {
                self.begin(dead, Then::Tell(on_swept));
            }
        }
    }

    fn begin(&mut self, dead: Dead, then: Then) {
        self.sweep.begin(dead);
        self.then.push((dead.noted.id, then));
        // It has waited for nothing yet.
        self.walks = Pause::none();
    }

    fn walk(&mut self) {
        let (told, blind) = self.sweep.walk();
        match blind {
            None => self.walks = Pause::none(),
            Some(error) => {
                if self.walks.next == FIRST_PAUSE {
                    say!(warn, %error, "cannot look for what workers left behind; it is tried again");
                }
                self.walks.lengthen(Instant::now());
            }
        }
        for (id, verdict) in told {
            let Some(at) = self.then.iter().position(|(of, _)| *of == id) else { continue };
            match verdict {
                Verdict::Done(swept) => {
                    report(&swept);
                    let then = self.then.swap_remove(at).1;
                    self.done(id, then, swept);
                }
                Verdict::Unknown(swept) => {
                    report(&swept);
                    // It stays on record: whoever can look, this host or a later one, ends what is left.
                    let then = &mut self.then[at].1;
                    if let Then::Tell(on_swept) = then_told(then) {
                        tell(on_swept, swept);
                    }
                }
            }
        }
    }

    fn done(&mut self, id: WorkerId, then: Then, swept: Swept) {
        match then {
            Then::Tell(on_swept) => {
                // Only now: if this process dies before, a later host looks for the rest.
                self.record.remove(id);
                tell(on_swept, swept);
            }
            Then::Told => self.record.remove(id),
            Then::Remove(leftover) => {
                // The last of its workers.
                if let Some(leftover) = Rc::into_inner(leftover) {
                    leftover.remove(&self.directory);
                }
            }
        }
    }

    /// Ends what dead hosts have left, and begins to look for the rest of it. A worker whose leader is gone may
    /// still have left others: its mark names them as surely as its number and start named the leader.
    fn see_to_dead_hosts(&mut self) {
        let leftovers = match Leftover::find(&self.directory) {
            Ok(leftovers) => leftovers,
            Err(error) => {
                say!(warn, %error, "cannot look for the workers of dead hosts; it is tried again");
                if let Some(pause) = &mut self.dead_hosts {
                    pause.lengthen(Instant::now());
                }
                return;
            }
        };
        self.dead_hosts = None;
        for leftover in leftovers.into_iter().map(Rc::new) {
            for worker in leftover.workers() {
                let pid = worker.pid.as_raw_pid();
                match end_group(worker) {
                    Ok(End::Killed) => say!(warn, pid, "ended a worker that a dead host had left"),
                    Ok(End::WasDead | End::Gone) => {}
                    // The walk finds by its marks whom this did not.
                    Err(error) => {
                        say!(warn, pid, %error, "cannot end a worker that a dead host had left");
                    }
                }
                self.begin(Dead::on_record(*worker), Then::Remove(Rc::clone(&leftover)));
            }
        }
    }
}

/// What was to follow, of whoever is told now and not again.
fn then_told(then: &mut Then) -> Then {
    match then {
        Then::Tell(_) => std::mem::replace(then, Then::Told),
        Then::Told | Then::Remove(_) => Then::Told,
    }
}

fn report(swept: &Swept) {
    let Swept { killed, survivors, unknown } = swept;
    if let Some(error) = unknown {
        say!(warn, killed, survivors, %error, "it is not known what a worker has left outside of its group");
    } else if *killed > 0 || *survivors > 0 {
        say!(info, killed, survivors, "a worker had left processes outside of its group");
    }
}

/// It leads to the host's code, and this thread serves all managers of the process.
fn tell(on_swept: OnSwept, swept: Swept) {
    if catch_unwind(AssertUnwindSafe(|| on_swept(swept))).is_err() {
        say!(error, "what a worker left could not be told: the host panicked over it");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use ostler_wire::env;
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

    use super::super::procfs::Stat;
    use super::super::test_support::{has_died, is_alone, scratch, unknown, within};
    use super::*;

    fn sleeper(id: WorkerId) -> std::process::Child {
        let mut command = Command::new("sleep");
        command.arg("1000").env(env::WORKER_ID, id.to_string()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    #[test]
    fn what_a_dead_host_left_is_ended_and_its_record_removed() {
        let scratch = scratch();
        let directory = RecordDirectory::at(scratch.path().join("records"));
        let mut dead = Record::new(directory.clone());
        let [whole, headless] = [(); 2].map(|()| WorkerId::fresh().unwrap());
        let mut leader = sleeper(whole);
        let pid = Pid::from_child(&leader);
        dead.add(Noted { pid, start: Stat::of(pid).unwrap().map(|stat| stat.start), id: whole });
        // Of this worker only one is left that had left its group; its number is a stranger's by now.
        let (mut escaped, mut stranger) = (sleeper(headless), sleeper(WorkerId::fresh().unwrap()));
        dead.add(Noted { pid: Pid::from_child(&stranger), start: Some(1), id: headless });
        // A host that dies lets go of the lock.
        drop(dead);

        let mut thread = Thread::new(directory.clone());
        // A child that another test is just making may hold the lock for a moment.
        within("it is seen to", || {
            thread.see_to_dead_hosts();
            !thread.sweep.is_idle()
        });
        assert!(directory.path().exists(), "the record is needed until all are seen to");
        while !thread.sweep.is_idle() {
            thread.walk();
        }
        assert!(has_died(&mut leader) && has_died(&mut escaped));
        assert!(stranger.try_wait().unwrap().is_none(), "a stranger was hit");
        assert!(!directory.path().exists());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn a_worker_is_on_record_until_it_was_swept_for() {
        let scratch = scratch();
        let directory = RecordDirectory::at(scratch.path().join("records"));
        let mut thread = Thread::new(directory.clone());
        let id = WorkerId::fresh().unwrap();
        thread.take(Duty::Record(Noted { pid: Pid::from_raw(77).unwrap(), start: Some(1), id }));
        assert_eq!(directory.entries().unwrap().len(), 1);
        let (tell, told) = mpsc::channel();
        let at_end = directory.clone();
        let on_swept = Box::new(move |swept| tell.send((swept, at_end.path().exists())).unwrap());
        thread.take(Duty::Sweep(unknown(id), on_swept));
        assert!(directory.path().exists());
        // Where others make processes without end, one walk may not have seen all.
        let mut last = None;
        within("it was swept for", || {
            thread.walk();
            last = told.try_recv().ok();
            last.is_some()
        });
        assert_eq!(last, Some((Swept::default(), false)));
    }

    /// Without a free descriptor nobody can be seen: that is not the same as that nobody is there.
    #[test]
    fn a_host_that_cannot_look_says_so_and_goes_on_looking() {
        let name = "housekeeper::tests::a_host_that_cannot_look_says_so_and_goes_on_looking";
        if !is_alone(name, |command| command) {
            return;
        }
        let scratch = scratch();
        let directory = RecordDirectory::at(scratch.path().join("records"));
        let mut thread = Thread::new(directory.clone());
        thread.work();
        let id = WorkerId::fresh().unwrap();
        let mut escaped = sleeper(id);
        let dead = unknown(id);
        thread.take(Duty::Record(dead.noted));
        let (tell, told) = mpsc::channel();
        thread.take(Duty::Sweep(dead, Box::new(move |swept| tell.send(swept).unwrap())));

        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
        let mut answer = None;
        let mut walks = 0;
        within("the host is told", || {
            if thread.due().is_some_and(|due| due <= Instant::now()) {
                walks += 1;
                thread.work();
                assert!(thread.due().is_some_and(|due| due > Instant::now()), "without a pause");
            }
            answer = told.try_recv().ok();
            answer.is_some()
        });
        let swept: Swept = answer.unwrap();
        assert_eq!((swept.killed, swept.survivors), (0, 0));
        assert!(swept.unknown.is_some_and(|why| why.contains("Too many open files")));
        assert!(walks < 20, "{walks} walks");
        // One who comes now cannot be written down, or can in the file that is open.
        thread.take(Duty::Record(Noted { id: WorkerId::fresh().unwrap(), ..dead.noted }));
        setrlimit(Resource::Nofile, before).unwrap();

        assert!(escaped.try_wait().unwrap().is_none());
        let text = std::fs::read_to_string(&directory.entries().unwrap()[0]).unwrap();
        assert!(text.contains(&id.to_string()), "the next host must find it: {text}");
        within("it is found", || {
            thread.work();
            thread.sweep.is_idle()
        });
        assert!(has_died(&mut escaped));
        let text = std::fs::read_to_string(&directory.entries().unwrap()[0]).unwrap();
        assert!(text.contains(&format!("- {id}")), "{text}");
    }

    /// What could not be read at the start is read later.
    #[test]
    fn the_records_of_dead_hosts_are_looked_for_until_they_can_be_read() {
        let name = "housekeeper::tests::the_records_of_dead_hosts_are_looked_for_until_they_can_be_read";
        if !is_alone(name, |command| command) {
            return;
        }
        let scratch = scratch();
        let directory = RecordDirectory::at(scratch.path().join("records"));
        let id = WorkerId::fresh().unwrap();
        let mut dead = Record::new(directory.clone());
        dead.add(unknown(id).noted);
        drop(dead);
        let mut escaped = sleeper(id);
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
        let mut thread = Thread::new(directory.clone());
        thread.work();
        assert!(thread.sweep.is_idle() && thread.due().is_some());
        setrlimit(Resource::Nofile, before).unwrap();
        within("it is found", || {
            thread.work();
            thread.due().is_none()
        });
        assert!(has_died(&mut escaped) && !directory.path().exists());
    }

    #[test]
    fn a_panic_of_the_host_ends_nothing() {
        let scratch = scratch();
        let (sender, duties) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let [first, second] = [(); 2].map(|()| WorkerId::fresh().unwrap());
        sender.send(Duty::Sweep(unknown(first), Box::new(|_| panic!("of the host")))).unwrap();
        sender.send(Duty::Sweep(unknown(second), Box::new(move |_| tell.send(()).unwrap()))).unwrap();
        drop(sender);
        Thread::new(RecordDirectory::at(scratch.path().to_owned())).run(&duties);
        assert_eq!(told.recv(), Ok(()));
    }
}
