use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;

use rustix::process::setpriority_process;
use rustix::thread::gettid;

use super::leftover::{Leftover, end_group};
use super::record::Record;
use super::record_directory::RecordDirectory;
use super::record_text::Noted;
use super::sweep::{Sweep, Swept};
use super::worker_id::WorkerId;

/// How much less than others the thread claims of a core that is wanted, see nice(2).
const NICE: i32 = 10;

/// Called on the housekeeper's thread, once for each child that was made: its exit was handed out, and
/// what it left outside of its group was looked for.
pub(crate) type OnSwept = Box<dyn FnOnce(Swept) + Send>;

/// A thread for what would hold up the supervisor: files, and walks through all processes. It sleeps while
/// there is nothing to do.
pub(super) struct Housekeeper(mpsc::Sender<Duty>);

enum Duty {
    Record(Noted),
    Sweep(WorkerId, OnSwept),
}

impl Housekeeper {
    /// Its first duty is what dead hosts have left.
    pub(super) fn start() -> io::Result<Self> {
        let (sender, duties) = mpsc::channel();
        std::thread::Builder::new().name("ostler-housekeeper".into()).spawn(move || {
            // To nobody it matters when it is done, as long as it is soon; but a worker that is being made at the same time
            // is waited for. If it cannot be said, all have the same claim.
            let _ = setpriority_process(Some(gettid()), NICE);
            let directory = RecordDirectory::usual();
            let mut thread = Thread::new(directory.clone());
            thread.see_to_dead_hosts(&directory);
            thread.run(&duties);
        })?;
        Ok(Self(sender))
    }

    /// A worker was made.
    pub(super) fn record(&self, worker: Noted) {
        // The thread ends only with this sender.
        let _ = self.0.send(Duty::Record(worker));
    }

    /// A worker has ended, and so has its group.
    pub(super) fn sweep(&self, id: WorkerId, on_swept: OnSwept) {
        let _ = self.0.send(Duty::Sweep(id, on_swept));
    }
}

struct Thread {
    record: Record,
    sweep: Sweep,
    /// What follows for each worker that is swept for. Two records of a host may name the same one.
    then: Vec<(WorkerId, Then)>,
}

enum Then {
    Tell(OnSwept),
    Remove(Rc<Leftover>, RecordDirectory),
}

impl Thread {
    fn new(directory: RecordDirectory) -> Self {
        Self { record: Record::new(directory), sweep: Sweep::default(), then: Vec::new() }
    }

    fn run(mut self, duties: &mpsc::Receiver<Duty>) {
        loop {
            if self.sweep.is_idle() {
                match duties.recv() {
                    Ok(duty) => self.take(duty),
                    Err(mpsc::RecvError) => return,
                }
            }
            // Those who died together are served by one walk.
            while let Ok(duty) = duties.try_recv() {
                self.take(duty);
            }
            if !self.sweep.is_idle() {
                self.walk();
            }
        }
    }

    fn take(&mut self, duty: Duty) {
        match duty {
            Duty::Record(worker) => self.record.add(worker),
            Duty::Sweep(id, on_swept) => {
                self.sweep.begin(id);
                self.then.push((id, Then::Tell(on_swept)));
            }
        }
    }

    fn walk(&mut self) {
        for (id, swept) in self.sweep.walk() {
            let Swept { killed, survivors } = swept;
            if killed > 0 || survivors > 0 {
                tracing::info!(killed, survivors, "a worker had left processes outside of its group");
            }
            let Some(at) = self.then.iter().position(|(of, _)| *of == id) else { continue };
            match self.then.swap_remove(at).1 {
                Then::Tell(on_swept) => {
                    // Only now: if this process dies before, a later host looks for the rest.
                    self.record.remove(id);
                    // It leads to the host's code, and this thread serves all managers of the process.
                    if catch_unwind(AssertUnwindSafe(|| on_swept(swept))).is_err() {
                        tracing::error!("what a worker left could not be told: the host panicked over it");
                    }
                }
                Then::Remove(leftover, directory) => {
                    // The last of its workers.
                    if let Some(leftover) = Rc::into_inner(leftover) {
                        leftover.remove(&directory);
                    }
                }
            }
        }
    }

    /// Ends what dead hosts have left, and begins to look for the rest of it. A worker whose leader is gone may
    /// still have left others: its mark names them as surely as its number and start named the leader.
    fn see_to_dead_hosts(&mut self, directory: &RecordDirectory) {
        let leftovers = Leftover::find(directory).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look for the workers of dead hosts");
            Vec::new()
        });
        for leftover in leftovers.into_iter().map(Rc::new) {
            for worker in leftover.workers() {
                if end_group(worker) {
                    tracing::warn!(pid = worker.pid.as_raw_pid(), "ended a worker that a dead host had left");
                }
                self.sweep.begin(worker.id);
                self.then.push((worker.id, Then::Remove(Rc::clone(&leftover), directory.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use ostler_wire::env;
    use rustix::process::Pid;

    use super::super::procfs::Stat;
    use super::super::test_support::{has_died, scratch, within};
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
        dead.add(Noted { pid, start: Stat::of(pid).unwrap().start, id: whole });
        // Of this worker only one is left that had left its group; its number is a stranger's by now.
        let (mut escaped, mut stranger) = (sleeper(headless), sleeper(WorkerId::fresh().unwrap()));
        dead.add(Noted { pid: Pid::from_child(&stranger), start: 1, id: headless });
        // A host that dies lets go of the lock.
        drop(dead);

        let mut thread = Thread::new(directory.clone());
        // A child that another test is just making may hold the lock for a moment.
        within("it is seen to", || {
            thread.see_to_dead_hosts(&directory);
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
        thread.take(Duty::Record(Noted { pid: Pid::from_raw(77).unwrap(), start: 1, id }));
        assert_eq!(directory.entries().unwrap().len(), 1);
        let (tell, told) = mpsc::channel();
        let at_end = directory.clone();
        let on_swept = Box::new(move |swept| tell.send((swept, at_end.path().exists())).unwrap());
        thread.take(Duty::Sweep(id, on_swept));
        assert!(directory.path().exists());
        thread.walk();
        assert_eq!(told.recv_timeout(Duration::from_secs(1)), Ok((Swept::default(), false)));
    }

    #[test]
    fn a_panic_of_the_host_ends_nothing() {
        let scratch = scratch();
        let (sender, duties) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let [first, second] = [(); 2].map(|()| WorkerId::fresh().unwrap());
        sender.send(Duty::Sweep(first, Box::new(|_| panic!("of the host")))).unwrap();
        sender.send(Duty::Sweep(second, Box::new(move |_| tell.send(()).unwrap()))).unwrap();
        drop(sender);
        Thread::new(RecordDirectory::at(scratch.path().to_owned())).run(&duties);
        assert_eq!(told.recv(), Ok(()));
    }
}
