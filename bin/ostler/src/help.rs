//! What stands below the options in each help page. clap wraps long lines badly: none has more than 78 columns.

pub(crate) const EXAMPLES: &str = "\
Examples:
  ostler plugins                                  what there is
  ostler run digest -p path=Cargo.toml            one job
  ostler batch digest --workers 2 < files.jsonl   one job for each line

Exit codes: 0 completed, 1 failed, 2 wrong use, 124 timed out, 130 cancelled.
Ctrl-C cancels what runs, or lets a batch finish what it has read; see there.";

pub(crate) const RUN_EXAMPLES: &str = "\
Examples:
  ostler run digest -p path=Cargo.toml
  ostler run thumbnail -p path=photo.jpg -p width=256 -p output=small.png
  ostler run slow_processor -p text='one two three' -p seconds=5 --timeout 3s
  ostler run digest -p path=disk.img --max-memory 512M --retries 2
  curl -s https://example.org/ | ostler run digest --attach file=-
  ostler run word_counter --params '{\"text\": \"to be or not to be\"}' --json

The result goes to stdout. Progress and chunks go to stderr if that is a
terminal; a plugin's warnings go there always. If the job's worker dies,
stderr says what is known of it, and --json has it in `error.forensics`,
with `attempt` and `past_failures` if it ran more than once. Of --retries,
crashes and other failures each have as many.
A path need not be UTF-8, with -p, --attach and --save; in JSON one that is
not is an array of its bytes.
Ctrl-C or SIGTERM cancels the job, and -v tells how; again, it exits at once.
Exit codes: 0 completed, 1 failed, 2 wrong use, 124 timed out or stalled,
130 cancelled.";

pub(crate) const BATCH_EXAMPLES: &str = "\
Examples:
  printf '{\"path\": \"%s\"}\\n' *.iso | ostler batch digest --workers 2
  printf '{\"path\": \"%s\", \"output\": \"%s.png\"}\\n' a.jpg a b.jpg b |
    ostler batch thumbnail -p width=256

Each finished job is one line on stdout, in the order in which they finish:
  {\"line\": 1, \"id\": \"…\", \"status\": \"completed\", \"result\": …}
  {\"line\": 2, \"id\": \"…\", \"status\": \"failed\", \"error\": {\"message\": \"…\", …}}
`line` is the number of the input line, from 1; blank lines count and are
skipped. `status` is completed or failed. Each has `plugin` too, and a line
that became a job has `created_at`, `started_at`, `completed_at`,
`queued_ms`, `run_ms` and `worker_pid`; and `attempt` and `past_failures` if
it ran more than once.
A line that is no job fails, and the others go on. A path that is not UTF-8
is an array of its bytes. Files that come with a
result are only listed: let each line name its own output.
The first Ctrl-C or SIGTERM ends the reading; what was read may finish for
--grace, and what does not has the `error.kind` interrupted. A second one
ends that at once, and a third one exits whatever happens.
Exit codes: 0 all completed, 1 some failed, 2 wrong use, 130 stopped.";

pub(crate) const PLUGINS_EXAMPLES: &str = "\
Examples:
  ostler plugins
  ostler plugins --json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_a_terminal() {
        for line in
            [EXAMPLES, RUN_EXAMPLES, BATCH_EXAMPLES, PLUGINS_EXAMPLES].iter().flat_map(|page| page.lines())
        {
            assert!(line.chars().count() <= 78, "{line}");
        }
    }
}
