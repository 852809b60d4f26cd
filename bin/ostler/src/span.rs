use std::fmt;
use std::time::Duration;

/// A length of time, as a person reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, whole) = (self.0.as_secs_f64(), self.0.as_secs());
        // Before the rounding would make 1000 ms, 60.0 s or 60 min of it.
        match seconds {
            0.0..0.0095 => write!(f, "{:.1} ms", seconds * 1e3),
            ..0.9995 => write!(f, "{:.0} ms", seconds * 1e3),
            ..59.95 => write!(f, "{seconds:.1} s"),
            ..3600.0 => write!(f, "{} min {} s", whole / 60, whole % 60),
            _ => write!(f, "{} h {} min", whole / 3600, whole / 60 % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_unit_that_fits() {
        for (millis, told) in [
            (0.0, "0.0 ms"),
            (0.25, "0.2 ms"),
            (12.3, "12 ms"),
            (999.4, "999 ms"),
            (999.9, "1.0 s"),
            (1234.0, "1.2 s"),
            (59_990.0, "0 min 59 s"),
            (200_000.0, "3 min 20 s"),
            (3_600_000.0, "1 h 0 min"),
            (90_061_000.0, "25 h 1 min"),
        ] {
            assert_eq!(Span(Duration::from_secs_f64(millis / 1e3)).to_string(), told);
        }
    }
}
