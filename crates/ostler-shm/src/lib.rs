//! Memory that a host and one of its workers share, so that large payloads need not go through their socket.
//!
//! The unit is a *segment*: a memfd of a fixed size, made and written by its owner and mapped read-only by the other
//! side. It holds one thing at a time, so there is no allocator in it. An [`Arena`] is one side of one connection: it
//! keeps the segments that are its own, warm and bounded, and those that came. Sending, it says of each part of a
//! payload where it is ([`Arena::place`]); receiving, it makes `Bytes` of such places that nobody overwrites while they
//! live. Descriptors travel with the message that first names their segment ([`socket`]). An [`Inflow`] takes that in,
//! and puts what comes by socket and by ring in order.
//!
//! Nothing of this must succeed: what cannot be shared goes in the frame.
//!
//! Who may write what, and when the peer is told, is decided in `books`, without memory and I/O; its tests go through all
//! histories of small worlds. The owner of a segment can write to it at any time. So a host copies what comes, unless it
//! was given a [`TrustedPeer`]; a worker does not, since a host that means it ill has easier ways.
//!
//! This crate refuses to know what a message means, processes and jobs, to wait, and to let two connections have a
//! segment in common.

mod arena;
mod books;
mod buffer;
mod descriptors;
mod foreign;
mod inflow;
mod intake;
mod lease;
mod mapping;
mod outgoing;
mod owned;
mod placement;
mod ring;
mod segment;
mod signal_guard;
pub mod socket;
mod spin;
mod trusted;
mod words;

pub use arena::{Arena, has_large_part};
pub use buffer::SharedBuffer;
pub use descriptors::Descriptors;
pub use inflow::{Inflow, Received};
pub use outgoing::Outgoing;
pub use placement::Placement;
pub use ring::{RING_FRAME_BYTES, Ring, RingReceiver, RingSender, Taken};
pub use signal_guard::without_sigxfsz;
pub use spin::Spin;
pub use trusted::TrustedPeer;

/// Parts of a payload from this size on, in bytes, are shared; smaller ones are in their frame.
///
/// Measured there and back, with the result copied out, beside the same through the socket: 16 KiB take 0.8 of the time,
/// 32 KiB 0.8, 64 KiB 0.5, 256 KiB 0.3. Below this little is won, and a segment takes memory for as long as it is held.
pub const SHARED_FROM: usize = 64 * 1024;

/// So many new segments come with one message at most: the kernel takes at most 253 descriptors at once.
pub const MAX_DESCRIPTORS: usize = 64;
