use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A host with workers. It ends when its standard input does.
pub(crate) struct Host {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Its process, and those of its workers.
    pub(crate) pids: Vec<u32>,
}

impl Host {
    /// Returns when all workers are idle and have been in use.
    pub(crate) fn launch(workers: u32, flavour: &str) -> Self {
        let stage = format!(r#"{{"Host":{{"workers":{workers},"flavour":"{flavour}"}}}}"#);
        let mut child = Command::new(env!("CARGO_BIN_EXE_ostler-bench"))
            .args(["stage", &stage])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut host = Self { commands: child.stdin.take(), answers, pids: vec![child.id()], child };
        let workers: Vec<u32> = serde_json::from_str(&host.answer()).unwrap();
        host.pids.extend(workers);
        host
    }

    /// Has it run so many jobs, one by one.
    pub(crate) fn run(&mut self, jobs: usize) {
        self.begin(jobs);
        assert_eq!(self.answer().trim(), jobs.to_string());
    }

    /// Tells it to run so many, and does not wait for them.
    pub(crate) fn begin(&mut self, jobs: usize) {
        writeln!(self.commands.as_mut().unwrap(), "{jobs}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.commands = None;
        // Its end is the business of other tests.
        let _ = self.child.wait();
    }
}
