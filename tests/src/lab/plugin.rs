use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ostler::worker::{JobContext, Plugin, PluginError, PluginManifest};
use serde::Deserialize;

use super::harm::{
    close_all, close_output, daemon, deafen, for_ever, join_host, leave_behind, leave_comet, panic_elsewhere,
    say_on_stderr, segfault, signal_oneself, touched,
};
use super::{Task, printing};

/// Does what it is told. Its configuration may tell it not to load.
pub struct Lab(Knowledge);

/// The same under another name.
pub struct Other(Knowledge);

/// What a lab plugin is loaded with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// What it says that its model is.
    model: String,
    /// Loading waits until this file is there.
    gate: Option<PathBuf>,
    /// How long loading takes, in milliseconds.
    load_ms: u64,
    /// How loading goes wrong.
    load: Option<BadLoad>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BadLoad {
    Fail,
    Panic,
    Exit,
    Hang,
}

struct Knowledge {
    model: String,
    loads: usize,
}

impl Plugin for Lab {
    const NAME: &str = "lab";
    type Config = Option<Config>;
    type Request = Task;
    type Response = String;

    fn manifest() -> PluginManifest {
        PluginManifest::new(Self::NAME).version("1.2.3").category("lab").streaming(true)
    }

    fn load(config: Option<Config>) -> Result<Self, PluginError> {
        static LOADS: AtomicUsize = AtomicUsize::new(0);
        load(config, &LOADS).map(Self)
    }

    fn execute(&mut self, task: Task, job: &JobContext) -> Result<String, PluginError> {
        execute(&self.0, task, job)
    }
}

impl Plugin for Other {
    const NAME: &str = "other";
    type Config = Option<Config>;
    type Request = Task;
    type Response = String;

    fn load(config: Option<Config>) -> Result<Self, PluginError> {
        static LOADS: AtomicUsize = AtomicUsize::new(0);
        load(config, &LOADS).map(Self)
    }

    fn execute(&mut self, task: Task, job: &JobContext) -> Result<String, PluginError> {
        execute(&self.0, task, job)
    }
}

fn load(config: Option<Config>, loads: &AtomicUsize) -> Result<Knowledge, PluginError> {
    let config = config.unwrap_or_default();
    while config.gate.as_ref().is_some_and(|gate| !gate.exists()) {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(config.load_ms));
    match config.load {
        None => {}
        Some(BadLoad::Fail) => return Err(PluginError::resource("the model does not fit")),
        Some(BadLoad::Panic) => panic!("the model is cursed"),
        Some(BadLoad::Exit) => {
            say_on_stderr("cannot find the driver\n");
            std::process::exit(3);
        }
        Some(BadLoad::Hang) => for_ever(),
    }
    Ok(Knowledge { model: config.model, loads: loads.fetch_add(1, Ordering::Relaxed) + 1 })
}

fn execute(knowledge: &Knowledge, task: Task, job: &JobContext) -> Result<String, PluginError> {
    match task {
        Task::Echo(text) => return Ok(text),
        Task::Answer(bytes) => return Ok("a".repeat(bytes)),
        Task::Attachments => return Ok(send_back(job)),
        Task::Fill(len, value) => fill(job, len, value),
        Task::FillOwn(len, value) => job.attach("own", "", vec![value; len]),
        Task::Scribble(len, value) => scribble(job, len, value),
        Task::HoardFiles => hoard_files(),
        Task::Pid => return Ok(std::process::id().to_string()),
        Task::Config => return Ok(format!("{} {}", knowledge.model, knowledge.loads)),
        Task::AwaitFile(path) => return Ok(await_file(&path)),
        Task::Steps(steps) => {
            return steps.into_iter().try_fold(String::new(), |_, step| execute(knowledge, step, job));
        }
        Task::Sign(path, line) => return sign(&path, &line),
        Task::Linger(time) => std::thread::sleep(time),
        Task::Hang(path) => hang(&path)?,
        Task::Spin => loop {
            std::hint::spin_loop();
        },
        Task::TidyUp => return Ok(tidy_up(job)),
        Task::IgnoreCancel => for_ever(),
        Task::Fail(message, category) => return Err(PluginError::new(category, message)),
        Task::FailAtLength(words, bytes, category) => {
            return Err(PluginError::new(category, words + &"x".repeat(bytes)));
        }
        Task::PanicAtLength(words, bytes) => panic!("{words}{}", "x".repeat(bytes)),
        Task::Panic(message) => panic!("{message}"),
        Task::PanicElsewhere(message) => panic_elsewhere(message),
        Task::CloseOutput => close_output()?,
        Task::CloseAll => close_all()?,
        Task::Abort(lines) => {
            say_on_stderr(&lines);
            std::process::abort()
        }
        Task::Segfault => segfault(),
        Task::Leak(bytes) => std::mem::forget(touched(bytes)),
        Task::Grow(bytes) => {
            let _memory = touched(bytes);
            for_ever()
        }
        Task::JoinHost => return Ok(join_host()),
        Task::Deafen => deafen(),
        Task::Daemon(file) => daemon(&file)?,
        Task::DieUnless(file) => die_unless(&file),
        Task::HangOnce(file) => hang_once(&file)?,
        Task::Stop => {
            signal_oneself("-STOP")?;
            for_ever()
        }
        Task::Exit(code) => std::process::exit(code),
        Task::Emit(count, bytes) => {
            for number in 0..count {
                job.emit(&format!("{number} {}", "x".repeat(bytes)))?;
            }
        }
        Task::Progress(count) => (0..count).for_each(|number| job.progress(0.5, number.to_string())),
        Task::Mixed(count) => mix(job, count)?,
        Task::Flood(bytes) => flood(bytes)?,
        Task::Pour(lines, bytes) => printing::pour(lines, bytes)?,
        Task::Print(text) => printing::print(&text),
        Task::Complain(text) => printing::complain(&text),
        Task::Write(text) => printing::write(&text)?,
        Task::PrintInC(text) => printing::print_in_c(&text)?,
        Task::Shell(script) => drop(Command::new("sh").arg("-c").arg(script).status()?),
        Task::LeaveChild => return Ok(leave_behind(false)?.to_string()),
        Task::LeaveComet => leave_comet()?,
        Task::LeaveDaemon => return Ok(leave_behind(true)?.to_string()),
        Task::DieAndLeaveChild => {
            job.info(leave_behind(false)?.to_string());
            signal_oneself("-KILL")?;
        }
    }
    Ok("done".to_owned())
}

