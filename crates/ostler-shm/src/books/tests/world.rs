//! Two sides that keep [`Books`], their memory, and what is on its way between them. Every step that another thread or
//! process could come before or after is a [`Step`] of its own.

use std::collections::VecDeque;

use ostler_wire::SegmentNews;

use super::setting::{Part, Planted, Route, Setting, Step};
use super::way::{Frame, Named, Spot, Way};
use crate::SHARED_FROM;
use crate::books::{Books, GivenUp, Lending};
use crate::foreign::Absence;
use crate::owned::{Memory, Retired, Room};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct World {
    sides: [Side; 2],
    /// From the side of that number.
    ways: [Way; 2],
    /// Payloads are told apart by what is in them.
    written: u8,
    is_worker_dead: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
struct Side {
    books: Books<Simulated, ()>,
    held: Vec<Held>,
    /// The payloads that are about to be sent, at most so many at once.
    sending: Vec<Sending>,
    begun: usize,
    heard: usize,
    said: u8,
}

/// A segment's memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Simulated {
    readers: u8,
    is_written: bool,
    content: u8,
}

impl Memory for Simulated {
    fn size(&self) -> usize {
        SHARED_FROM
    }

    fn is_unused(&self) -> bool {
        self.readers == 0 && !self.is_written
    }
}

/// Bytes that somebody has, and clones of them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Held {
    spot: Spot,
    clones: u8,
    is_copying: bool,
    /// Whether whoever got them has let go.
    is_let_go: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Sending {
    lending: Option<Lending>,
    parts: VecDeque<Job>,
    named: Vec<Named>,
    /// That of `Planted::OvertakingRelease`.
    is_told: bool,
}

/// What is still to be done for a part.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Job {
    Find(Spot),
    Claim,
    Copy(u64),
    Lend(Spot),
    Unlock(u64),
}

const HOST: usize = 0;
const WORKER: usize = 1;

impl World {
    pub(super) fn new(setting: &Setting) -> Self {
        let mut world = Self {
            sides: [Side::default(), Side::default()],
            ways: [Way::default(), Way::default()],
            written: 0,
            is_worker_dead: false,
        };
        for (side, buffers) in world.sides.iter_mut().zip(setting.buffers) {
            side.books.open(2 * SHARED_FROM);
            for _ in 0..buffers {
                world.written += 1;
                let content = world.written;
                let room = side.books.room(SHARED_FROM, &mut Retired::default());
                assert_eq!(room, Room::ToMake(SHARED_FROM));
                let segment = side.books.owned.add(Simulated { readers: 1, is_written: false, content });
                let spot = Spot { is_own: true, segment, content };
                side.held.push(Held { spot, clones: 1, is_copying: false, is_let_go: false });
            }
        }
        world
    }

    /// All that can happen next.
    pub(super) fn steps(&self, setting: &Setting) -> Vec<Step> {
        let mut steps = Vec::new();
        for side in self.living() {
            let Side { held, sending, begun, heard, said, .. } = &self.sides[side];
            let script = script(setting, side);
            let is_turn = setting.at_once > 1 || *begun == *heard && side == HOST || begun < heard;
            if *begun < script.len() && sending.len() < setting.at_once && is_turn {
                steps.push(Step::Begin(side));
            }
            for (at, sending) in sending.iter().enumerate() {
                if sending.parts.is_empty() {
                    steps.extend([Route::Socket, Route::Ring].map(|route| Step::Send(side, at, route)));
                    if setting.refusals {
                        steps.push(Step::Refuse(side, at));
                    }
                } else {
                    steps.push(Step::Work(side, at));
                }
            }
            if *said < setting.words[side] {
                steps.extend([Route::Socket, Route::Ring].map(|route| Step::Say(side, route)));
            }
            for (at, held) in held.iter().enumerate() {
                if held.is_copying {
                    steps.push(Step::EndCopy(side, at));
                } else if !held.is_let_go {
                    steps.push(Step::LetGo(side, at));
                }
            }
            if let Some(frame) = self.ways[1 - side].clone().next(setting.planted) {
                steps.push(Step::Receive(side));
                let brings = |named: &Vec<Named>| named.iter().any(|named| named.is_new);
                if setting.losses && matches!(&frame, Frame::Payload(named) if brings(named)) {
                    steps.push(Step::ReceiveAndLose(side));
                }
            }
        }
        if setting.death && !self.is_worker_dead {
            steps.push(Step::Die);
        }
        steps
    }

