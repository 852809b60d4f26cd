use std::io;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericNamespaced, ListenerOptions, ToNsName};

use super::maker::{Peer, WorkerProcess};
use super::random::{hex, random};
use super::transient::is_transient;
use crate::say;

/// How long a connection is left alone that this host has not enough descriptors or memory for.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(20);

/// Where one worker connects, and the token that it must show. Each is used once.
///
/// The name is abstract: no file is left behind, whatever dies.
pub struct Endpoint {
    listener: Listener,
    name: String,
    token: [u8; 16],
}

impl Endpoint {
    /// Listens under a fresh name with 128 random bits.
    ///
    /// # Errors
    /// The system has no random numbers, or cannot listen.
    ///
    /// # Panics
    /// Outside of a runtime with I/O.
    pub fn open() -> io::Result<Self> {
        let name = format!("ostler-{}", hex(&random::<16>()?));
        let listener =
            ListenerOptions::new().name(name.as_str().to_ns_name::<GenericNamespaced>()?).create_tokio()?;
        Ok(Self { listener, name, token: random()? })
    }

    /// The name of the abstract socket, without the zero byte.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the worker must show.
    #[must_use]
    pub fn token(&self) -> [u8; 16] {
        self.token
    }

    /// The same as the worker is told it.
    #[must_use]
    pub fn token_text(&self) -> String {
        hex(&self.token)
    }

    /// The connection of the worker. Whoever else connects is turned away, so that a stranger cannot take the worker's
    /// place.
    ///
    /// While the host has no descriptor or memory left for it, the connection waits: whoever waits for the worker bounds
    /// that, and finds the reason in `shortage`.
    ///
    /// # Errors
    /// There will be no connection, or nobody knows whose it is.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn accept(
        &self,
        worker: &dyn WorkerProcess,
        shortage: &mut Option<io::Error>,
    ) -> io::Result<Stream> {
        loop {
            let stream = match self.listener.accept().await {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_transient(&error) => {
                    if shortage.is_none() {
                        say!(warn, %error, "a worker's connection has to wait");
                    }
                    *shortage = Some(error);
                    tokio::time::sleep(SHORTAGE_PAUSE).await;
                    continue;
                }
                accepted => accepted?,
            };
            *shortage = None;
            let credentials = stream.peer_creds()?;
            let peer = Peer { pid: credentials.pid(), user: credentials.euid() };
            if worker.is_peer(peer)? {
                return Ok(stream);
            }
            say!(warn, ?peer, "turned a connection away: it is not the worker's");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use interprocess::local_socket::traits::tokio::Stream as _;
    use rustix::process::{Resource, Rlimit, getpid, getrlimit, setrlimit};

    use super::super::process_group::ProcessGroup;
    use super::super::test_support::{is_alone, leader};
    use super::*;

    /// It used to count as the worker's fault, and ended it.
    #[test]
    fn a_connection_waits_until_the_host_has_a_descriptor_for_it() {
        let name = "endpoint::tests::a_connection_waits_until_the_host_has_a_descriptor_for_it";
        if !is_alone(name, |command| command) {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let endpoint = Endpoint::open().unwrap();
            let name = endpoint.name().to_ns_name::<GenericNamespaced>().unwrap();
            let _connected = Stream::connect(name).await.unwrap();
            let child = ProcessGroup::living(leader(getpid()));
            let before = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
            let mut shortage = None;
            let refused =
                tokio::time::timeout(5 * SHORTAGE_PAUSE, endpoint.accept(&child, &mut shortage)).await;
            setrlimit(Resource::Nofile, before).unwrap();
            assert!(refused.is_err(), "{refused:?}");
            assert_eq!(shortage.as_ref().and_then(io::Error::raw_os_error), Some(libc::EMFILE));
            endpoint.accept(&child, &mut shortage).await.unwrap();
            assert!(shortage.is_none(), "it is over");
        });
    }
}
