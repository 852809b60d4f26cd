//! Catches the panics of plugins, with the place where they happened.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Where the last panic of this thread happened.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Remembers where panics happen, and then does what was done before. Only the first call counts.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            note(info);
            before(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    // A panic while this thread's storage is torn down has nobody who asks.
    let _ = PLACE.try_with(|cell| *cell.borrow_mut() = place);
}

/// Runs code of a plugin. The error tells what a panic said, and where.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // A panic that the plugin caught itself has left its place here.
    PLACE.take();
    // Whoever is behind `work` is dropped or loaded afresh after a panic, so nothing half done is seen.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let said = text(payload.as_ref());
        // A payload may panic in its drop as well.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(payload);
        }
        match PLACE.with_borrow_mut(Option::take) {
            Some(place) => format!("panicked at {place}: {said}"),
            None => format!("panicked: {said}"),
        }
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a value that is not text".to_owned()
    }
}
