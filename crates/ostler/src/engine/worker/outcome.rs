use ostler_wire::{Category, Failure, FromWorker};

/// What became of a message on its way here, of which parts may have come in shared memory.
pub(super) fn received(mut message: FromWorker, loss: Option<String>) -> FromWorker {
    if let FromWorker::Result { outcome, .. } = &mut message
        && let Some(reason) = loss
    {
        let text = format!("a part of the result could not be taken over: {reason}");
        *outcome = Err(Failure::plugin(Category::Resource, text));
    }
    message
}
