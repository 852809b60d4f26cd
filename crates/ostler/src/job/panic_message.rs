use std::any::Any;

/// What a panic said, from what it was raised with.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no message")
}
