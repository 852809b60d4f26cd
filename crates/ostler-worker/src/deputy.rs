use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::reader::{Command, Reader};

/// How long the main thread is busy before somebody else reads in its place. So late at most a worker answers, and
/// notices a cancel or a dead host, while a plugin computes.
const PATIENCE: Duration = Duration::from_millis(2);

/// The main thread's way to the next command.
///
/// While it waits, the main thread reads by itself: to be woken by another thread would cost a small job about as much
/// again as all the rest of its way. When it has been busy for a while, the deputy, a thread of its own, takes the
/// reader over, and gives it back with the next command that the main thread waits for. A timer of the kernel wakes the
/// deputy, since to wake it for each job would cost what is to be saved. It is set once for all the jobs of a while, and
/// not at all in an idle worker.
pub(crate) struct Deputy {
    desk: Arc<Desk>,
}

/// What both threads have access to.
struct Desk {
    state: Mutex<State>,
    handed_over: Condvar,
    alarm: TimerFd,
}

struct State {
    /// Here while the main thread is busy and the deputy has not taken it.
    reader: Option<Reader>,
    /// What the deputy has read.
    commands: VecDeque<Command>,
    /// Since when the main thread is busy.
    busy_since: Instant,
    /// The main thread waits for the deputy.
    is_awaited: bool,
    is_alarm_set: bool,
    is_closed: bool,
}

impl Deputy {
    /// Starts the thread. The main thread counts as idle.
    pub(crate) fn start(reader: Reader) -> io::Result<Self> {
        let state = State {
            reader: Some(reader),
            commands: VecDeque::new(),
            busy_since: Instant::now(),
            is_awaited: false,
            is_alarm_set: false,
            is_closed: false,
        };
        let alarm = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
        let desk = Arc::new(Desk { state: Mutex::new(state), handed_over: Condvar::new(), alarm });
        let theirs = Arc::clone(&desk);
        Builder::new().name("ostler-deputy".to_owned()).spawn(move || theirs.stand_in())?;
        Ok(Self { desk })
    }

    /// Waits for the next command. With it, the main thread is busy.
    pub(crate) fn next(&self) -> Command {
        let mut state = self.desk.lock();
        loop {
            if let Some(command) = state.commands.pop_front() {
                return command;
            }
            if let Some(mut reader) = state.reader.take() {
                drop(state);
                let command = reader.next();
                self.desk.lend(&mut self.desk.lock(), reader);
                return command;
            }
            state.is_awaited = true;
            state = self.desk.handed_over.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.is_awaited = false;
        }
    }
}

impl Drop for Deputy {
    fn drop(&mut self) {
        self.desk.lock().is_closed = true;
        self.desk.set_alarm(Duration::from_nanos(1));
    }
}

impl Desk {
    /// The main thread is busy from now on.
    fn lend(&self, state: &mut State, reader: Reader) {
        state.reader = Some(reader);
        state.busy_since = Instant::now();
        if !state.is_alarm_set {
            state.is_alarm_set = true;
            self.set_alarm(PATIENCE);
        }
    }

    /// The deputy's life.
    fn stand_in(&self) {
        while let Some(reader) = self.await_duty() {
            if !self.read_on(reader) {
                return;
            }
        }
    }

    /// Waits until the main thread is busy for long; `None` when nobody will be any more.
    fn await_duty(&self) -> Option<Reader> {
        loop {
            // It fails only if the timer is none.
            self.alarm.wait().ok()?;
            let mut state = self.lock();
            if state.is_closed {
                return None;
            }
            state.is_alarm_set = false;
            if state.reader.is_none() {
                continue;
            }
            let left = PATIENCE.saturating_sub(state.busy_since.elapsed());
            if left.is_zero() {
                return state.reader.take();
            }
            // It is busy with a later job.
            state.is_alarm_set = true;
            self.set_alarm(left);
        }
    }

    /// Reads until the main thread waits for what comes. Says whether more may come.
    fn read_on(&self, mut reader: Reader) -> bool {
        loop {
            let command = reader.next();
            let is_last = matches!(command, Command::Ended(_));
            let mut state = self.lock();
            state.commands.push_back(command);
            let is_awaited = state.is_awaited;
            if is_awaited && !is_last {
                self.lend(&mut state, reader);
                drop(state);
                self.handed_over.notify_one();
                return true;
            }
            drop(state);
            self.handed_over.notify_one();
            if is_last {
                return false;
            }
        }
    }

    fn set_alarm(&self, after: Duration) {
        let once = Expiration::OneShot(TimeSpec::from_duration(after));
        // A timer takes every time that is not negative.
        let _ = self.alarm.set(once, TimerSetTimeFlags::empty());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
