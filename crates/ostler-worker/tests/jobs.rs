//! Loading plugins and running jobs, well and badly.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::lab::{Answer, Lab, Order, Simple, Strict};
use common::{Host, init};
use ostler_wire::{Category, Encoding, Failure, FailureKind, FromWorker, Init, PROTOCOL, Payload, ToWorker};
use ostler_worker::{PluginSet, ServeError};

fn order(order: &Order) -> Payload {
    Payload::encode(Encoding::Bincode, order).unwrap()
}

fn greet(host: &mut Host, name: &str) -> Answer {
    host.run("lab", order(&Order::Greet(name.into()))).unwrap().decode().unwrap()
}

#[test]
fn a_worker_introduces_itself_and_loads_its_plugins() {
    let (mut host, hello) = Host::connect(|plugins| {
        plugins.register::<Lab>();
        plugins.register::<Simple>();
    });
    assert_eq!((hello.protocol, hello.pid), (PROTOCOL, std::process::id()));
    assert_eq!(hello.token, [7; 16]);
    let (loaded, failed) = host.init(&[("simple", "")], false);
    assert_eq!(failed, []);
    // The manifest's own name does not count: jobs ask for NAME.
    let names: Vec<_> = loaded.iter().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["lab", "simple"]);
    assert!(loaded[0].streaming && !loaded[1].streaming);
    assert_eq!(host.state().loaded, ["lab", "simple"]);
}

#[test]
fn what_cannot_be_loaded_is_told_with_the_field_and_the_rest_is_loaded() {
    let (mut host, _) = Host::connect(|plugins| {
        plugins.register::<Strict>();
        plugins.register::<Lab>();
        plugins.register::<Simple>();
    });
    let configs = [
        ("strict", r#"{"model":{"size":"big"}}"#),
        ("lab", r#"{"panic_in_load":true}"#),
        ("nobody", "{}"),
        ("simple", "[1]"),
    ];
    let (loaded, failed) = host.init(&configs, true);
    assert_eq!(loaded, []);
    let told = |index: usize, name: &str, texts: &[&str]| {
        assert_eq!(failed[index].plugin, name);
        let message = &failed[index].message;
        assert!(texts.iter().all(|text| message.contains(text)), "{message}");
    };
    told(0, "strict", &["cannot load plugin `strict`", "`model.size`", "expected u32"]);
    told(1, "lab", &["panicked at", "lab.rs", "no load today"]);
    told(2, "nobody", &["has no plugin `nobody`", "strict, lab, simple"]);
    told(3, "simple", &["config of plugin `simple` is not a JSON object"]);
}

#[test]
fn only_the_plugins_that_were_named_are_loaded() {
    let (mut host, _) = Host::connect(|plugins| {
        plugins.register::<Lab>();
        plugins.register::<Simple>();
    });
    let (loaded, failed) = host.init(&[("simple", "{}")], true);
    assert_eq!((loaded.len(), failed.len()), (1, 0));
    assert_eq!(host.state().loaded, ["simple"]);
}

#[test]
fn a_response_has_the_encoding_of_its_request() {
    let mut host = Host::ready(|plugins| plugins.register::<Lab>());
    for (jobs, encoding) in [(1, Encoding::Bincode), (2, Encoding::Json)] {
        let request = Payload::encode(encoding, &Order::Greet("Ada".into())).unwrap();
        let response = host.run("lab", request).unwrap();
        assert_eq!(response.encoding(), encoding);
        assert_eq!(response.decode::<Answer>().unwrap(), Answer { text: "Ada".into(), jobs });
    }
    assert_eq!(host.state().jobs_done, 2);
}

#[test]
fn attachments_go_both_ways() {
    let mut host = Host::ready(|plugins| plugins.register::<Lab>());
    let request = order(&Order::Reverse).attach("in", "text/plain", &b"abc"[..]).attach("more", "", vec![]);
    let response = host.run("lab", request).unwrap();
    let out = response.attachment("out").unwrap();
    assert_eq!((&out.bytes[..], out.media_type.as_str()), (&b"cba"[..], "text/plain"));
    assert!(response.decode::<Answer>().unwrap().text.ends_with(" 3 2"));
}

#[test]
fn a_request_that_cannot_be_read_is_an_input_failure_that_says_what_was_expected() {
    let mut host = Host::ready(|plugins| plugins.register::<Lab>());
    for request in [Payload::json("dance").unwrap(), order(&Order::Panic).attach("x", "", &b""[..])] {
        let (encoding, mut body, attachments) = request.into_parts();
        body.truncate(2);
        let failure = host.run("lab", Payload::from_parts(encoding, body, attachments)).unwrap_err();
        assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Input));
        assert!(failure.message.contains("plugin `lab` cannot read the request"), "{failure}");
        assert!(failure.message.contains("lab::Order"), "{failure}");
    }
    assert_eq!(greet(&mut host, "still here").jobs, 1);
}

