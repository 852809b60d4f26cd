use std::io;
use std::sync::Arc;

use ostler_process::{Endpoint, WorkerProcess};
use ostler_shm::{Arena, Ring, TrustedPeer};
use ostler_wire::{FEATURE_RING, FEATURE_SHARED_MEMORY, Hello};

use super::socket::Socket;
use crate::engine::wire::Wire;

/// What a worker may use beside its socket.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    pub(super) shared_memory_bytes: usize,
    /// Whether what it answers stays where it wrote it.
    pub(super) results_in_place: Option<TrustedPeer>,
    pub(super) ring: bool,
}

/// The way in: the kernel vouches for the peer, then the token, then the version. Frames are of at most so many
/// bytes, and what is offered is used as far as the worker can. While the host cannot take the connection, `shortage` is
/// why.
///
/// # Errors
/// It is not our worker, or does not speak as we do.
///
/// # Cancel safety
/// None: the connection is gone with the future.
pub(super) async fn meet(
    endpoint: Endpoint,
    worker: &dyn WorkerProcess,
    shortage: &mut Option<io::Error>,
    limit: usize,
    offer: Offer,
) -> Result<Socket, String> {
    let accepted = endpoint.accept(worker, shortage).await;
    let stream = accepted.map_err(|error| format!("its connection could not be accepted: {error}"))?;
    let token = endpoint.token();
    // There is nobody else to wait for.
    drop(endpoint);
    let arena = Arena::of_host(offer.results_in_place);
    let mut socket = Socket::new(Arc::new(Wire::new(stream, limit, offer.ring, arena)), limit);
    let (hello, protocol) = socket.hello().await.map_err(|error| error.to_string())?;
    if hello.token != token {
        return Err("it showed a wrong token".to_owned());
    }
    accept(&mut socket, &hello, protocol, offer);
    Ok(socket)
}

fn accept(socket: &mut Socket, hello: &Hello, protocol: u32, offer: Offer) {
    socket.wire().agree(protocol);
    if hello.features & FEATURE_SHARED_MEMORY != 0 {
        socket.wire().arena().open(offer.shared_memory_bytes);
    }
    if offer.ring
        && hello.features & FEATURE_RING != 0
        // Without memory for it the socket has to do.
        && let Ok((Ring { sender, receiver }, descriptor)) = Ring::make()
    {
        socket.wire().offer_ring(sender, descriptor);
        socket.use_ring(receiver);
    }
}
