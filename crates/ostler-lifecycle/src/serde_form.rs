//! How durations and sizes are written in JSON and in configuration files: one form everywhere.
//!
//! - A duration is text in decimal seconds with the unit, as in `"1.5s"`: the form that [protobuf's JSON
//!   mapping](https://protobuf.dev/programming-guides/json/) gives to durations. It is exact. It may also be written with
//!   other units, as in `"2m 30s"`.
//! - A size is a number of bytes. It may also be written as text with a unit, as in `"512M"`.
//!
//! In formats that nobody reads, such as bincode, both are numbers.

/// For `#[serde(with)]` on a [`Duration`](std::time::Duration).
pub mod duration {
    use std::fmt;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// Writes it as in `"1.5s"`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(&format_args!("{}s", decimal(*duration))),
            false => duration.serialize(serializer),
        }
    }

    /// Reads `"1.5s"`, or what humantime reads.
    ///
    /// # Errors
    /// It is no duration with a unit.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        if !deserializer.is_human_readable() {
            return Duration::deserialize(deserializer);
        }
        deserializer.deserialize_str(Text)
    }

    struct Text;

    impl de::Visitor<'_> for Text {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration with its unit, as in \"1.5s\" or \"2m 30s\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).ok_or_else(|| {
                E::custom(format_args!("`{text}` is no duration: write it as in \"1.5s\" or \"2m 30s\""))
            })
        }
    }

    /// Exact, and without digits that say nothing.
    fn decimal(duration: Duration) -> String {
        let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn parse(text: &str) -> Option<Duration> {
        seconds(text).or_else(|| humantime::parse_duration(text).ok())
    }

    fn seconds(text: &str) -> Option<Duration> {
        let number = text.strip_suffix('s')?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) || part.len() > 9 {
            return None;
        }
        Some(Duration::new(whole.parse().ok()?, format!("{part:0<9}").parse().ok()?))
    }

    /// For `#[serde(with)]` on an `Option<Duration>`.
    pub mod option {
        use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

        #[derive(Serialize, Deserialize)]
        struct Form(#[serde(with = "super")] Duration);

        /// As [`super::serialize`], or null.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            duration.map(Form).serialize(serializer)
        }

        /// As [`super::deserialize`], or null.
        ///
        /// # Errors
        /// It is no duration with a unit.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<Form>::deserialize(deserializer)?.map(|Form(duration)| duration))
        }
    }
}

/// For `#[serde(with)]` on an `Option<u64>` that is a number of bytes.
pub mod byte_size {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::ByteSize;

    /// Writes the number, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.serialize(serializer)
    }

    /// Reads a number, a text as in `"512M"`, or null.
    ///
    /// # Errors
    /// It is no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(Option::<ByteSize>::deserialize(deserializer)?.map(|ByteSize(bytes)| bytes))
    }
}

/// For `#[serde(with)]` on a `usize` that is a number of bytes.
pub mod byte_count {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use crate::ByteSize;

    /// Writes the number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &usize, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.serialize(serializer)
    }

    /// Reads a number, or a text as in `"512M"`.
    ///
    /// # Errors
    /// It is no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        usize::try_from(ByteSize::deserialize(deserializer)?.0).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Both {
        #[serde(with = "super::duration")]
        time: Duration,
        #[serde(default, with = "super::byte_size")]
        size: Option<u64>,
    }

    fn read(time: &str, size: &str) -> Result<Both, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"time": "{time}", "size": {size}}}"#))
    }

    #[test]
    fn a_duration_is_written_exactly_and_read_back() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "0.000000001s"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "60s"),
            (u128::from(u64::MAX) * 1_000_000_000 + 999_999_999, "18446744073709551615.999999999s"),
        ] {
            let time = Duration::from_nanos_u128(nanos);
            let json = serde_json::to_string(&Both { time, size: None }).unwrap();
            assert_eq!(json, format!(r#"{{"time":"{text}","size":null}}"#));
            assert_eq!(serde_json::from_str::<Both>(&json).unwrap().time, time);
        }
    }

    #[test]
    fn other_units_are_read_too_and_what_has_none_is_refused() {
        assert_eq!(read("2m 30s", "null").unwrap().time, Duration::from_secs(150));
        assert_eq!(read("250ms", "null").unwrap().time, Duration::from_millis(250));
        for wrong in ["", "5", "s", ".5s", "1.s", "-1s", "+1s", "1.0000000001s", "1e3s", "soon"] {
            let error = read(wrong, "null").unwrap_err().to_string();
            assert!(error.contains("is no duration: write it as in \"1.5s\""), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_size_is_a_number_or_a_text_with_a_unit() {
        assert_eq!(read("1s", "4096").unwrap().size, Some(4096));
        assert_eq!(read("1s", "\"512M\"").unwrap().size, Some(512 << 20));
        assert!(read("1s", "\"512\"").unwrap_err().to_string().contains("512M or 2G"));
        assert!(read("1s", "-1").is_err());
    }
}
