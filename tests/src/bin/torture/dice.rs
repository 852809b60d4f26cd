use std::ops::Range;
use std::time::Duration;

/// SplitMix64, as in the restart policy's jitter: small, and good enough to draw lots.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of its own for each who throws, so that what one draws does not depend on how fast the others are.
    pub(crate) fn new(seed: u64, of: &str) -> Self {
        // FNV-1a.
        let name = of.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        Self(seed ^ name)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of the range.
    pub(crate) fn of(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start).max(1)
    }

    /// The same for what counts workers and attempts.
    pub(crate) fn small(&mut self, range: Range<u32>) -> u32 {
        u32::try_from(self.of(u64::from(range.start)..u64::from(range.end))).unwrap_or(range.start)
    }

    /// True so often in a hundred.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.of(0..100) < chance
    }

    /// So many milliseconds.
    pub(crate) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.of(range))
    }

    /// One of these, or nothing of none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.of(0..from.len() as u64)).unwrap_or_default();
        from.get(index)
    }

    /// The name of one of these, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(u64, T)]) -> Option<T> {
        let total = from.iter().map(|(weight, _)| weight).sum();
        let mut at = self.of(0..total);
        from.iter()
            .find(|(weight, _)| {
                let hit = at < *weight;
                at = at.saturating_sub(*weight);
                hit
            })
            .map(|(_, it)| *it)
    }
}
