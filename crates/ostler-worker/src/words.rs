//! Texts for people that are too long for a frame: shortened, so that what they are about is still told.

use ostler_wire::FromWorker;

/// No person reads more than this of one text, in bytes.
const LONGEST: usize = 16 * 1024;

/// The same message with shorter texts, for one that is over the frame limit; `None` if it is not too large for its
/// texts. Kind and category of a failure stay as they are.
pub(crate) fn shortened(message: &FromWorker, limit: usize) -> Option<FromWorker> {
    let mut message = match message {
        // A response is no text.
        FromWorker::Result { outcome: Ok(_), .. } | FromWorker::StreamChunk { .. } => return None,
        other => other.clone(),
    };
    let mut texts: Vec<&mut String> = match &mut message {
        FromWorker::Result { outcome: Err(failure), .. } => vec![&mut failure.message],
        FromWorker::Response { result: Err(message), .. }
        | FromWorker::Progress { message, .. }
        | FromWorker::Log { message, .. }
        | FromWorker::Error { message } => vec![message],
        FromWorker::Ready { failed, .. } => failed.iter_mut().map(|failure| &mut failure.message).collect(),
        _ => return None,
    };
    // The rest of the frame has the other half.
    let room = LONGEST.min(limit / 2 / texts.len().max(1));
    let was: usize = texts.iter().map(|text| text.len()).sum();
    texts.iter_mut().for_each(|text| shorten(text, room));
    let is = texts.iter().map(|text| text.len()).sum::<usize>();
    (is < was).then_some(message)
}

/// Keeps the begin, which says what it is, and the end, which often says why.
fn shorten(text: &mut String, room: usize) {
    if text.len() <= room {
        return;
    }
    let note = |left_out: usize| format!(" [{left_out} bytes are left out here] ");
    let kept = room.saturating_sub(note(text.len()).len());
    let begin = text.floor_char_boundary(kept / 2);
    let end = text.ceil_char_boundary(text.len() - kept / 2);
    *text = format!("{}{}{}", &text[..begin], note(end - begin), &text[end..]);
}

#[cfg(test)]
mod tests {
    use ostler_wire::{Category, Failure, FailureKind, JobId, LoadFailure, LogLevel};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn of_a_long_text_begin_and_end_are_kept_and_no_letter_is_torn() {
        let mut text = format!("begin {} end", "ä".repeat(1_000));
        shorten(&mut text, 200);
        assert!(text.len() <= 200, "{}", text.len());
        assert!(text.starts_with("begin ä") && text.ends_with("ä end"), "{text}");
        assert!(text.contains("bytes are left out here"), "{text}");
        let mut short = "short".to_owned();
        shorten(&mut short, 5);
        assert_eq!(short, "short");
    }

    #[test]
    fn kind_and_category_stay_and_a_response_is_no_text() {
        let job = JobId::from_uuid(Uuid::nil());
        let result = |outcome| FromWorker::Result { request: 1, job, attempt: 1, outcome };
        let failure = |kind| Failure { kind, category: Category::Input, message: "x".repeat(100_000) };
        for kind in [FailureKind::Plugin, FailureKind::Panicked] {
            let Some(FromWorker::Result { outcome: Err(short), .. }) =
                shortened(&result(Err(failure(kind))), 4_096)
            else {
                unreachable!("it stays a failure");
            };
            assert_eq!((short.kind, short.category), (kind, Category::Input));
            assert!(short.message.len() <= 2_048);
        }
        assert_eq!(shortened(&result(Ok(ostler_wire::Payload::empty())), 4_096), None);
    }

    #[test]
    fn many_texts_share_the_room() {
        let failed = |name: &str| LoadFailure { plugin: name.to_owned(), message: "x".repeat(100_000) };
        let ready = FromWorker::Ready { request: 1, loaded: vec![], failed: vec![failed("a"), failed("b")] };
        let Some(FromWorker::Ready { failed, .. }) = shortened(&ready, 4_096) else {
            unreachable!("it stays what it is");
        };
        assert!(failed.iter().all(|failure| failure.message.len() <= 1_024));
        let log = FromWorker::Log { job: None, level: LogLevel::Info, message: "short".to_owned() };
        assert_eq!(shortened(&log, 4_096), None);
    }
}