    fn living(&self) -> impl Iterator<Item = usize> {
        [HOST, WORKER].into_iter().take(if self.is_worker_dead { 1 } else { 2 })
    }

    /// What it is after a step, or what the step breaks.
    pub(super) fn after(&self, step: Step, setting: &Setting) -> Result<Self, String> {
        let mut world = self.clone();
        match step {
            Step::Begin(side) => world.begin(side, setting),
            Step::Work(side, at) => world.work(side, at, setting),
            Step::Send(side, at, route) => world.send(side, at, route, setting),
            Step::Refuse(side, at) => world.refuse(side, at, setting),
            Step::Say(side, route) => {
                world.sides[side].said += 1;
                world.post(side, Frame::Word, route);
            }
            Step::Receive(side) => world.receive(side, false, setting)?,
            Step::ReceiveAndLose(side) => world.receive(side, true, setting)?,
            Step::LetGo(side, at) => {
                world.sides[side].held[at].is_let_go = true;
                world.drop_clone(side, at);
            }
            Step::EndCopy(side, at) => world.end_copy(side, at, setting)?,
            Step::Die => {
                world.is_worker_dead = true;
                // What it has sent is still there; what it had in hand is gone, and nobody is told.
                world.sides[WORKER] = Side::default();
                world.ways[HOST] = Way::default();
            }
        }
        for side in &mut world.sides {
            side.held.retain(|held| held.clones > 0);
        }
        world.check()?;
        Ok(world)
    }

    fn begin(&mut self, side: usize, setting: &Setting) {
        let Side { books, held, sending, begun, .. } = &mut self.sides[side];
        let script = script(setting, side)[*begun];
        *begun += 1;
        let mut echoed = held.iter_mut().filter(|held| !held.is_copying);
        let parts = script.iter().map(|part| match part {
            Part::Held => echoed.next().map_or(Job::Claim, |held| {
                held.clones += 1;
                Job::Find(held.spot)
            }),
            Part::Copied => Job::Claim,
        });
        let parts = parts.collect();
        let lending = books.sends().then(|| books.begin());
        // What is shared no more is in the frame, and its bytes are copied there.
        sending.push(Sending { lending, parts, named: Vec::new(), is_told: false });
    }

    /// The next step for a payload that is about to be sent.
    fn work(&mut self, side: usize, at: usize, setting: &Setting) {
        let Side { books, sending, .. } = &mut self.sides[side];
        let payload = &mut sending[at];
        let Some(job) = payload.parts.pop_front() else { return };
        let Some(mut lending) = payload.lending.take() else {
            if let Job::Find(spot) = job {
                self.drop_spot(side, spot);
            }
            return;
        };
        let mut dropped = None;
        match job {
            Job::Find(spot) if spot.is_own => {
                if let Some(is_new) = lend(books, spot.segment, &mut lending, setting.planted) {
                    payload.named.push(Named { spot, is_new });
                } else {
                    payload.parts.push_front(Job::Claim);
                }
                dropped = Some(spot);
            }
            Job::Find(spot) => {
                if setting.planted != Planted::EarlyRelease {
                    books.give_back_in(spot.segment, &mut lending);
                }
                payload.named.push(Named { spot, is_new: false });
                dropped = Some(spot);
            }
            Job::Claim => {
                if let Some(segment) = claim(books, setting.planted) {
                    payload.parts.push_front(Job::Copy(segment));
                }
            }
            Job::Copy(segment) => {
                self.written += 1;
                let content = self.written;
                if let Some(memory) = books.owned.memory_mut(segment) {
                    memory.content = content;
                    memory.is_written = setting.planted != Planted::EarlyUnlock;
                }
                payload.parts.push_front(Job::Lend(Spot { is_own: true, segment, content }));
            }
            Job::Lend(spot) => {
                if let Some(is_new) = lend(books, spot.segment, &mut lending, setting.planted) {
                    payload.named.push(Named { spot, is_new });
                }
                payload.parts.push_front(Job::Unlock(spot.segment));
            }
            Job::Unlock(segment) => {
                if let Some(memory) = books.owned.memory_mut(segment) {
                    memory.is_written = false;
                }
            }
        }
        payload.lending = Some(lending);
        if let Some(spot) = dropped {
            self.drop_spot(side, spot);
        }
    }

