use std::collections::VecDeque;

/// What is kept of a worker's stderr for its obituary, in bytes: about a screenful.
const TAIL_BYTES: usize = 8 * 1024;
const TAIL_LINES: usize = 20;

/// The end of a stream of bytes.
#[derive(Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let excess = (self.bytes.len() + kept.len()).saturating_sub(TAIL_BYTES);
        self.bytes.drain(..excess);
        self.bytes.extend(kept);
        self.dropped += (excess + bytes.len() - kept.len()) as u64;
    }

    /// Whether this was written, also before the lines that are told.
    pub(super) fn mentions(&self, text: &str) -> bool {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        String::from_utf8_lossy(&bytes).contains(text)
    }

    /// The last lines, with a note if there were more.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        let start = text.rmatch_indices('\n').nth(TAIL_LINES - 1).map_or(0, |(at, _)| at + 1);
        let left_out = self.dropped + start as u64;
        if left_out == 0 {
            return text.to_owned();
        }
        format!("[{left_out} bytes before this are left out]\n{}", &text[start..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stderr_is_kept_whole() {
        let mut tail = Tail::default();
        tail.push(b"one\n");
        tail.push(b"two\n");
        assert_eq!(tail.text(), "one\ntwo");
    }

    #[test]
    fn of_a_long_stderr_the_last_lines_are_kept_and_the_rest_is_counted() {
        let mut tail = Tail::default();
        for line in 0..30 {
            tail.push(format!("line {line:02}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.starts_with("[80 bytes before this are left out]\nline 10\n"), "{text}");
        assert!(text.ends_with("line 29"), "{text}");
    }

    #[test]
    fn a_flood_takes_no_more_memory_than_the_tail() {
        let mut tail = Tail::default();
        tail.push(&vec![b'x'; 3 * TAIL_BYTES]);
        tail.push(&[b'y'; 100]);
        assert_eq!(tail.bytes.len(), TAIL_BYTES);
        assert_eq!(tail.dropped, 2 * TAIL_BYTES as u64 + 100);
        assert!(tail.text().ends_with('y'));
    }
}
