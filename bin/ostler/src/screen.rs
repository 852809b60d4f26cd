use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The user's terminal, as far as stderr is one: the place of progress bars and of lines that must not tear them.
#[derive(Clone)]
pub(crate) struct Screen {
    bars: MultiProgress,
    is_terminal: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { bars: MultiProgress::new(), is_terminal: io::stderr().is_terminal() }
    }

    /// Whether there is anybody to show progress to.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// How many columns the terminal has; None if it does not say.
    pub(crate) fn columns(&self) -> Option<u16> {
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
        Some(size.ws_col).filter(|columns| *columns > 0)
    }

    /// Writes a line to stderr, above the bars.
    pub(crate) fn say(&self, line: &str) {
        self.bars.suspend(|| {
            // With stderr closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "{line}");
        });
    }

    /// Shows a bar, which moves even while nothing happens.
    pub(crate) fn bar(&self, bar: ProgressBar, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.bars.add(bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ ")));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// A writer to stderr for logs, a line or more at a time.
    pub(crate) fn writer(&self) -> impl Write + use<> {
        struct Lines(Screen);
        impl Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.bars.suspend(|| io::stderr().write_all(bytes))?;
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        Lines(self.clone())
    }
}

/// Text from a worker without the characters that steer a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() && char != '\n' && char != '\t' { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_steers_a_terminal_is_made_harmless() {
        assert_eq!(harmless("a\tb\n\u{1b}[2Jc\r\u{9b}"), "a\tb\n\u{fffd}[2Jc\u{fffd}\u{fffd}");
    }
}
