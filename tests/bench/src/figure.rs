use serde::{Deserialize, Serialize};

/// Median and tail of many measurements of one thing, in the unit of whoever holds it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// The median.
    pub p50: f64,
    /// What 99 of 100 are not worse than. With fewer than 100 measurements it is the worst one.
    pub p99: f64,
    /// How many were measured.
    pub n: usize,
}

/// Which part of a [`Figure`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantile {
    /// The median.
    P50,
    /// The tail.
    P99,
}

impl Figure {
    /// Of times, bytes, and whatever else is better when it is less. None without any samples.
    pub(crate) fn of(mut samples: Vec<f64>) -> Option<Self> {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (samples.len() as f64 * share).ceil() as usize;
            samples.get(rank.saturating_sub(1)).copied()
        };
        Some(Self { p50: at(0.5)?, p99: at(0.99)?, n: samples.len() })
    }

    /// Of rates, where the tail is at the other end.
    pub(crate) fn of_rates(samples: Vec<f64>) -> Option<Self> {
        let negative = Self::of(samples.into_iter().map(|sample| -sample).collect())?;
        Some(Self { p50: -negative.p50, p99: -negative.p99, n: negative.n })
    }

    /// The part that counts.
    pub fn at(&self, quantile: Quantile) -> f64 {
        match quantile {
            Quantile::P50 => self.p50,
            Quantile::P99 => self.p99,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_tail_are_those_of_the_sorted_samples() {
        let samples = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Figure::of(samples), Some(Figure { p50: 100.0, p99: 198.0, n: 200 }));
    }

    #[test]
    fn the_tail_of_few_samples_is_the_worst_of_them() {
        assert_eq!(Figure::of(vec![3.0, 1.0, 2.0]), Some(Figure { p50: 2.0, p99: 3.0, n: 3 }));
        assert_eq!(Figure::of_rates(vec![3.0, 1.0, 2.0]), Some(Figure { p50: 2.0, p99: 1.0, n: 3 }));
        assert_eq!(Figure::of(Vec::new()), None);
    }
}
