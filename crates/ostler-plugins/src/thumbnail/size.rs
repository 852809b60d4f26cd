use ostler_worker::PluginError;

/// The most pixels of a thumbnail.
const MAX_PIXELS: u64 = 1 << 26;

/// The size of the thumbnail: as large as fits into the box, in the shape of the image.
pub(super) fn fit(
    (source_width, source_height): (u32, u32),
    width: u32,
    height: Option<u32>,
    upscale: bool,
) -> Result<(u32, u32), PluginError> {
    let (source_width, source_height) = (u64::from(source_width.max(1)), u64::from(source_height.max(1)));
    let (mut wide, mut high) = (u64::from(width), height.map(u64::from));
    if !upscale {
        wide = wide.min(source_width);
        high = high.map(|high| high.min(source_height));
    }
    let (width, height) = match high {
        Some(high) if high * source_width < wide * source_height => {
            (share(source_width, high, source_height), high)
        }
        _ => (wide, share(source_height, wide, source_width)),
    };
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(wide), Ok(high)) if width * height <= MAX_PIXELS => Ok((wide, high)),
        _ => Err(PluginError::input(format!(
            "the thumbnail would have {width} x {height} pixels, more than {MAX_PIXELS}: ask for a smaller \
             `width`, or give a `height`"
        ))),
    }
}

/// `length * part / whole`, rounded, and at least 1.
fn share(length: u64, part: u64, whole: u64) -> u64 {
    ((2 * length * part + whole) / (2 * whole)).max(1)
}

#[cfg(test)]
mod tests {
    use super::fit;

    fn size(source: (u32, u32), width: u32, height: Option<u32>, upscale: bool) -> (u32, u32) {
        fit(source, width, height, upscale).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_height_follows_from_the_width() {
        assert_eq!(size((4000, 3000), 256, None, false), (256, 192));
        assert_eq!(size((3, 2), 2, None, false), (2, 1));
        assert_eq!(size((1000, 1), 10, None, false), (10, 1));
    }

    #[test]
    fn a_box_is_not_exceeded_in_either_direction() {
        assert_eq!(size((4000, 3000), 256, Some(96), false), (128, 96));
        assert_eq!(size((4000, 3000), 256, Some(1000), false), (256, 192));
        assert_eq!(size((1, 1000), 256, Some(10), false), (1, 10));
    }

    #[test]
    fn an_image_is_made_larger_only_when_asked() {
        assert_eq!(size((40, 30), 256, None, false), (40, 30));
        assert_eq!(size((40, 30), 256, Some(15), false), (20, 15));
        assert_eq!(size((40, 30), 80, None, true), (80, 60));
        assert_eq!(size((40, 30), 80, Some(45), true), (60, 45));
    }

    #[test]
    fn a_monstrous_thumbnail_is_refused() {
        for source in [(1, 32_768), (16, 16)] {
            let Err(error) = fit(source, 16_384, None, true) else { panic!("{source:?} was accepted") };
            assert!(error.message().contains("more than 67108864"), "{error}");
        }
        assert_eq!(size((4, 1), 16_384, None, true), (16_384, 4096));
    }
}
