use std::io;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericNamespaced, ListenerOptions, ToNsName};
use rustix::process::{Pid, geteuid, getpgid};

use super::random::{hex, random};

/// Where one worker connects, and the token that it must show. Each is used once.
///
/// The name is abstract: no file is left behind, whatever dies.
pub(crate) struct Endpoint {
    listener: Listener,
    name: String,
    token: [u8; 16],
}

/// Somebody connected who is not the worker.
#[derive(Debug, thiserror::Error)]
#[error("a connection from process {pid:?} of user {user:?} was turned away: it is not the worker")]
pub(crate) struct Stranger {
    pid: Option<i32>,
    user: Option<u32>,
}

impl Endpoint {
    /// Listens under a fresh name with 128 random bits. Needs a runtime.
    pub(crate) fn open() -> io::Result<Self> {
        let name = format!("ostler-{}", hex(&random::<16>()?));
        let listener =
            ListenerOptions::new().name(name.as_str().to_ns_name::<GenericNamespaced>()?).create_tokio()?;
        Ok(Self { listener, name, token: random()? })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn token(&self) -> [u8; 16] {
        self.token
    }

    pub(crate) fn token_text(&self) -> String {
        hex(&self.token)
    }

    /// The connection of the worker: the kernel vouches that it is this child, or one of its group.
    /// Whoever else connects is turned away, so that a stranger cannot take the worker's place.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn accept(&self, child: u32) -> io::Result<Stream> {
        loop {
            let stream = self.listener.accept().await?;
            match vouch(&stream, child)? {
                Ok(()) => return Ok(stream),
                Err(stranger) => tracing::warn!(%stranger, "turned a connection away"),
            }
        }
    }
}

fn vouch(stream: &Stream, child: u32) -> io::Result<Result<(), Stranger>> {
    let credentials = stream.peer_creds()?;
    let (pid, user) = (credentials.pid(), credentials.euid());
    let group = pid.and_then(Pid::from_raw).and_then(|pid| getpgid(Some(pid)).ok());
    let is_ours = user == Some(geteuid().as_raw());
    let is_child = pid.is_some_and(|pid| u32::try_from(pid) == Ok(child));
    let in_group = group.is_some_and(|group| group.as_raw_nonzero().get().unsigned_abs() == child);
    Ok(if is_ours && (is_child || in_group) { Ok(()) } else { Err(Stranger { pid, user }) })
}
