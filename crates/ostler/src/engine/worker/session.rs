use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{WorkerFrame, WorkerKey};
use ostler_process::{ChildOutput, Endpoint, WorkerProcess};
use ostler_shm::Spin;
use ostler_wire::FromWorker;

use super::handshake::meet;
use super::inbound::Inbound;
use super::output::Output;
use super::socket::{Read, Socket};
use super::tail::Tail;
use super::unread::{Question, Unread};
use crate::JobType;
use crate::engine::Core;
use crate::events::EventLog;

/// The conversation with one worker: what it sends on its socket, and what it prints on its pipes.
///
/// It runs one job at a time, and is told of the next one only when the result of the last one was heard. So all that
/// is in the pipes before that result is fed in belongs to that job; and what is in the pipes while none runs belongs
/// to the next one if, looked at after the pipes, the socket says that one has begun.
pub(super) struct Session<J: JobType> {
    inbound: Inbound<J>,
    output: Output,
    /// Why its connection has to wait, as long as it has to.
    shortage: Option<io::Error>,
    /// From its hello on.
    socket: Option<Socket>,
    /// While the socket is left unread: when the machine is told so the next time.
    unheard_due: Option<Instant>,
    /// Asks for what lies unread.
    unread: Unread,
    /// When the begin of a line is told although its end has not come.
    pause_ends: Option<Instant>,
    spin: Spin,
}

/// So many answers in a row, each of which led to the next job, may be heard before others of this thread have their
/// turn. A turn costs a look at all that the runtime waits for, and often the waking of another of its threads: with one
/// for each answer 2 busy cores did 80,000 small jobs a second, and with this 125,000.
const ANSWERS_AT_ONCE: u32 = 8;

/// The begin of a line, such as a question, is told when nothing has followed it for so long. The docs of
/// `OutputStream` promise it.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the machine is told that a worker is not listened to: sooner than anybody could be called frozen.
const UNHEARD_EVERY: Duration = Duration::from_millis(100);

/// What shows in a conversation that is over.
pub(super) struct Finished<'a> {
    /// How the last frame is torn.
    pub(super) torn_frame: Option<String>,
    /// Why its connection was not taken.
    pub(super) untaken: Option<String>,
    /// What was last on stderr.
    pub(super) stderr: &'a Tail,
}

impl<J: JobType> Session<J> {
    pub(super) fn new(
        core: Arc<Core<J>>,
        worker: WorkerKey,
        process: Arc<dyn WorkerProcess>,
        output: ChildOutput,
        unread: Unread,
    ) -> Self {
        let inbound = Inbound::new(core, worker, process);
        Self {
            spin: Spin::new(inbound.spin()),
            inbound,
            output: Output::new(worker, output),
            shortage: None,
            socket: None,
            unheard_due: None,
            unread,
            pause_ends: None,
        }
    }

    /// Listens for ever: the worker's exit ends it from outside.
    ///
    /// # Cancel safety
    /// Cancel safe from the hello on: what was read is kept, for [`finish`](Self::finish).
    pub(super) async fn run(&mut self, endpoint: Endpoint) -> Infallible {
        let (limit, offer) = (self.inbound.max_frame_bytes(), self.inbound.offer());
        let met = tokio::select! {
            met = meet(endpoint, self.unread.process(), &mut self.shortage, limit, offer) => met,
            never = overhear(&mut self.output, &mut self.inbound, &self.unread) => match never {},
        };
        match met {
            Ok(socket) => {
                let wire = Arc::clone(socket.wire());
                self.socket = Some(socket);
                self.inbound.begin(&wire);
                tokio::select! {
                    never = self.listen() => never,
                    never = wire.flush() => never,
                }
            }
            Err(message) => {
                self.inbound.say(WorkerFrame::Fault { message });
                overhear(&mut self.output, &mut self.inbound, &self.unread).await
            }
        }
    }

    async fn listen(&mut self) -> Infallible {
        loop {
            let Some(socket) = &self.socket else { return std::future::pending().await };
            self.unheard_due = match socket.is_held() || self.output.is_held() {
                true => Some(self.unheard_due.unwrap_or_else(|| Instant::now() + UNHEARD_EVERY)),
                false => None,
            };
            tokio::select! {
                () = socket.ready() => self.hear(),
                () = socket.wire().job_sent() => self.look_for_answers().await,
                () = self.output.ready() => {
                    self.overhear();
                    // A flood must not starve the other workers of this runtime's thread.
                    tokio::task::yield_now().await;
                }
                () = at(self.pause_ends) => self.tell_begun_line(),
                question = self.unread.asked() => self.read_all(question).await,
                () = at(self.inbound.drops_due()) => self.inbound.tell_dropped(),
                () = at(self.unheard_due) => {
                    self.unheard_due = None;
                    self.inbound.say(WorkerFrame::Unheard);
                }
            }
        }
    }

