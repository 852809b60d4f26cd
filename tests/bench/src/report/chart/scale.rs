/// A logarithmic scale over whole powers of its base, from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Scale {
    base: f64,
    first: i32,
    last: i32,
}

impl Scale {
    /// So wide that all of these lie on it; those that are not above zero do not count.
    pub(super) fn over(base: f64, values: impl IntoIterator<Item = f64>) -> Self {
        let (mut first, mut last) = (i32::MAX, i32::MIN);
        for power in values.into_iter().filter(|value| *value > 0.0).map(|value| power(base, value)) {
            first = first.min(power.floor() as i32);
            last = last.max(power.ceil() as i32);
        }
        let (first, last) = if first == i32::MAX { (0, 1) } else { (first, last.max(first + 1)) };
        Self { base, first, last }
    }

    pub(super) fn place(self, value: f64) -> f64 {
        let power = power(self.base, value.max(f64::MIN_POSITIVE)) - f64::from(self.first);
        (power / f64::from(self.last - self.first)).clamp(0.0, 1.0)
    }

    /// The powers on it.
    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        (self.first..=self.last).map(move |power| self.base.powi(power))
    }
}

/// The logarithm; of a whole power it is whole.
fn power(base: f64, value: f64) -> f64 {
    (value.log(base) * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_lie_on_it() {
        let scale = Scale::over(10.0, [40.0, 3_000.0]);
        assert_eq!(scale.ticks().collect::<Vec<_>>(), [10.0, 100.0, 1_000.0, 10_000.0]);
        assert_eq!([10.0, 10_000.0].map(|value| scale.place(value)), [0.0, 1.0]);
        assert!((scale.place(100.0) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_single_value_has_room() {
        assert_eq!(Scale::over(10.0, [100.0]).place(1_000.0), 1.0);
        assert_eq!(Scale::over(4.0, []).place(0.0), 0.0);
    }
}
