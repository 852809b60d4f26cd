use std::collections::HashMap;
use std::sync::Arc;

use ostler_shm::Placement;
use ostler_wire::{
    Category, Execute, Failure, FromWorker, Init, LoadFailure, PROTOCOL, Payload, PluginManifest,
};

use crate::guard::guard;
use crate::outbox::{SendError, Until};
use crate::plugin_set::unknown_plugin;
use crate::reader::Accepted;
use crate::shared::Shared;
use crate::{JobContext, PluginConfig, PluginError, PluginManager, ServeError, stdout};
use crate::{fork, job_log};

/// The main thread's side of a connection: the plugins, and what is known about them.
pub(crate) struct Session<'a> {
    plugins: &'a mut dyn PluginManager,
    shared: Arc<Shared>,
    /// All plugins of this worker; `None` before `Init`.
    known: Option<Vec<PluginManifest>>,
    /// The configuration with which a plugin was last meant to work.
    configs: HashMap<String, PluginConfig>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(plugins: &'a mut dyn PluginManager, shared: Arc<Shared>) -> Self {
        Self { plugins, shared, known: None, configs: HashMap::new() }
    }

    /// Loads plugins: those with a configuration first, in the host's order.
    pub(crate) fn init(&mut self, init: Init) -> Result<(), ServeError> {
        if self.known.is_some() {
            return self.unexpected("a second Init");
        }
        if !PROTOCOL.speaks(init.protocol) {
            let what = format!("Init of protocol version {}; this worker speaks {PROTOCOL}", init.protocol);
            return self.unexpected(&what);
        }
        let known = self.plugins.discover_plugins();
        let others: Vec<String> = known.iter().map(|plugin| plugin.name.clone()).collect();
        self.known = Some(known);

        let mut failed = Vec::new();
        let mut asked = Vec::new();
        for setup in init.plugins {
            let outcome = parse_config(&setup.name, &setup.config).and_then(|config| {
                self.check_known(&setup.name)?;
                self.configs.insert(setup.name.clone(), config);
                self.load(&setup.name)
            });
            if let Err(failure) = outcome {
                failed.push(LoadFailure { plugin: setup.name.clone(), message: failure.message });
            }
            asked.push(setup.name);
        }
        let others = others.into_iter().filter(|name| !init.only_these && !asked.contains(name));
        for name in others.collect::<Vec<_>>() {
            if let Err(failure) = self.load(&name) {
                failed.push(LoadFailure { plugin: name, message: failure.message });
            }
        }
        let known = self.known.iter().flatten();
        let loaded = known.filter(|plugin| self.shared.is_loaded(&plugin.name)).cloned().collect();
        self.send(&[&FromWorker::Ready { request: init.request, loaded, failed }])
    }

    /// Runs one job and reports how it ended.
    pub(crate) fn execute(&mut self, accepted: Accepted) -> Result<(), ServeError> {
        if self.known.is_none() {
            return self.unexpected("Execute before Init");
        }
        let Accepted { execute, received, cancelled, loss } = accepted;
        let Execute { request, job, attempt, .. } = execute;
        stdout::flush();
        // After any death from here on the host knows what was running.
        let started = FromWorker::Started { request, job, attempt };
        self.shared.outbox.send(&[&started], Until::Written)?;

        let context = JobContext::new(Arc::clone(&self.shared.outbox), cancelled, &execute, received);
        let name = execute.plugin.clone();
        let ran = match loss {
            Some(reason) => Ok(Err(lost(&reason))),
            None => {
                job_log::begin(&self.shared.outbox, job);
                let ran = guard(|| self.run(execute, &context));
                // Before anything is told: a forked child has nothing to tell.
                fork::end_unless_worker();
                job_log::end();
                ran
            }
        };
        let (outcome, panicked) = match ran {
            Ok(outcome) => (outcome, false),
            Err(panic) => (Err(Failure::panicked(format!("plugin `{name}` {panic}"))), true),
        };
        stdout::flush();
        self.shared.end();
        let result = |outcome| FromWorker::Result { request, job, attempt, outcome };
        self.send_result(context, result(outcome), result)?;
        if panicked {
            // Now and not before its next job: a plugin that gets stuck in its drop must not be that
            // job's fault. The error is of no interest, it is loaded afresh in any case.
            let _ = self.discard(&name);
        }
        Ok(())
    }

    /// Loads the plugin if need be, and lets it run.
    fn run(&mut self, execute: Execute, context: &JobContext) -> Result<Payload, Failure> {
        let name = execute.plugin.as_str();
        self.check_known(name)?;
        if !self.shared.is_loaded(name) {
            self.load(name)?;
        }
        let chunks = execute.stream && self.plugins.check_streaming_support(name);
        let response = if chunks {
            self.plugins.execute_plugin_stream(name, execute.payload, context)
        } else {
            self.plugins.execute_plugin(name, execute.payload, context)
        };
        let mut response = response?;
        for attachment in context.take_response_attachments() {
            response.push(attachment);
        }
        Ok(response)
    }

    /// Closes the stream, if there is one, and sends the result with it.
    fn send_result(
        &self,
        context: JobContext,
        mut message: FromWorker,
        result: impl Fn(Result<Payload, Failure>) -> FromWorker,
    ) -> Result<(), ServeError> {
        let closing = context.closing_chunk();
        // What it has of the request is given back with the result.
        drop(context);
        let placement = match &mut message {
            FromWorker::Result { outcome: Ok(response), .. } => self.shared.outbox.arena().place(response),
            _ => Placement::inline(),
        };
        let send = |message: &FromWorker, placement| {
            let messages: Vec<&FromWorker> = closing.iter().chain([message]).collect();
            self.shared.outbox.send_placed(&messages, placement, Until::Room)
        };
        match send(&message, placement) {
            Err(SendError::Frame(error)) => {
                let text = format!("the response cannot be sent: {error}");
                let failed = result(Err(Failure::plugin(Category::Resource, text)));
                Ok(send(&failed, Placement::inline())?)
            }
            other => Ok(other?),
        }
    }

    /// Loads a plugin with a new configuration. If that fails, the next job loads it with the old one.
    pub(crate) fn reload(&mut self, request: u64, name: &str, config: &str) -> Result<(), ServeError> {
        if self.known.is_none() {
            return self.unexpected("Reload before Init");
        }
        let outcome = self.try_reload(name, config);
        self.respond(request, outcome)
    }

    fn try_reload(&mut self, name: &str, config: &str) -> Result<(), Failure> {
        self.check_known(name)?;
        let config = parse_config(name, config)?;
        self.shared.set_loaded(name, false);
        guarded("reload", name, || self.plugins.reload_plugin(name, &config))?;
        self.shared.set_loaded(name, true);
        self.configs.insert(name.to_owned(), config);
        Ok(())
    }

    /// Drops a plugin.
    pub(crate) fn unload(&mut self, request: u64, name: &str) -> Result<(), ServeError> {
        if self.known.is_none() {
            return self.unexpected("Unload before Init");
        }
        let outcome = self.check_known(name).map_err(Failure::from).and_then(|()| self.discard(name));
        self.respond(request, outcome)
    }

    /// Drops all plugins, the last one loaded first, and says that it is done.
    pub(crate) fn stop(&mut self, request: u64) -> Result<(), ServeError> {
        let known = self.known.iter().flatten().map(|plugin| plugin.name.clone());
        let names: Vec<String> = known.filter(|name| self.shared.is_loaded(name)).collect();
        for name in names.iter().rev() {
            // A plugin that does not let go must not keep the others from it.
            let _ = self.discard(name);
        }
        // The host may hang up as soon as it has the answer.
        self.shared.set_stopped();
        let message = FromWorker::Response { request, result: Ok(()) };
        Ok(self.shared.outbox.send(&[&message], Until::Written)?)
    }

    fn load(&mut self, name: &str) -> Result<(), Failure> {
        let config = self.configs.get(name).cloned().unwrap_or_default();
        guarded("load", name, || self.plugins.load_plugin(name, &config))?;
        self.shared.set_loaded(name, true);
        Ok(())
    }

    fn discard(&mut self, name: &str) -> Result<(), Failure> {
        self.shared.set_loaded(name, false);
        guarded("unload", name, || self.plugins.unload_plugin(name))
    }

    fn check_known(&self, name: &str) -> Result<(), PluginError> {
        let mut known = self.known.iter().flatten().map(|plugin| plugin.name.as_str());
        if known.any(|known| known == name) {
            return Ok(());
        }
        Err(unknown_plugin(name, self.known.iter().flatten().map(|plugin| plugin.name.as_str())))
    }

    fn respond(&self, request: u64, outcome: Result<(), Failure>) -> Result<(), ServeError> {
        let result = outcome.map_err(|failure| failure.message);
        self.send(&[&FromWorker::Response { request, result }])
    }

    fn send(&self, messages: &[&FromWorker]) -> Result<(), ServeError> {
        Ok(self.shared.outbox.send(messages, Until::Room)?)
    }

    /// Tells the host, and ends the worker.
    fn unexpected(&self, what: &str) -> Result<(), ServeError> {
        let message = format!("the worker cannot go on: the host sent {what}");
        self.shared.outbox.send(&[&FromWorker::Error { message }], Until::Written)?;
        Err(ServeError::Unexpected { what: what.to_owned() })
    }
}

/// Does something to a plugin. A panic is a failure like another, and the message says what was tried.
fn guarded(verb: &str, name: &str, work: impl FnOnce() -> Result<(), PluginError>) -> Result<(), Failure> {
    let done = guard(work);
    fork::end_unless_worker();
    let failure = match done {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => Failure::from(error),
        Err(panic) => Failure::panicked(panic),
    };
    Err(Failure { message: format!("cannot {verb} plugin `{name}`: {}", failure.message), ..failure })
}

fn lost(reason: &str) -> Failure {
    Failure::plugin(Category::Resource, format!("a part of the request could not be taken over: {reason}"))
}

fn parse_config(name: &str, text: &str) -> Result<PluginConfig, Failure> {
    if text.trim().is_empty() {
        return Ok(PluginConfig::new());
    }
    serde_json::from_str(text).map_err(|error| {
        Failure::plugin(
            Category::Input,
            format!("the config of plugin `{name}` is not a JSON object: {error}"),
        )
    })
}
