//! One or more messages of every variant, with the names of their golden files.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use bytes::BytesMut;
use ostler_wire::*;
use uuid::Uuid;

pub const LIMIT: usize = DEFAULT_MAX_FRAME_BYTES;
pub const JOB: JobId = JobId::from_uuid(Uuid::from_u128(0x0192_3456_789a_7bcd_8ef0_1122_3344_5566));

pub fn to_worker() -> Vec<(&'static str, ToWorker)> {
    let job = JOB;
    let plugins = vec![
        PluginSetup { name: "word_counter".into(), config: r#"{"unicode":true}"#.into() },
        PluginSetup { name: "digest".into(), config: String::new() },
    ];
    let init = Init {
        request: 1,
        protocol: PROTOCOL.highest,
        plugins,
        only_these: true,
        max_frame_bytes: 1 << 20,
        spin_ns: 50_000,
        shared_memory_bytes: 1 << 28,
        ring: true,
    };
    let execute = Execute {
        request: 2,
        job,
        attempt: 1,
        plugin: "uppercase".into(),
        deadline_ms: Some(30_000),
        stream: true,
        payload: Payload::json(&serde_json::json!({"text": "hay"})).unwrap(),
    };
    let with_attachments = Execute {
        deadline_ms: None,
        stream: false,
        payload: Payload::raw(&b"body"[..]).attach("a", "image/png", &b"\x89PNG"[..]).attach(
            "b",
            "",
            &b""[..],
        ),
        ..execute.clone()
    };
    vec![
        ("init", ToWorker::Init(init)),
        ("execute", ToWorker::Execute(execute)),
        ("execute_attachments", ToWorker::Execute(with_attachments)),
        ("cancel", ToWorker::Cancel { request: 3, job }),
        ("reload", ToWorker::Reload { request: 4, plugin: "digest".into(), config: "{}".into() }),
        ("unload", ToWorker::Unload { request: 5, plugin: "digest".into() }),
        ("get_state", ToWorker::GetState { request: 6 }),
        ("ping", ToWorker::Ping { request: 7 }),
        ("stop", ToWorker::Stop { request: u64::MAX }),
        (
            "segments",
            ToWorker::Segments(SegmentNews { released: vec![0, 0, 5], lost: vec![], retired: vec![1] }),
        ),
        ("nudge", ToWorker::Nudge),
    ]
}

pub fn from_worker() -> Vec<(&'static str, FromWorker)> {
    let (job, attempt) = (JOB, 1);
    let manifest = PluginManifest::new("uppercase")
        .version("1.2.0")
        .category("text")
        .description("Shouts")
        .streaming(true)
        .parameter(Parameter::new("text", ParameterKind::String).required().description("What to shout"))
        .parameter(Parameter::new("times", ParameterKind::Integer).default_json("1"));
    let failure = LoadFailure { plugin: "digest".into(), message: "no such disk".into() };
    let answer = Payload::json(&serde_json::json!({"text": "HAY"})).unwrap();
    let report = WorkerReport {
        pid: 4711,
        uptime_ms: 12_345,
        loaded: vec!["uppercase".into()],
        current_job: Some(job),
        jobs_done: 3,
    };
    let chunk = |seq, is_final, payload| FromWorker::StreamChunk { job, attempt, seq, is_final, payload };
    let result = |outcome| FromWorker::Result { request: 2, job, attempt, outcome };
    let log = |job, level| FromWorker::Log { job, level, message: "näher".into() };
    vec![
        (
            "hello",
            FromWorker::Hello(Hello {
                protocol: PROTOCOL,
                pid: 4711,
                token: *b"0123456789abcdef",
                features: FEATURE_SHARED_MEMORY | FEATURE_RING,
            }),
        ),
        ("ready", FromWorker::Ready { request: 1, loaded: vec![manifest], failed: vec![failure] }),
        ("started", FromWorker::Started { request: 2, job, attempt }),
        (
            "progress",
            FromWorker::Progress {
                job,
                attempt,
                fraction: 0.5,
                message: "half".into(),
                data: Some("[1]".into()),
            },
        ),
        ("stream_chunk", chunk(0, false, Payload::encode(Encoding::Bincode, "HA").unwrap())),
        ("stream_chunk_final", chunk(1, true, Payload::empty())),
        ("log", log(Some(job), LogLevel::Warn)),
        ("log_no_job", log(None, LogLevel::Trace)),
        ("result_ok", result(Ok(answer.attach("full", "text/plain", &b"HAY!"[..])))),
        ("result_plugin", result(Err(Failure::plugin(Category::Input, "empty text")))),
        ("result_panicked", result(Err(Failure::panicked("at src/lib.rs:1:2: oh")))),
        ("response_ok", FromWorker::Response { request: 5, result: Ok(()) }),
        ("response_error", FromWorker::Response { request: 4, result: Err("bad config".into()) }),
        ("state", FromWorker::State { request: 6, state: report.clone() }),
        ("state_idle", FromWorker::State { request: 6, state: WorkerReport { current_job: None, ..report } }),
        ("pong", FromWorker::Pong { request: 7 }),
        ("error", FromWorker::Error { message: "lost".into() }),
        ("segments", FromWorker::Segments(SegmentNews { released: vec![3], lost: vec![4], retired: vec![] })),
        ("nudge", FromWorker::Nudge),
    ]
}

/// A request of which the attachment is in a new segment, and where its parts are.
pub fn shared_execute() -> (ToWorker, Vec<Place>) {
    let payload = Payload::raw(&b"body"[..]).attach("a", "image/png", &b""[..]);
    let execute = Execute {
        request: 2,
        job: JOB,
        attempt: 1,
        plugin: "uppercase".into(),
        deadline_ms: None,
        stream: false,
        payload,
    };
    let new = Some(1 << 20);
    let places = vec![Place::Inline { len: 4 }, Place::Shared { segment: 3, offset: 0, len: 1_000_000, new }];
    (ToWorker::Execute(execute), places)
}

/// Its result: the body is in a segment that is known, the attachment is a part of what came.
pub fn shared_result() -> (FromWorker, Vec<Place>) {
    let payload = Payload::empty().attach("half", "", &b""[..]);
    let places = vec![
        Place::Shared { segment: 0, offset: 64, len: 300_000, new: None },
        Place::Returned { segment: 3, offset: 500_000, len: 500_000 },
    ];
    (FromWorker::Result { request: 2, job: JOB, attempt: 1, outcome: Ok(payload) }, places)
}

pub fn encoded_placed<M: Message>((message, places): &(M, Vec<Place>)) -> BytesMut {
    let mut buffer = BytesMut::new();
    encode_placed(message, places, LIMIT, &mut buffer).unwrap();
    buffer
}

/// Decodes a frame; what lies in shared memory is left empty, and its places are told.
pub fn decoded_placed<M: Message>(
    buffer: &mut BytesMut,
    limit: usize,
) -> Result<Option<(M, Vec<Place>)>, FrameError> {
    let mut shared = Vec::new();
    let message = decode_shared::<M>(buffer, limit, |place| {
        shared.push(place);
        Ok(bytes::Bytes::new())
    })?;
    Ok(message.map(|message| (message, shared)))
}

pub fn encoded<M: Message>(message: &M) -> BytesMut {
    let mut buffer = BytesMut::new();
    encode(message, LIMIT, &mut buffer).unwrap();
    buffer
}

/// A frame from hand-made parts, with both lengths right.
pub fn frame(envelope: &[u8], payload: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&((4 + envelope.len() + payload.len()) as u32).to_le_bytes());
    frame.extend_from_slice(&(envelope.len() as u32).to_le_bytes());
    frame.extend_from_slice(envelope);
    frame.extend_from_slice(payload);
    frame
}
