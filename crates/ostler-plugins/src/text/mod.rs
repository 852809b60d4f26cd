//! Plugins for text: small, and good to try things with.

mod slow_processor;
mod text_request;
mod text_reverser;
mod uppercase;
mod word_counter;

pub use slow_processor::{SlowProcessor, SlowRequest};
pub use text_request::{TextRequest, TextResponse};
pub use text_reverser::TextReverser;
pub use uppercase::Uppercase;
pub use word_counter::{WordCount, WordCounter};