    /// Looks for the answers to jobs that were just sent, as long as that pays. Others of this thread have their turns.
    async fn look_for_answers(&mut self) {
        let Some(wire) = self.socket.as_ref().map(|socket| Arc::clone(socket.wire())) else { return };
        let (mut is_awake, mut answers) = (false, 0_u32);
        while let Some(socket) = self.socket.as_mut().filter(|socket| socket.is_open() && !socket.is_held()) {
            if wire.take_job() {
                self.spin.begin(Instant::now());
            }
            if !self.spin.is_due(Instant::now()) {
                break;
            }
            if !std::mem::replace(&mut is_awake, true) {
                socket.wake();
            }
            match socket.look() {
                Read::More(_) => {
                    self.hear();
                    answers += 1;
                    if wire.has_job() && answers % ANSWERS_AT_ONCE != 0 {
                        continue;
                    }
                }
                Read::Nothing => {}
                // The end shows once: from now on nobody reads the socket again.
                Read::End => self.inbound.say(WorkerFrame::HungUp),
            }
            // Also after an answer: whoever waited for it goes on here and at once, and need not be taken over by another
            // thread, which would have to be woken.
            tokio::task::yield_now().await;
        }
        if let Some(socket) = self.socket.as_mut().filter(|_| is_awake) {
            socket.rest();
        }
    }

    /// Feeds in all that the worker has said and printed until now, whoever reads that slowly, and says so.
    async fn read_all(&mut self, question: Question) {
        self.hear_all();
        self.hear_frame_that_has_begun().await;
        self.output.read_all();
        self.tell_lines();
        self.unread.exit_is_told().await;
        question.answer(&self.inbound);
    }

    /// Of a large frame the kernel holds only a part, until that is read.
    async fn hear_frame_that_has_begun(&mut self) {
        let mut patience = self.unread.patience();
        while let Some(socket) = self.socket.as_mut().filter(|socket| socket.is_within_a_frame()) {
            if !patience.waits_for(socket.readable()).await {
                return;
            }
            match socket.read() {
                Read::More(_) => {}
                Read::Nothing => continue,
                Read::End => return self.inbound.say(WorkerFrame::HungUp),
            }
            if let Some(message) = self.next() {
                self.hear_what_was_printed_before();
                self.feed(message);
                return;
            }
        }
    }

    /// Feeds in all that is in the socket and in the ring. The worker does not use the ring meanwhile: nobody looks there.
    fn hear_all(&mut self) {
        let mut left = self.socket.as_ref().map_or(0, Socket::waiting);
        let mut crowded = None;
        loop {
            while let Some(message) = self.next() {
                self.hear_what_was_printed_before();
                crowded = self.feed(message).filter(|log| log.is_crowded()).or(crowded);
            }
            let Some(socket) = self.socket.as_mut().filter(|socket| socket.is_open()) else { return };
            match socket.read_now() {
                // What comes later is not waited for: a worker may say more than anybody can hear.
                Read::More(count) if left > 0 => left = left.saturating_sub(count as u64),
                Read::End => return self.inbound.say(WorkerFrame::HungUp),
                Read::More(_) | Read::Nothing => break,
            }
        }
        if let (Some(log), Some(socket)) = (crowded, &mut self.socket) {
            socket.pace(log);
        }
    }

    /// Feeds in what has come on the socket, until a reader of what was added to a job's log is far behind.
    fn hear(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        if !socket.has_news() && socket.read() == Read::End {
            return self.inbound.say(WorkerFrame::HungUp);
        }
        while let Some(message) = self.next() {
            self.hear_what_was_printed_before();
            if let Some(log) = self.feed(message)
                && log.is_crowded()
                && let Some(socket) = &mut self.socket
            {
                return socket.pace(log);
            }
        }
    }