    fn send(&mut self, side: usize, at: usize, route: Route, setting: &Setting) {
        let Side { books, sending, .. } = &mut self.sides[side];
        let payload = &mut sending[at];
        if let Some(lending) = payload.lending.take() {
            books.sent(lending);
        }
        if setting.planted == Planted::OvertakingRelease && !payload.is_told {
            // The payload follows in another step.
            payload.is_told = true;
            return;
        }
        let Sending { named, .. } = self.sides[side].sending.remove(at);
        self.post(side, Frame::Payload(named), route);
    }

    fn refuse(&mut self, side: usize, at: usize, setting: &Setting) {
        let Side { books, sending, .. } = &mut self.sides[side];
        if let Some(lending) = sending.remove(at).lending {
            match setting.planted {
                Planted::LeakedReference => books.sent(lending),
                _ => books.take_back(lending),
            }
        }
        // A failure is sent in its place.
        self.post(side, Frame::Payload(Vec::new()), Route::Socket);
    }

    /// Appends a frame, and what there is to tell behind it: both in one step, under the lock of what is sent.
    fn post(&mut self, side: usize, frame: Frame, route: Route) {
        let books = &mut self.sides[side].books;
        let news: Vec<_> = std::iter::from_fn(|| books.news()).collect();
        self.ways[side].post(frame, news, route);
    }

    fn receive(&mut self, side: usize, lose: bool, setting: &Setting) -> Result<(), String> {
        let Some(frame) = self.ways[1 - side].next(setting.planted) else { return Ok(()) };
        match frame {
            Frame::Word => {}
            Frame::Payload(named) => {
                self.sides[side].heard += 1;
                for named in named {
                    self.take(side, named, lose, setting)?;
                }
            }
            Frame::News(news) => {
                if setting.planted == Planted::DoubleRelease {
                    let released = SegmentNews { released: news.released.clone(), ..SegmentNews::default() };
                    self.sides[side].books.hear(released, &mut GivenUp::default())?;
                }
                self.sides[side].books.hear(news, &mut GivenUp::default())?;
            }
        }
        Ok(())
    }

    fn take(&mut self, side: usize, named: Named, lose: bool, setting: &Setting) -> Result<(), String> {
        let books = &mut self.sides[side].books;
        let Spot { is_own, segment, content } = named.spot;
        let spot = Spot { is_own: !is_own, segment, content };
        let mut is_copying = false;
        if spot.is_own {
            books.owned.returned(segment)?;
            if let Some(memory) = books.owned.memory_mut(segment) {
                memory.readers += 1;
            }
        } else {
            if named.is_new {
                books.foreign.check(segment, SHARED_FROM as u64, books.bound())?;
                match lose {
                    false => books.foreign.add(segment, SHARED_FROM as u64, ()),
                    true if setting.planted == Planted::ForgottenLoss => return Ok(()),
                    true => return books.lose(segment),
                }
            }
            match books.lease(segment) {
                Ok(()) => {}
                Err(Absence::Lost) => return Ok(()),
                Err(Absence::Fault(reason)) => return Err(reason),
            }
            is_copying = side == HOST && setting.host_copies;
            if is_copying && setting.planted == Planted::EarlyCopyEnd {
                books.end_lease(segment);
            }
        }
        self.sides[side].held.push(Held { spot, clones: 1, is_copying, is_let_go: false });
        Ok(())
    }

