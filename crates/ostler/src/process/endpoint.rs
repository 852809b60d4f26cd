use std::io;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericNamespaced, ListenerOptions, ToNsName};
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, getpgid};

use super::random::{hex, random};
use super::transient::is_transient;
use crate::caught::say;

/// How long a connection is left alone that this host has not enough descriptors or memory for.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(20);

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
    /// While the host has no descriptor or memory left for it, the connection waits: whoever waits for the worker bounds
    /// that, and finds the reason in `shortage`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn accept(&self, child: u32, shortage: &mut Option<io::Error>) -> io::Result<Stream> {
        loop {
            let stream = match self.listener.accept().await {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_transient(&error) => {
                    if shortage.is_none() {
                        say!(warn, %error, pid = child, "a worker's connection has to wait");
                    }
                    *shortage = Some(error);
                    tokio::time::sleep(SHORTAGE_PAUSE).await;
                    continue;
                }
                accepted => accepted?,
            };
            *shortage = None;
            match vouch(&stream, child)? {
                Ok(()) => return Ok(stream),
                Err(stranger) => say!(warn, %stranger, "turned a connection away"),
            }
        }
    }
}

fn vouch(stream: &Stream, child: u32) -> io::Result<Result<(), Stranger>> {
    let credentials = stream.peer_creds()?;
    let (pid, user) = (credentials.pid(), credentials.euid());
    let group = match pid.and_then(Pid::from_raw).map(|pid| getpgid(Some(pid))) {
        Some(Ok(group)) => Some(group),
        // Who has ended already is of no group, and no worker.
        None | Some(Err(Errno::SRCH)) => None,
        Some(Err(error)) => return Err(error.into()),
    };
    let is_ours = user == Some(geteuid().as_raw());
    let is_child = pid.is_some_and(|pid| u32::try_from(pid) == Ok(child));
    let in_group = group.is_some_and(|group| group.as_raw_nonzero().get().unsigned_abs() == child);
    Ok(if is_ours && (is_child || in_group) { Ok(()) } else { Err(Stranger { pid, user }) })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use interprocess::local_socket::traits::tokio::Stream as _;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::super::test_support::is_alone;
    use super::*;

    /// It used to count as the worker's fault, and ended it.
    #[test]
    fn a_connection_waits_until_the_host_has_a_descriptor_for_it() {
        let name = "process::endpoint::tests::a_connection_waits_until_the_host_has_a_descriptor_for_it";
        if !is_alone(name, |command| command) {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let endpoint = Endpoint::open().unwrap();
            let name = endpoint.name().to_ns_name::<GenericNamespaced>().unwrap();
            let _connected = Stream::connect(name).await.unwrap();
            let before = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
            let mut shortage = None;
            let child = std::process::id();
            let refused =
                tokio::time::timeout(5 * SHORTAGE_PAUSE, endpoint.accept(child, &mut shortage)).await;
            setrlimit(Resource::Nofile, before).unwrap();
            assert!(refused.is_err(), "{refused:?}");
            assert_eq!(shortage.as_ref().and_then(io::Error::raw_os_error), Some(libc::EMFILE));
            endpoint.accept(child, &mut shortage).await.unwrap();
            assert!(shortage.is_none(), "it is over");
        });
    }
}
