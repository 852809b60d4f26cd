use crate::Result;

/// A page in which parts are generated, each between two comments. What stands around them is left as it is.
pub(super) struct Document(String);

impl Document {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// Replaces a part.
    pub(super) fn put(&mut self, name: &str, content: &str) -> Result<()> {
        let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
        let missing = || format!("BENCHMARKS.md has no part between {} and {end}", begin.trim_end());
        let from = self.0.find(&begin).ok_or_else(missing)? + begin.len();
        let to = from + self.0[from..].find(&end).ok_or_else(missing)?;
        self.0.replace_range(from..to, content);
        Ok(())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_part_survives() {
        let mut page =
            Document::new("by hand\n<!-- begin w1 -->\nold\n<!-- end w1 -->\nby hand, too\n".into());
        assert!(page.put("w1", "new\n").is_ok());
        assert_eq!(page.text(), "by hand\n<!-- begin w1 -->\nnew\n<!-- end w1 -->\nby hand, too\n");
        assert!(page.put("w2", "new\n").is_err());
    }
}
