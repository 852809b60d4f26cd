//! One or more messages of every variant, with the names of their golden files.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use bytes::BytesMut;
use ostler_wire::*;
use uuid::Uuid;

pub const LIMIT: usize = DEFAULT_MAX_FRAME_BYTES;
pub const JOB: Uuid = Uuid::from_u128(0x0192_3456_789a_7bcd_8ef0_1122_3344_5566);

pub fn to_worker() -> Vec<(&'static str, ToWorker)> {
    let job = JOB;
    let plugins = vec![
        PluginSetup { name: "word_counter".into(), config: r#"{"unicode":true}"#.into() },
        PluginSetup { name: "digest".into(), config: String::new() },
    ];
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
        (
            "init",
            ToWorker::Init(Init {
                request: 1,
                plugins,
                only_these: true,
                max_frame_bytes: 1 << 20,
                spin_ns: 50_000,
            }),
        ),
        ("execute", ToWorker::Execute(execute)),
        ("execute_attachments", ToWorker::Execute(with_attachments)),
        ("cancel", ToWorker::Cancel { request: 3, job }),
        ("reload", ToWorker::Reload { request: 4, plugin: "digest".into(), config: "{}".into() }),
        ("unload", ToWorker::Unload { request: 5, plugin: "digest".into() }),
        ("get_state", ToWorker::GetState { request: 6 }),
        ("ping", ToWorker::Ping { request: 7 }),
        ("stop", ToWorker::Stop { request: u64::MAX }),
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
            FromWorker::Hello(Hello { protocol: PROTOCOL_VERSION, pid: 4711, token: *b"0123456789abcdef" }),
        ),
        ("ready", FromWorker::Ready { request: 1, loaded: vec![manifest], failed: vec![failure] }),
        ("started", FromWorker::Started { request: 2, job, attempt }),
        ("progress", FromWorker::Progress { job, attempt, fraction: 0.5, message: "half".into() }),
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
    ]
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
