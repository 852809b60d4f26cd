//! Commands besides jobs, and the end of a connection.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::Write;

use common::Host;
use common::lab::{Answer, Lab, Order, Simple};
use ostler_wire::{Execute, FromWorker, JobId, Payload, ToWorker};
use ostler_worker::{JobContext, PluginConfig, PluginError, PluginManager, PluginManifest, ServeError};
use uuid::Uuid;

fn host() -> Host {
    let (mut host, _) = Host::connect(|plugins| {
        plugins.register::<Lab>();
        plugins.register::<Simple>();
    });
    host.init(&[("lab", r#"{"greeting":"Dear "}"#)], false);
    host
}

fn order(order: &Order) -> Payload {
    Payload::json(order).unwrap()
}

fn greet(host: &mut Host) -> Answer {
    host.run("lab", order(&Order::Greet("Ada".into()))).unwrap().decode().unwrap()
}

fn reload(host: &mut Host, plugin: &str, config: &str) -> Result<(), String> {
    host.command(4, &ToWorker::Reload { request: 4, plugin: plugin.into(), config: config.into() })
}

#[test]
fn a_worker_answers_while_a_plugin_computes_and_cancel_reaches_the_plugin() {
    let mut host = host();
    let job = host.start("lab", order(&Order::AwaitCancel), false);
    host.send(&ToWorker::Ping { request: 5 });
    assert_eq!(host.receive(), FromWorker::Pong { request: 5 });
    let state = host.state();
    assert_eq!((state.current_job, state.jobs_done, state.pid), (Some(job), 0, std::process::id()));

    let other = JobId::from_uuid(Uuid::from_u128(1 << 90));
    let refused = host.command(6, &ToWorker::Cancel { request: 6, job: other }).unwrap_err();
    assert!(refused.contains(&other.to_string()), "{refused}");
    assert_eq!(host.command(7, &ToWorker::Cancel { request: 7, job }), Ok(()));
    let answer: Answer = host.finish(job).1.unwrap().decode().unwrap();
    assert_eq!(answer.text, "cancelled");

    let state = host.state();
    assert_eq!((state.current_job, state.jobs_done), (None, 1));
    assert!(host.command(8, &ToWorker::Cancel { request: 8, job }).is_err());
    // The next job is not born cancelled.
    let next = host.start("lab", order(&Order::AwaitCancel), false);
    assert_eq!(host.command(9, &ToWorker::Cancel { request: 9, job: next }), Ok(()));
    host.finish(next).1.unwrap();
}

/// The main thread has not picked the job up yet, since it is busy.
#[test]
fn a_cancel_reaches_a_job_that_has_not_begun() {
    let mut host = host();
    let first = host.start("lab", order(&Order::AwaitCancel), false);
    let second = JobId::from_uuid(Uuid::from_u128(1 << 91));
    host.send(&ToWorker::Execute(Execute {
        request: 40,
        job: second,
        attempt: 3,
        plugin: "lab".into(),
        deadline_ms: None,
        stream: false,
        payload: order(&Order::AwaitCancel),
    }));
    assert_eq!(host.command(41, &ToWorker::Cancel { request: 41, job: second }), Ok(()));
    assert_eq!(host.state().current_job, Some(first));

    assert_eq!(host.command(42, &ToWorker::Cancel { request: 42, job: first }), Ok(()));
    host.finish(first).1.unwrap();
    assert_eq!(host.receive(), FromWorker::Started { request: 40, job: second, attempt: 3 });
    host.finish(second).1.unwrap();
    assert_eq!(host.state().current_job, None);
}

#[test]
fn a_reload_replaces_the_plugin() {
    let mut host = host();
    assert_eq!(greet(&mut host).text, "Dear Ada");
    assert_eq!(reload(&mut host, "lab", r#"{"greeting":"Hi "}"#), Ok(()));
    assert_eq!(greet(&mut host), Answer { text: "Hi Ada".into(), jobs: 1 });
    assert_eq!(host.end().1, ["lab Dear "]);
}

#[test]
fn after_a_failed_reload_the_next_job_has_the_old_config() {
    let mut host = host();
    for (config, text) in [
        (r#"{"greeting":5}"#, "`greeting`"),
        (r#"{"panic_in_load":true}"#, "no load today"),
        ("nonsense", "not a JSON object"),
    ] {
        let error = reload(&mut host, "lab", config).unwrap_err();
        assert!(error.contains("plugin `lab`") && error.contains(text), "{error}");
        assert_eq!(greet(&mut host).text, "Dear Ada");
    }
    let error = reload(&mut host, "nobody", "{}").unwrap_err();
    assert!(error.contains("has no plugin `nobody`"), "{error}");
}

#[test]
fn an_unloaded_plugin_is_loaded_by_its_next_job() {
    let mut host = host();
    assert_eq!(greet(&mut host).jobs, 1);
    let unload = ToWorker::Unload { request: 5, plugin: "lab".into() };
    assert_eq!(host.command(5, &unload), Ok(()));
    assert_eq!(host.state().loaded, ["simple"]);
    // Once more is no error.
    assert_eq!(host.command(5, &unload), Ok(()));
    assert_eq!(greet(&mut host), Answer { text: "Dear Ada".into(), jobs: 1 });
    assert_eq!(host.state().loaded, ["lab", "simple"]);
}

#[test]
fn stop_drops_the_plugins_and_is_not_a_hang_up() {
    let mut host = host();
    assert_eq!(host.command(9, &ToWorker::Stop { request: 9 }), Ok(()));
    let (outcome, dropped, hung_up) = host.end();
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(dropped, ["simple", "lab Dear "]);
    assert!(!hung_up);
}

#[test]
fn stop_waits_for_the_running_job() {
    let mut host = host();
    let job = host.start("lab", order(&Order::AwaitCancel), false);
    host.send(&ToWorker::Stop { request: 9 });
    host.send(&ToWorker::Cancel { request: 8, job });
    assert_eq!(host.receive(), FromWorker::Response { request: 8, result: Ok(()) });
    host.finish(job).1.unwrap();
    assert_eq!(host.receive(), FromWorker::Response { request: 9, result: Ok(()) });
    assert!(host.end().0.is_ok());
}

#[test]
fn a_hang_up_is_noticed_while_a_plugin_computes_and_asks_it_to_stop() {
    let mut host = host();
    host.start("lab", order(&Order::AwaitCancel), false);
    let (outcome, _, hung_up) = host.end();
    assert!(hung_up);
    assert!(matches!(outcome, Err(ServeError::HungUp | ServeError::Write { .. })), "{outcome:?}");
}

#[test]
fn nonsense_from_the_host_ends_the_worker_and_is_told() {
    let mut host = host();
    host.stream.write_all(&u32::MAX.to_le_bytes()).unwrap();
    let FromWorker::Error { message } = host.receive() else { panic!("no Error") };
    assert!(message.contains("over the limit of 1048576"), "{message}");
    host.await_hang_up();
    assert!(matches!(host.end().0, Err(ServeError::Frame(_))));
}

#[test]
fn a_frame_cut_short_is_told_from_a_hang_up() {
    let mut host = host();
    host.stream.write_all(&[16, 0, 0]).unwrap();
    assert!(matches!(host.end().0, Err(ServeError::Frame(_))));
}

/// A plugin manager that is not a `PluginSet`, with the provided methods as they are.
struct Scripts {
    loaded: Option<PluginConfig>,
}

impl PluginManager for Scripts {
    fn discover_plugins(&self) -> Vec<PluginManifest> {
        vec![PluginManifest::new("script").streaming(true)]
    }

    fn load_plugin(&mut self, _: &str, config: &PluginConfig) -> Result<(), PluginError> {
        assert!(self.loaded.is_none(), "reload must unload first");
        self.loaded = Some(config.clone());
        Ok(())
    }

    fn execute_plugin(
        &mut self,
        _: &str,
        request: Payload,
        job: &JobContext,
    ) -> Result<Payload, PluginError> {
        job.emit("on my way")?;
        job.attach("config", "application/json", serde_json::to_vec(&self.loaded)?);
        Ok(request)
    }

    fn unload_plugin(&mut self, _: &str) -> Result<(), PluginError> {
        self.loaded = None;
        Ok(())
    }
}

#[test]
fn another_plugin_manager_works_on_payloads() {
    let (mut host, _) = Host::connect_with(|| Scripts { loaded: None });
    host.init(&[("script", r#"{"a":1}"#)], false);
    assert_eq!(reload(&mut host, "script", r#"{"a":2}"#), Ok(()));
    let job = host.start("script", Payload::raw(&b"echo"[..]), true);
    let (said, outcome) = host.finish(job);
    let FromWorker::StreamChunk { payload, .. } = &said[0] else { panic!("{said:?}") };
    assert_eq!(payload.body(), "\"on my way\"");
    let response = outcome.unwrap();
    assert_eq!(response.body(), "echo");
    assert_eq!(response.attachment("config").unwrap().bytes, r#"{"a":2}"#);
}
