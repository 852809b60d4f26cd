use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

/// A number of bytes, as a person reads and writes it: in powers of 1024, as in `512M` or `2G`.
///
/// ```
/// # mod ostler { pub use ostler_lifecycle::*; }
/// use ostler::ByteSize;
///
/// assert_eq!("1.5G".parse(), Ok(ByteSize(1_610_612_736)));
/// assert_eq!(ByteSize(34 << 20).to_string(), "34 MiB");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct ByteSize(pub u64);

/// A text is no size.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ByteSizeError {
    /// It is no number with a unit.
    #[error("write it as in 512M or 2G")]
    Form,
    /// It is nothing, or more than any machine has.
    #[error("it must be more than zero and at most 1048576T; write it as in 512M or 2G")]
    Bounds,
}

const UNITS: [(&str, u32); 4] = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
/// More than any machine has, and less than what a whole number can hold.
const LARGEST: u64 = 1 << 60;

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    /// Reads a text such as `512M`, `1.5G` or `2GiB`.
    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').ok_or(ByteSizeError::Form)?;
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().map_err(|_| ByteSizeError::Form)?;
        let unit = unit.trim().to_uppercase();
        let unit = unit.strip_suffix("IB").or_else(|| unit.strip_suffix('B')).unwrap_or(&unit);
        let (_, power) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(ByteSizeError::Form)?;
        let bytes = number * (1_u64 << power) as f64;
        if !(1.0..=LARGEST as f64).contains(&bytes) {
            return Err(ByteSizeError::Bounds);
        }
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.into_iter().rev().find(|(_, power)| self.0 >= 1 << power);
        let Some((unit, power)) = unit else { return write!(f, "{} bytes", self.0) };
        let number = self.0 as f64 / (1_u64 << power) as f64;
        let digits = usize::from(number < 10.0);
        write!(f, "{number:.digits$} {unit}iB")
    }
}

/// From a number, or from a text with a unit.
impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number of bytes, or a text as in \"512M\" or \"2G\"")]
        enum Form<'a> {
            Number(u64),
            Text(Cow<'a, str>),
        }
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Self);
        }
        match Form::deserialize(deserializer)? {
            Form::Number(bytes) => Ok(Self(bytes)),
            Form::Text(text) => {
                text.parse().map_err(|error| de::Error::custom(format_args!("`{text}` is no size: {error}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_and_bounds() {
        for (text, bytes) in [
            ("512M", 512 << 20),
            ("2G", 2 << 30),
            ("2GiB", 2 << 30),
            ("2gb", 2 << 30),
            ("1.5 G", 3 << 29),
            ("64k", 64 << 10),
            ("1T", 1 << 40),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["512", "", "M", "-1M", "1.2.3M", "1e3M", "infM", "1X", "1Mi", "0M", "99999999T"] {
            let error = text.parse::<ByteSize>().map_err(|error| error.to_string());
            assert!(error.is_err_and(|error| error.contains("512M or 2G")), "{text}");
        }
    }

    #[test]
    fn a_size_is_told_with_as_many_digits_as_matter() {
        let told = [0, 1023, 1 << 10, 9_961_472, 34 << 20, 3 << 29, 1 << 40]
            .map(|bytes| ByteSize(bytes).to_string());
        assert_eq!(told, ["0 bytes", "1023 bytes", "1.0 KiB", "9.5 MiB", "34 MiB", "1.5 GiB", "1.0 TiB"]);
    }
}
