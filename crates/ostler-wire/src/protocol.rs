use std::fmt;

use serde::{Deserialize, Serialize};

/// The versions of the frames that this build speaks. A host and a worker use the highest that both speak: the worker's
/// are in its [`Hello`](crate::Hello), and [`Init`](crate::Init) says which one was chosen.
pub const PROTOCOL: ProtocolRange = ProtocolRange { highest: 4, lowest: 4 };

/// Workers of earlier versions say one version, and it is the only one that they speak.
const FIRST_WITH_RANGE: u32 = 4;

/// The versions of the protocol that one side speaks: all from the lowest to the highest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProtocolRange {
    /// It comes first: in every version it stands at the same place of the first frame.
    pub highest: u32,
    /// Not above the highest, or there is no version that this side speaks.
    pub lowest: u32,
}

impl ProtocolRange {
    /// The highest version that both speak.
    ///
    /// ```
    /// use ostler_wire::ProtocolRange;
    ///
    /// let host = ProtocolRange { lowest: 4, highest: 6 };
    /// assert_eq!(host.common(ProtocolRange { lowest: 5, highest: 9 }), Some(6));
    /// assert_eq!(host.common(ProtocolRange { lowest: 7, highest: 9 }), None);
    /// ```
    #[must_use]
    pub fn common(self, other: Self) -> Option<u32> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }

    /// Whether this side speaks that version.
    #[must_use]
    pub fn speaks(self, version: u32) -> bool {
        (self.lowest..=self.highest).contains(&version)
    }

    /// Whether a worker that says this version first says a second one.
    pub(crate) const fn has_lowest(highest: u32) -> bool {
        highest >= FIRST_WITH_RANGE
    }

    /// What the first numbers of a `Hello` say; None if the second one is needed and not there yet.
    pub(crate) fn said(highest: u32, lowest: Option<u32>) -> Option<Self> {
        let lowest = if Self::has_lowest(highest) { lowest } else { Some(highest) };
        lowest.map(|lowest| Self { highest, lowest })
    }
}

impl fmt::Display for ProtocolRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lowest == self.highest {
            write!(f, "version {}", self.highest)
        } else {
            write!(f, "versions {} to {}", self.lowest, self.highest)
        }
    }
}