    /// What a job printed before it said what was just read should come before that: whoever acts upon a chunk, and
    /// cancels the job, shall find it.
    fn hear_what_was_printed_before(&mut self) {
        // Without a job it may be the next one's, and with something left its readers are waited for.
        if self.inbound.has_job() && !self.output.has_news() {
            self.read_output();
            self.tell_lines();
        }
    }

    /// Reads what was printed before that which was last read from the socket.
    fn read_output(&mut self) {
        if self.socket.as_mut().is_some_and(Socket::was_read) {
            self.output.read_all();
        }
    }

    /// Takes a little of what it printed.
    fn overhear(&mut self) {
        self.output.read();
        if !self.inbound.has_job() {
            self.catch_up();
        }
        self.tell_lines();
    }

    /// Feeds in what was printed, line by line. A line that has begun waits for its end, but not for long.
    fn tell_lines(&mut self) {
        self.output.tell(|stream, line| self.inbound.line(stream, line));
        let was_read = self.output.was_read();
        if was_read {
            self.inbound.printed();
        }
        if !self.inbound.has_job() || !self.output.has_begun_line() {
            self.pause_ends = None;
        } else if was_read || self.pause_ends.is_none() {
            self.pause_ends = Some(Instant::now() + PAUSE);
        }
    }

    /// Nothing has followed the begin of a line for a while: it may be a question.
    fn tell_begun_line(&mut self) {
        self.pause_ends = None;
        self.output.tell_begun(|stream, line| self.inbound.line(stream, line));
    }

    /// Hears whether a job has begun.
    fn catch_up(&mut self) {
        loop {
            while !self.inbound.has_job()
                && let Some(message) = self.next()
            {
                self.feed(message);
            }
            match &mut self.socket {
                Some(socket) if !self.inbound.has_job() && socket.is_open() => match socket.read_now() {
                    Read::More(_) => {}
                    Read::Nothing => return,
                    Read::End => return self.inbound.say(WorkerFrame::HungUp),
                },
                _ => return,
            }
        }
    }

    /// The next message that was read. One that cannot be read is a fault, and the last.
    fn next(&mut self) -> Option<FromWorker> {
        self.socket.as_mut()?.next().unwrap_or_else(|error| {
            self.inbound.say(WorkerFrame::Fault { message: error.to_string() });
            None
        })
    }

    fn feed(&mut self, message: FromWorker) -> Option<Arc<EventLog>> {
        match message {
            // The begin of a line that is older than the job is none of the job's.
            FromWorker::Started { .. } => {
                self.output.tell_begun(|stream, line| self.inbound.line(stream, line));
            }
            FromWorker::Result { .. } => {
                self.read_output();
                self.output.tell_all(|stream, line| self.inbound.line(stream, line));
                self.pause_ends = None;
                self.spin.end(Instant::now());
            }
            _ => {}
        }
        self.inbound.feed(message)
    }

    /// After the worker's death: feeds in what it still said and printed, without waiting for an end that somebody else
    /// may hold back.
    pub(super) fn finish(&mut self) -> Finished<'_> {
        self.output.read_all();
        let torn_frame = self.hear_rest();
        self.output.tell_all(|stream, line| self.inbound.line(stream, line));
        let untaken = self.shortage.as_ref().map(io::Error::to_string);
        Finished { torn_frame, untaken, stderr: self.output.tail() }
    }

    fn hear_rest(&mut self) -> Option<String> {
        // What is counted now was said by the dead.
        let mut left = self.socket.as_ref()?.waiting();
        loop {
            while let Some(message) = self.next() {
                self.feed(message);
            }
            let socket = self.socket.as_mut()?;
            match socket.read_now() {
                Read::More(count) if left > 0 => left = left.saturating_sub(count as u64),
                _ => return socket.torn(),
            }
        }
    }
}

/// Listens to what a worker prints that does not speak, for ever.
///
/// # Cancel safety
/// Cancel safe.
async fn overhear<J: JobType>(output: &mut Output, inbound: &mut Inbound<J>, unread: &Unread) -> Infallible {
    loop {
        tokio::select! {
            () = output.ready() => {
                output.read();
                output.tell(|stream, line| inbound.line(stream, line));
                tokio::task::yield_now().await;
            }
            question = unread.asked() => {
                unread.connection_is_seen().await;
                unread.exit_is_told().await;
                question.answer(inbound);
            }
        }
    }
}

/// Returns then, or never.
///
/// # Cancel safety
/// Cancel safe.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
