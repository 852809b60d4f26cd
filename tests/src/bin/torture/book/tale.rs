use std::time::Duration;

use ostler::{BlockReason, JobEvent, JobEventKind, JobEvents};

/// What a job's events tell.
#[derive(Debug, Default)]
pub(crate) struct Tale {
    /// Which attempts began, and in which process.
    pub(crate) started: Vec<(u32, u32)>,
    /// The ends, of which there is to be one.
    pub(crate) ends: Vec<&'static str>,
    /// Events that the reader missed.
    pub(crate) missed: u64,
    /// What is out of order.
    pub(crate) disorder: Option<String>,
    /// The number of the chunk that would come next.
    pub(crate) next_chunk: u64,
    /// Lines that the job printed, those that are lost included.
    pub(crate) printed: u64,
    last_seq: u64,
    lines: Vec<String>,
}

/// Lines that a story has at most.
const LINES: usize = 60;

impl Tale {
    /// Reads until the end, with a pause after each event if there is to be one.
    pub(crate) async fn read(mut events: JobEvents, pause: Option<Duration>) -> Self {
        let mut tale = Self::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => tale.take(&event),
                Err(missed) => {
                    tale.missed += missed.count;
                    tale.last_seq += missed.count;
                    tale.line(format!("missed {} events", missed.count));
                }
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        tale
    }

    fn take(&mut self, event: &JobEvent) {
        if event.seq != self.last_seq + 1 {
            self.fault(format!("event {} came after {}", event.seq, self.last_seq));
        }
        self.last_seq = event.seq;
        if let Some(end) = self.ends.first() {
            self.fault(format!("{} came after {end}", event.kind.name()));
        }
        match &event.kind {
            JobEventKind::Started { pid, attempt } => {
                self.started.push((*attempt, pid.unwrap_or_default()));
                self.next_chunk = 0;
                self.printed = 0;
                self.line(format!("started attempt {attempt} in {pid:?}"));
            }
            JobEventKind::Chunk { seq, .. } => {
                // What was missed may have been chunks.
                if *seq != self.next_chunk && self.missed == 0 {
                    self.fault(format!("chunk {seq} came instead of {}", self.next_chunk));
                }
                self.next_chunk = seq + 1;
            }
            JobEventKind::Progress { .. } | JobEventKind::Log { .. } => {}
            JobEventKind::Output { .. } => self.printed += 1,
            JobEventKind::OutputDropped { lines, .. } => self.printed += lines,
            kind @ (JobEventKind::Completed | JobEventKind::Cancelled) => {
                self.end(kind.name(), String::new())
            }
            JobEventKind::Failed(failure) => self.end("failed", format!(": {failure}")),
            JobEventKind::Blocked(BlockReason::Retry { attempt, failure, .. }) => {
                self.line(format!("waits for attempt {attempt} after: {failure}"));
            }
            kind => self.line(kind.name().to_owned()),
        }
    }

    fn end(&mut self, name: &'static str, how: String) {
        self.ends.push(name);
        self.line(format!("{name}{how}"));
    }

    fn fault(&mut self, what: String) {
        self.disorder.get_or_insert(what);
    }

    fn line(&mut self, line: String) {
        if self.lines.len() < LINES {
            self.lines.push(line);
        }
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}