    fn end_copy(&mut self, side: usize, at: usize, setting: &Setting) -> Result<(), String> {
        let spot = self.sides[side].held[at].spot;
        self.is_there(side, spot)?;
        self.sides[side].held[at].clones -= 1;
        if setting.planted != Planted::EarlyCopyEnd {
            self.sides[side].books.end_lease(spot.segment);
        }
        Ok(())
    }

    /// Drops a clone of what is held there.
    fn drop_spot(&mut self, side: usize, spot: Spot) {
        let found = self.sides[side].held.iter().position(|held| held.spot == spot && held.clones > 0);
        if let Some(at) = found {
            self.drop_clone(side, at);
        }
    }

    fn drop_clone(&mut self, side: usize, at: usize) {
        let Side { books, held, .. } = &mut self.sides[side];
        held[at].clones -= 1;
        if held[at].clones > 0 {
            return;
        }
        let Spot { is_own, segment, .. } = held[at].spot;
        if !is_own {
            books.end_lease(segment);
        } else if let Some(memory) = books.owned.memory_mut(segment) {
            memory.readers -= 1;
        }
    }

    /// Nobody's bytes have changed, in hand or on their way, and what is at rest is free.
    fn check(&self) -> Result<(), String> {
        for side in self.living() {
            let own = &self.sides[side];
            let held = own.held.iter().map(|held| held.spot);
            let sending = own.sending.iter().flat_map(|sending| sending.named.iter().map(|named| named.spot));
            for spot in held.chain(sending) {
                self.is_there(side, spot)?;
            }
        }
        if self.is_worker_dead {
            return Ok(());
        }
        for side in self.living() {
            let way = &self.ways[side];
            for frame in way.frames() {
                if let Frame::Payload(named) = frame {
                    named.iter().try_for_each(|named| self.is_there(side, named.spot))?;
                }
            }
        }
        self.check_rest()
    }

    fn check_rest(&self) -> Result<(), String> {
        let is_still = self.sides.iter().zip(&self.ways).all(|(side, way)| {
            way.frames().next().is_none()
                && side.held.is_empty()
                && side.sending.is_empty()
                && !side.books.has_news()
        });
        let busy = self.sides.iter().find(|side| is_still && !side.books.owned.is_free());
        busy.map_or(Ok(()), |side| Err(format!("a reference was lost: {:?}", side.books.owned)))
    }

    /// What a side sees there is what it must be. The memory of a dead worker is as it was left.
    fn is_there(&self, side: usize, spot: Spot) -> Result<(), String> {
        let owner = if spot.is_own { side } else { 1 - side };
        if owner == WORKER && self.is_worker_dead {
            return Ok(());
        }
        match self.sides[owner].books.owned.memory(spot.segment) {
            Some(memory) if memory.content != spot.content => {
                Err(format!("side {side} has {spot:?}, and there is {} in it", memory.content))
            }
            // What was given up stays mapped where somebody has it.
            _ => Ok(()),
        }
    }
}

fn script(setting: &Setting, side: usize) -> &'static [&'static [Part]] {
    if side == HOST { setting.requests } else { setting.responses }
}

fn claim(books: &mut Books<Simulated, ()>, planted: Planted) -> Option<u64> {
    if planted == Planted::EarlyReuse
        && let Some(id) =
            (0..books.owned.made()).find(|id| books.owned.memory(*id).is_some_and(Memory::is_unused))
    {
        return lock(books, id);
    }
    match books.room(SHARED_FROM, &mut Retired::default()) {
        Room::Warm(id) => lock(books, id),
        Room::ToMake(_) => Some(books.owned.add(Simulated { readers: 0, is_written: true, content: 0 })),
        Room::None => None,
    }
}

fn lock(books: &mut Books<Simulated, ()>, id: u64) -> Option<u64> {
    books.owned.memory_mut(id)?.is_written = true;
    Some(id)
}

fn lend(
    books: &mut Books<Simulated, ()>,
    segment: u64,
    lending: &mut Lending,
    planted: Planted,
) -> Option<bool> {
    let lent = books.lend(segment, lending);
    if planted == Planted::EarlyName && lent.is_none() {
        return Some(false);
    }
    lent
}
