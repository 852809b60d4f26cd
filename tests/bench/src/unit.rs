use serde::{Deserialize, Serialize};

/// What a figure counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Time; less is better.
    Nanoseconds,
    /// Jobs in a second; more is better.
    JobsPerSecond,
    /// Memory; less is better.
    Bytes,
}

impl Unit {
    /// The value with three digits and a unit that suits it.
    pub fn show(self, value: f64) -> String {
        let scales: &[(f64, &str)] = match self {
            Self::Nanoseconds => &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")],
            Self::JobsPerSecond => return format!("{}/s", thousands(value)),
            Self::Bytes => &[(1024.0 * 1024.0, "MiB"), (1024.0 * 10.0, "KiB"), (1.0, "B")],
        };
        let (scale, name) =
            scales.iter().find(|(scale, _)| value >= *scale).unwrap_or(&scales[scales.len() - 1]);
        let scale = if *name == "KiB" { 1024.0 } else { *scale };
        format!("{} {name}", three_digits(value / scale))
    }
}

/// A number with three digits that count, as far as it is not longer.
pub(crate) fn three_digits(value: f64) -> String {
    let whole = if value == 0.0 { 1 } else { value.abs().log10().floor() as i32 + 1 };
    let decimals = (3 - whole).clamp(0, 3) as usize;
    if decimals == 0 { thousands(value) } else { format!("{value:.decimals$}") }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_a_unit_that_suits_them() {
        assert_eq!(Unit::Nanoseconds.show(40_449.0), "40.4 µs");
        assert_eq!(Unit::Nanoseconds.show(0.46), "0.460 ns");
        assert_eq!(Unit::Nanoseconds.show(5_012_000_000.0), "5.01 s");
        assert_eq!(Unit::JobsPerSecond.show(817_536.2), "817,536/s");
        assert_eq!(Unit::Bytes.show(2.5 * 1024.0 * 1024.0), "2.50 MiB");
        assert_eq!(Unit::Bytes.show(1234.0), "1,234 B");
    }
}
