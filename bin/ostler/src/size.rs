use std::fmt;

/// A number of bytes, as a person reads and writes it: in powers of 1024.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Size(pub(crate) u64);

const UNITS: [(&str, u32); 4] = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];

/// The size in a text such as `512M`, `1.5G` or `2GiB`.
pub(crate) fn parse_size(text: &str) -> Result<Size, String> {
    let form = || "write it as in 512M or 2G".to_owned();
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').ok_or_else(form)?;
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| form())?;
    let unit = unit.trim().to_uppercase();
    let unit = unit.strip_suffix("IB").or_else(|| unit.strip_suffix('B')).unwrap_or(&unit);
    let (_, power) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(form)?;
    let bytes = number * (1_u64 << power) as f64;
    // More than any machine has, and less than what a whole number can hold.
    if !(1.0..=(1_u64 << 60) as f64).contains(&bytes) {
        return Err(format!("it must be more than zero and not absurdly much; {}", form()));
    }
    Ok(Size(bytes as u64))
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.into_iter().rev().find(|(_, power)| self.0 >= 1 << power);
        let Some((unit, power)) = unit else { return write!(f, "{} bytes", self.0) };
        let number = self.0 as f64 / (1_u64 << power) as f64;
        let digits = usize::from(number < 10.0);
        write!(f, "{number:.digits$} {unit}iB")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

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
            assert_eq!(parse_size(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["512", "", "M", "-1M", "1.2.3M", "1e3M", "infM", "1X", "1Mi", "0M", "99999999T"] {
            assert!(parse_size(text).unwrap_err().contains("512M or 2G"), "{text}");
        }
    }

    #[test]
    fn a_size_is_told_with_as_many_digits_as_matter() {
        let told =
            [0, 1023, 1 << 10, 9_961_472, 34 << 20, 3 << 29, 1 << 40].map(|bytes| Size(bytes).to_string());
        assert_eq!(told, ["0 bytes", "1023 bytes", "1.0 KiB", "9.5 MiB", "34 MiB", "1.5 GiB", "1.0 TiB"]);
    }
}
