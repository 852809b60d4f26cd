use std::io::{Read, Write};
use std::os::unix::net::UnixStream as BlockingStream;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Child;
use crate::Result;
use crate::wire::WireSize;

/// L1: the bytes of a small job, echoed between a tokio host and a blocking child.
pub(crate) struct Echo {
    stream: UnixStream,
    request: Vec<u8>,
    response: Vec<u8>,
    _child: Child,
}

impl Echo {
    /// Call it inside of the runtime that will use it.
    pub(crate) fn spawn() -> Result<Self> {
        let WireSize { request, response } = WireSize::of_a_small_job()?;
        let child = Child::spawn("echo", &[&request.to_string(), &response.to_string()])?;
        let socket = child.socket.try_clone()?;
        socket.set_nonblocking(true)?;
        let stream = UnixStream::from_std(socket)?;
        Ok(Self { stream, request: vec![1; request], response: vec![0; response], _child: child })
    }

    /// One after the other; how long each took, in nanoseconds.
    pub(crate) async fn times(mut self, count: usize) -> Result<(Self, Vec<f64>)> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let begun = Instant::now();
            self.stream.write_all(&self.request).await?;
            self.stream.read_exact(&mut self.response).await?;
            times.push(begun.elapsed().as_nanos() as f64);
        }
        Ok((self, times))
    }
}

/// The child's part.
pub(super) fn answer(socket: &mut BlockingStream, request: usize, response: usize) -> std::io::Result<()> {
    let (mut request, response) = (vec![0; request], vec![1; response]);
    loop {
        if socket.read_exact(&mut request).is_err() {
            return Ok(());
        }
        socket.write_all(&response)?;
    }
}
