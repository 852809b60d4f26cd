//! The plugins that come with Ostler, and the types of their requests and responses.
//!
//! | name | does | request |
//! |---|---|---|
//! | `digest` | SHA-256 and BLAKE3 of a file of any size | [`DigestRequest`] |
//! | `thumbnail` | scales a PNG, JPEG, GIF or WebP image, writes PNG | [`ThumbnailRequest`] |
//! | `word_counter` | counts words, characters and lines | [`TextRequest`] |
//! | `text_reverser` | turns a text round | [`TextRequest`] |
//! | `uppercase` | puts a text into capitals | [`TextRequest`] |
//! | `slow_processor` | takes its time over every word | [`SlowRequest`] |
//!
//! [`register_all`] puts them into a worker:
//!
//! ```no_run
//! ostler_worker::run_worker_binary(ostler_plugins::register_all);
//! ```
//!
//! Requests work in both encodings. In JSON, numbers and truth values may also come as text (`"256"`), as
//! a command line gives them; a field that a plugin does not know is an error. A path that is not UTF-8 is an
//! array of its bytes in JSON, in responses too.
//!
//! [`replace_file`] is how the plugins write files.
//!
//! This crate refuses to know about hosts: it uses what a plugin of anybody's could use.

mod digest;
mod io_error;
mod loose;
mod paths;
mod progress;
mod replace;
mod source;
mod text;
mod thumbnail;

use ostler_worker::PluginSet;

pub use digest::{Digest, DigestRequest, DigestResponse};
pub use replace::replace_file;
pub use text::{
    SlowProcessor, SlowRequest, TextRequest, TextResponse, TextReverser, Uppercase, WordCount, WordCounter,
};
pub use thumbnail::{Thumbnail, ThumbnailRequest, ThumbnailResponse};

/// Registers every plugin of this crate.
///
/// # Panics
/// If a plugin of one of their names is registered already.
pub fn register_all(plugins: &mut PluginSet) {
    plugins.register::<Digest>();
    plugins.register::<Thumbnail>();
    plugins.register::<WordCounter>();
    plugins.register::<TextReverser>();
    plugins.register::<Uppercase>();
    plugins.register::<SlowProcessor>();
}

/// All plugins here have the version of the crate.
const VERSION: &str = env!("CARGO_PKG_VERSION");