#[test]
fn a_plugins_error_keeps_its_category_and_its_causes() {
    let mut host = Host::ready(|plugins| plugins.register::<Lab>());
    let failure = host.run("lab", order(&Order::Fail("come back later".into()))).unwrap_err();
    assert_eq!(failure, Failure::plugin(Category::Transient, "come back later"));
    let failure = host.run("lab", order(&Order::FailByQuestionMark)).unwrap_err();
    assert_eq!(failure.category, Category::Fatal);
    assert!(failure.message.contains("disk on fire"), "{failure}");
}

#[test]
fn an_unknown_plugin_fails_the_job_alone() {
    let mut host = Host::ready(|plugins| plugins.register::<Lab>());
    let failure = host.run("nobody", Payload::empty()).unwrap_err();
    assert_eq!(failure.category, Category::Input);
    assert!(failure.message.contains("has no plugin `nobody`; it has lab"), "{failure}");
    greet(&mut host, "still here");
}

#[test]
fn a_panic_fails_the_job_and_the_plugin_is_loaded_afresh_with_its_config() {
    let (mut host, _) = Host::connect(|plugins| plugins.register::<Lab>());
    host.init(&[("lab", r#"{"greeting":"Dear "}"#)], true);
    assert_eq!(greet(&mut host, "Ada"), Answer { text: "Dear Ada".into(), jobs: 1 });

    for panic in [Order::Panic, Order::PanicAndPanicInDrop] {
        let failure = host.run("lab", order(&panic)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Panicked);
        assert!(failure.message.contains("plugin `lab` panicked at"), "{failure}");
        assert!(failure.message.contains("lab.rs") && failure.message.contains("on order"), "{failure}");
        assert_eq!(greet(&mut host, "Bob"), Answer { text: "Dear Bob".into(), jobs: 1 });
    }
}

#[test]
fn a_response_over_the_limit_is_a_resource_failure() {
    let mut host = Host::ready(|plugins| plugins.register::<Lab>());
    let failure = host.run("lab", order(&Order::Large(2 << 20))).unwrap_err();
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Resource));
    assert!(failure.message.contains("over the limit of 1048576"), "{failure}");
    // One that just fits is not.
    let answer: Answer = host.run("lab", order(&Order::Large(1_000_000))).unwrap().decode().unwrap();
    assert_eq!((answer.text.len(), answer.jobs), (1_000_000, 2));
}

#[test]
fn a_job_that_cannot_load_its_plugin_has_started_and_fails() {
    let (mut host, _) = Host::connect(|plugins| plugins.register::<Strict>());
    host.init(&[("strict", r#"{"model":{"size":0}}"#)], true);
    // Started comes first: `run` insists on it.
    let failure = host.run("strict", Payload::json(&()).unwrap()).unwrap_err();
    assert_eq!(
        failure,
        Failure::plugin(Category::Resource, "cannot load plugin `strict`: no model of size 0")
    );
}

#[test]
fn a_job_before_init_ends_the_worker() {
    let (mut host, _) = Host::connect(|plugins| plugins.register::<Lab>());
    host.send(&ToWorker::Unload { request: 1, plugin: "lab".into() });
    let FromWorker::Error { message } = host.receive() else { panic!("no Error") };
    assert!(message.contains("Unload before Init"), "{message}");
    assert!(matches!(host.end().0, Err(ServeError::Unexpected { .. })));
}

#[test]
fn a_version_that_it_does_not_speak_ends_the_worker() {
    let (mut host, _) = Host::connect(|plugins| plugins.register::<Lab>());
    let protocol = PROTOCOL.highest + 1;
    host.send(&ToWorker::Init(Init { protocol, ..init(&[], false) }));
    let FromWorker::Error { message } = host.receive() else { panic!("no Error") };
    let said = format!("Init of protocol version {protocol}; this worker speaks version");
    assert!(message.contains(&said), "{message}");
    assert!(matches!(host.end().0, Err(ServeError::Unexpected { .. })));
}

#[test]
#[should_panic(expected = "plugin `lab` is registered twice")]
fn a_name_that_is_taken_is_refused() {
    let mut plugins = PluginSet::new();
    plugins.register::<Lab>();
    plugins.register::<Lab>();
}
