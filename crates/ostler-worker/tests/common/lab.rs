use std::cell::RefCell;

use ostler_wire::{LogLevel, Payload};
use ostler_worker::{JobContext, Parameter, ParameterKind, Plugin, PluginError, PluginManifest};
use serde::{Deserialize, Serialize};

thread_local! {
    static DROPPED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The names under which plugins were dropped on this thread.
pub fn dropped() -> Vec<String> {
    DROPPED.take()
}

/// Does what its jobs say.
pub struct Lab {
    greeting: String,
    jobs: u32,
    panic_in_drop: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct LabConfig {
    greeting: String,
    panic_in_load: bool,
}

#[derive(Serialize, Deserialize, Debug)]
pub enum Order {
    /// Answer with greeting, text and the number of jobs so far.
    Greet(String),
    Fail(String),
    /// Fail with an error that has a cause.
    FailByQuestionMark,
    Panic,
    PanicAndPanicInDrop,
    /// Emit that many chunks, and then fail if told.
    Emit {
        chunks: u32,
        fail: bool,
    },
    /// Emit from four threads at once.
    EmitFromThreads,
    /// Say things on the way.
    Talk,
    /// Answer with what was attached, and attach it reversed.
    Reverse,
    /// Answer with that many bytes.
    Large(usize),
    /// Wait until somebody asks to stop.
    AwaitCancel,
    /// Emit until it fails.
    Flood,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub struct Answer {
    pub text: String,
    pub jobs: u32,
}

impl Plugin for Lab {
    const NAME: &str = "lab";
    type Config = LabConfig;
    type Request = Order;
    type Response = Answer;

    fn manifest() -> PluginManifest {
        let order = Parameter::new("order", ParameterKind::Json).required();
        PluginManifest::new("another name").version("1.0").streaming(true).parameter(order)
    }

    fn load(config: LabConfig) -> Result<Self, PluginError> {
        assert!(!config.panic_in_load, "no load today");
        Ok(Self { greeting: config.greeting, jobs: 0, panic_in_drop: false })
    }

    fn execute(&mut self, order: Order, job: &JobContext) -> Result<Answer, PluginError> {
        self.jobs += 1;
        let mut text = String::new();
        match order {
            Order::Greet(name) => text = format!("{}{name}", self.greeting),
            Order::Fail(message) => return Err(PluginError::transient(message)),
            Order::FailByQuestionMark => {
                let cause = std::io::Error::other("disk on fire");
                return Err(std::io::Error::new(std::io::ErrorKind::NotFound, cause).into());
            }
            Order::Panic => panic!("on order"),
            Order::PanicAndPanicInDrop => {
                self.panic_in_drop = true;
                panic!("on order");
            }
            Order::Emit { chunks, fail } => emit(job, chunks, fail)?,
            Order::EmitFromThreads => emit_from_threads(job)?,
            Order::Talk => talk(job),
            Order::Reverse => text = reverse(job)?,
            Order::Large(size) => text = "x".repeat(size),
            Order::AwaitCancel => {
                while !job.is_cancelled() {
                    std::thread::yield_now();
                }
                text = "cancelled".to_owned();
            }
            Order::Flood => loop {
                job.emit_payload(Payload::raw(vec![0; 10_000]))?;
            },
        }
        Ok(Answer { text, jobs: self.jobs })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(format!("lab {}", self.greeting)));
        assert!(!self.panic_in_drop, "in drop, too");
    }
}

fn emit(job: &JobContext, chunks: u32, fail: bool) -> Result<(), PluginError> {
    for number in 0..chunks {
        job.emit(&number)?;
    }
    if fail { Err(PluginError::resource("out of hay")) } else { Ok(()) }
}

fn emit_from_threads(job: &JobContext) -> Result<(), PluginError> {
    std::thread::scope(|scope| {
        let emit_some = || (0..50_u32).try_for_each(|number| job.emit(&number));
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(emit_some)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap())
    })
}

fn talk(job: &JobContext) {
    job.progress(0.25, "a quarter");
    job.progress(7.0, "too much");
    job.progress(f64::NAN, String::from("nothing"));
    job.log(LogLevel::Trace, "trace");
    job.warn("warn");
}

fn reverse(job: &JobContext) -> Result<String, PluginError> {
    assert!(job.deadline().is_some());
    let attached = job.attachment("in").ok_or_else(|| PluginError::input("nothing attached"))?;
    let reversed: Vec<u8> = attached.bytes.iter().rev().copied().collect();
    job.attach("out", attached.media_type.clone(), reversed);
    Ok(format!("{} {} {}", job.id(), job.attempt(), job.attachments().len()))
}

/// A plugin without any configuration, and without any state.
pub struct Simple;

impl Plugin for Simple {
    const NAME: &str = "simple";
    type Config = ();
    type Request = String;
    type Response = usize;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, request: String, _: &JobContext) -> Result<usize, PluginError> {
        Ok(request.len())
    }
}

impl Drop for Simple {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push("simple".to_owned()));
    }
}

/// A plugin that must be configured.
pub struct Strict;

#[derive(Deserialize)]
pub struct StrictConfig {
    model: Model,
}

#[derive(Deserialize)]
pub struct Model {
    size: u32,
}

impl Plugin for Strict {
    const NAME: &str = "strict";
    type Config = StrictConfig;
    type Request = ();
    type Response = ();

    fn load(config: StrictConfig) -> Result<Self, PluginError> {
        match config.model.size {
            0 => Err(PluginError::resource("no model of size 0")),
            _ => Ok(Self),
        }
    }

    fn execute(&mut self, (): (), _: &JobContext) -> Result<(), PluginError> {
        Ok(())
    }
}