fn die_unless(file: &Path) {
    if !file.exists() {
        segfault()
    }
}

fn hang_once(file: &Path) -> Result<(), PluginError> {
    if !file.exists() {
        fs::write(file, "")?;
        for_ever()
    }
    Ok(())
}

fn sign(path: &Path, line: &str) -> Result<String, PluginError> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    // In one write, so that lines of several processes do not mix.
    file.write_all(format!("{line}\n").as_bytes())?;
    Ok(std::process::id().to_string())
}

fn hang(path: &Path) -> std::io::Result<()> {
    let complete = path.with_extension("part");
    fs::write(&complete, std::process::id().to_string())?;
    fs::rename(complete, path)?;
    for_ever()
}

fn await_file(path: &Path) -> String {
    loop {
        if let Ok(text) = fs::read_to_string(path) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn tidy_up(job: &JobContext) -> String {
    while !job.is_cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
    "tidied up".to_owned()
}

fn mix(job: &JobContext, count: usize) -> Result<(), PluginError> {
    for number in 0..count {
        job.emit(&number.to_string())?;
        job.progress(0.5, number.to_string());
        job.info(number.to_string());
    }
    Ok(())
}

fn send_back(job: &JobContext) -> String {
    let names: Vec<&str> = job.attachments().iter().map(|attachment| attachment.name.as_str()).collect();
    for attachment in job.attachments() {
        job.attach(&attachment.name, &attachment.media_type, attachment.bytes.clone());
    }
    names.join(" ")
}

fn fill(job: &JobContext, len: usize, value: u8) {
    let mut buffer = job.buffer(len);
    buffer.fill(value);
    job.attach("filled", "", buffer.freeze());
}

#[expect(unsafe_code, reason = "a plugin that writes where it must not")]
fn scribble(job: &JobContext, len: usize, value: u8) {
    let mut buffer = job.buffer(len);
    buffer.fill(value);
    let begin = buffer.as_mut_ptr().expose_provenance();
    let bytes = buffer.freeze();
    // So it stays mapped.
    std::mem::forget(bytes.clone());
    job.attach("scribbled", "", bytes);
    std::thread::spawn(move || {
        for other in (0..=u8::MAX).cycle() {
            let begin = std::ptr::with_exposed_provenance_mut::<u8>(begin);
            // SAFETY: so much is mapped there for ever. It breaks the rules on purpose.
            unsafe { begin.write_bytes(other, len) };
        }
    });
}

fn hoard_files() {
    while let Ok(file) = fs::File::open("/dev/null") {
        std::mem::forget(file);
    }
}

fn flood(bytes: usize) -> std::io::Result<()> {
    let line = [b'x'; 1024];
    let (mut stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    for _ in 0..bytes / line.len() {
        stdout.write_all(&line)?;
        stdout.write_all(b"\n")?;
        stderr.write_all(&line)?;
        stderr.write_all(b"\n")?;
    }
    stdout.flush()
}
