use ostler_lifecycle::SlotPhase::{Busy, Idle};
use ostler_shm::{Arena, SharedBuffer};

use super::Core;
use crate::JobType;

impl<J: JobType> Core<J> {
    /// Memory that is shared with the worker that is likely to get the next job.
    pub(crate) fn buffer(&self, len: usize) -> SharedBuffer {
        let arenas = self.arenas();
        // The machine takes the first that is idle; one that has the memory is worth more, since it may be the one too.
        let warm = arenas.iter().find(|arena| arena.has_warm(len));
        match warm.or(arenas.first()) {
            Some(arena) => arena.buffer(len),
            None => SharedBuffer::private(len),
        }
    }

    /// Those of the workers that are ready, and first those of the idle ones.
    fn arenas(&self) -> Vec<Arena> {
        let state = self.lock();
        let of = |phase| {
            let slots = state.machine.slots().filter(move |slot| slot.phase == phase);
            slots.filter_map(|slot| Some(state.links.get(&slot.worker)?.wire.as_ref()?.arena().clone()))
        };
        of(Idle).chain(of(Busy)).collect()
    }
}
