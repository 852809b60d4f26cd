//! What goes out in one system call, and when.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use bytes::BytesMut;
use ostler_wire::{
    DEFAULT_MAX_FRAME_BYTES, Execute, FromWorker, Init, Message, Payload, ToWorker, decode, encode,
};
use ostler_worker::{JobContext, Plugin, PluginError, PluginManifest, PluginSet, ServeOptions, serve};
use uuid::Uuid;

/// What happened, in order: each write, and each call of the plugin.
static DIARY: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(entry: impl Into<String>) {
    DIARY.lock().unwrap().push(entry.into());
}

struct Streamer;

impl Plugin for Streamer {
    const NAME: &str = "streamer";
    type Config = ();
    type Request = ();
    type Response = ();

    fn manifest() -> PluginManifest {
        PluginManifest::new(Self::NAME).streaming(true)
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, (): (), job: &JobContext) -> Result<(), PluginError> {
        note("the plugin is called");
        job.emit("first")?;
        job.emit("second")
    }
}

/// Takes whole frames only, and notes what each write was made of.
struct Scribe;

impl Write for Scribe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = BytesMut::from(bytes);
        let mut names = Vec::new();
        while let Some(message) = decode::<FromWorker>(&mut buffer, DEFAULT_MAX_FRAME_BYTES).unwrap() {
            let debug = format!("{message:?}");
            names.push(debug.split([' ', '(']).next().unwrap().to_owned());
        }
        assert!(buffer.is_empty(), "a write ends within a frame");
        note(names.join(" + "));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn append(message: &impl Message, buffer: &mut BytesMut) {
    encode(message, DEFAULT_MAX_FRAME_BYTES, buffer).unwrap();
}

#[test]
fn started_is_out_before_the_plugin_is_called_and_the_end_goes_out_in_one_write() {
    let (mut host, worker) = UnixStream::pair().unwrap();
    let mut orders = BytesMut::new();
    let (plugins, only_these) = (Vec::new(), false);
    append(
        &ToWorker::Init(Init {
            request: 1,
            protocol: ostler_wire::PROTOCOL.highest,
            plugins,
            only_these,
            max_frame_bytes: 1 << 20,
            spin_ns: 0,
            shared_memory_bytes: 0,
            ring: false,
        }),
        &mut orders,
    );
    append(
        &ToWorker::Execute(Execute {
            request: 2,
            job: Uuid::from_u128(1).into(),
            attempt: 1,
            plugin: Streamer::NAME.to_owned(),
            deadline_ms: None,
            stream: true,
            payload: Payload::json(&()).unwrap(),
        }),
        &mut orders,
    );
    append(&ToWorker::Stop { request: 3 }, &mut orders);
    host.write_all(&orders).unwrap();

    let mut plugins = PluginSet::new();
    plugins.register::<Streamer>();
    serve(worker, Scribe, &mut plugins, ServeOptions::default()).unwrap();
    let expected = [
        "Hello",
        "Ready",
        "Started",
        "the plugin is called",
        "StreamChunk",
        "StreamChunk",
        "StreamChunk + Result",
        "Response",
    ];
    assert_eq!(*DIARY.lock().unwrap(), expected);
}
