use super::{
    CancelError, ControlError, Error, JobError, LaunchError, QuarantineError, RerunError, ResizeError,
    ShutdownError, StartError,
};

/// An error and its causes, on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// What a `main` that returns an error prints of it is its `Debug`: here that is the sentence, with its causes.
macro_rules! debug_is_the_sentence {
    ($($error:ty),*) => {
        $(impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&chain(self))
            }
        })*
    };
}

debug_is_the_sentence!(
    CancelError,
    ControlError,
    Error,
    JobError,
    LaunchError,
    QuarantineError,
    RerunError,
    ResizeError,
    ShutdownError,
    StartError
);
