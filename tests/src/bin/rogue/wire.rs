//! Frames by hand, as `docs/wire.md` describes them.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use crate::memory;

pub(crate) type JobId = [u8; 16];

/// What the host says, as far as this worker cares.
pub(crate) enum Order {
    Init { request: u64, protocol: u32 },
    Execute(Execute),
    Cancel { request: u64 },
    ReloadOrUnload { request: u64 },
    GetState { request: u64 },
    Ping { request: u64 },
    Stop { request: u64 },
}

#[derive(Clone)]
pub(crate) struct Execute {
    pub(crate) request: u64,
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
    pub(crate) plugin: String,
    /// The header of the payload as it came, and the payload behind it.
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Connection {
    stream: UnixStream,
}

impl Connection {
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let address = SocketAddr::from_abstract_name(name)?;
        Ok(Self { stream: UnixStream::connect_addr(&address)? })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// With the first byte, one descriptor so many times.
    pub(crate) fn send_with(&mut self, bytes: &[u8], descriptor: &OwnedFd, times: usize) -> io::Result<()> {
        memory::send(self.stream.as_fd(), bytes, descriptor, times)
    }

    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }

    /// The next frame; `None` when the host has hung up.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Order>> {
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let mut frame = vec![0; u32::from_le_bytes(length) as usize];
        self.stream.read_exact(&mut frame)?;
        read_order(&frame).map(Some).ok_or_else(|| io::Error::other("the host's frame makes no sense"))
    }
}

fn read_order(frame: &[u8]) -> Option<Order> {
    let mut frame = Cursor(frame);
    let envelope_len = frame.u32()? as usize;
    let mut envelope = Cursor(frame.take(envelope_len)?);
    let (tag, request) = (envelope.u32()?, envelope.u64()?);
    Some(match tag {
        0 => Order::Init { request, protocol: envelope.u32()? },
        1 => {
            let job = envelope.take(16)?.try_into().ok()?;
            let attempt = envelope.u32()?;
            let plugin = envelope.string()?;
            if envelope.u8()? == 1 {
                envelope.u64()?; // deadline_ms
            }
            envelope.u8()?; // stream
            let (header, payload) = (envelope.0.to_vec(), frame.0.to_vec());
            Order::Execute(Execute { request, job, attempt, plugin, header, payload })
        }
        2 => Order::Cancel { request },
        3 | 4 => Order::ReloadOrUnload { request },
        5 => Order::GetState { request },
        6 => Order::Ping { request },
        7 => Order::Stop { request },
        _ => return None,
    })
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<String> {
        let len = usize::try_from(self.u64()?).ok()?;
        String::from_utf8(self.take(len)?.to_vec()).ok()
    }
}

/// An envelope that is being written.
pub(crate) struct Envelope(Vec<u8>);

impl Envelope {
    pub(crate) fn new(tag: u32) -> Self {
        Self(Vec::new()).u32(tag)
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn bool(self, value: bool) -> Self {
        self.raw(&[u8::from(value)])
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn string(self, text: &str) -> Self {
        self.u64(text.len() as u64).raw(text.as_bytes())
    }

    /// The frame, with a payload behind the envelope.
    pub(crate) fn frame(self, payload: &[u8]) -> Vec<u8> {
        let size = (4 + self.0.len() + payload.len()) as u32;
        let envelope_len = self.0.len() as u32;
        [&size.to_le_bytes(), &envelope_len.to_le_bytes(), &self.0[..], payload].concat()
    }
}
