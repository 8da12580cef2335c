//! Cargo features of the application that an image needs.

use leafgate_image::{FEATURE_PAIRS, FEATURE_T2, FEATURE_W4, Header};
use zerocopy::FromBytes;

/// Feature bits of an image that every application runs: ops 1 to 8, and matrices in pairs.
const ALWAYS: u32 = 0x1FE | FEATURE_PAIRS;

/// Other feature bits, and the cargo feature that they need.
const FEATURES: [(u32, &str); 1] = [(FEATURE_W4 | FEATURE_T2, "low-bit")];

/// The features that the application needs for an image; none: all of them, for the image has what is not known here. What is no image
/// needs none: any application refuses it.
pub(crate) fn needed(image: &[u8]) -> Option<Vec<&'static str>> {
    let bits = Header::read_from_prefix(image).map_or(0, |(header, _)| header.features);
    let known = FEATURES.iter().fold(ALWAYS, |known, (mask, _)| known | mask);
    let named = FEATURES.iter().filter(|(mask, _)| bits & mask != 0).map(|&(_, name)| name);
    (bits & !known == 0).then(|| named.collect())
}

#[cfg(test)]
mod tests {
    use super::needed;
    use leafgate_image::{FEATURE_PAIRS, FEATURE_T2, FEATURE_W4, Header};
    use zerocopy::IntoBytes;

    #[test]
    fn an_image_says_what_it_needs() {
        let of = |features| needed(Header { features, ..Header::default() }.as_bytes());
        assert_eq!(of(0x1FE | FEATURE_PAIRS), Some(vec![]));
        assert_eq!(of(1 << 1 | FEATURE_W4), Some(vec!["low-bit"]));
        assert_eq!(of(1 << 1 | FEATURE_T2 | FEATURE_W4), Some(vec!["low-bit"]));
        assert_eq!(of(1 << 31), None);
        assert_eq!(needed(b"LEAF"), Some(vec![]));
    }
}
