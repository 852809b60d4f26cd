use std::collections::HashMap;
use std::sync::Arc;

use ostler_lifecycle::{Input, SlotPhase, WorkerKey};
use ostler_process::available_memory;

use super::Core;
use super::cargo::Cargo;
use crate::JobType;
use crate::caught::{hook, say};

/// Measures memory as often as the machine asks for it, until the manager is closed. While it does not ask, nothing
/// happens here.
pub(super) async fn run<J: JobType>(core: Arc<Core<J>>) {
    loop {
        let (every, workers) = {
            let mut state = core.lock();
            if state.is_closed() {
                return;
            }
            let every = state.machine.measure_every();
            state.is_measured = every.is_some();
            // What a process holds before its hello is its host's.
            let greeted = |phase| !matches!(phase, SlotPhase::Empty | SlotPhase::Starting);
            let alive = state.machine.slots().filter(|slot| greeted(slot.phase));
            let workers = alive.filter_map(|slot| Some((slot.worker, slot.pid?))).collect();
            (every, workers)
        };
        match every {
            None => core.meter.notified().await,
            Some(every) => {
                measure(&core, workers).await;
                tokio::time::sleep(every).await;
            }
        }
    }
}

async fn measure<J: JobType>(core: &Arc<Core<J>>, workers: Vec<(WorkerKey, u32)>) {
    let maker = Arc::clone(&core.settings.maker);
    // It goes through all processes of the machine: not on a thread that others wait for.
    let measured = tokio::task::spawn_blocking(move || {
        let pids: Vec<u32> = workers.iter().map(|(_, pid)| *pid).collect();
        // Of whom it is not known how much they take, nothing is told: not that they take nothing.
        let sizes = match hook("Maker::resident", || maker.resident(&pids)) {
            Ok(Ok(sizes)) => sizes,
            Ok(Err(error)) => {
                say!(warn, %error, "cannot measure the memory of the workers");
                HashMap::new()
            }
            Err(panic) => {
                say!(error, "{panic}");
                HashMap::new()
            }
        };
        let resident = workers.into_iter().filter_map(|(worker, pid)| Some((worker, *sizes.get(&pid)?)));
        Input::Memory { available: available_memory(), resident: resident.collect() }
    });
    // It fails only with the runtime.
    if let Ok(input) = measured.await {
        core.feed(input, Cargo::None);
    }
}
