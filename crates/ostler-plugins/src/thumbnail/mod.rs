//! Pictures made small: read, decode within limits, scale, write.

mod decode;
mod deliver;
mod jpeg;
mod plugin;
mod request;
mod scale;
mod size;
mod webp;

pub use plugin::Thumbnail;
pub use request::{ThumbnailRequest, ThumbnailResponse};
