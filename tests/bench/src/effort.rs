/// How often things are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effort {
    /// For figures.
    Full,
    /// To see that it runs.
    Quick,
}

impl Effort {
    /// The first for figures, the second to see that it runs.
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}
