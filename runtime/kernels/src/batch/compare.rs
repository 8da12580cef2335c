//! Thresholds on planes.

use super::{Plane, both};

/// The plane of `x > threshold`, of signed bytes `x` whose bits are the planes, the lowest first.
///
/// From the lowest bit to the highest, `x` so far is greater where its bit is set and the threshold's is not, and stays greater
/// where both are equal: an OR where the threshold's bit is 0, an AND where it is 1. The signs count the other way round.
#[inline(always)]
pub fn is_greater<const N: usize>(x: &[Plane<N>; 8], threshold: i8) -> Plane<N> {
    let [low @ .., sign] = x;
    let (mut greater, mut bits) = ([0; N], threshold as u8);
    for plane in low {
        let is_set = 0u32.wrapping_sub(u32::from(bits & 1));
        greater = both(plane, &greater, |x, greater| (x & greater) | (x | greater) & !is_set);
        bits >>= 1;
    }
    let is_set = 0u32.wrapping_sub(u32::from(bits & 1));
    both(sign, &greater, |x, greater| (!x & greater) | (!x | greater) & is_set)
}

#[cfg(test)]
mod tests {
    use super::is_greater;

    #[test]
    fn every_byte_and_every_threshold() {
        // The bytes -128 to 127, as 256 samples.
        let planes: [[u32; 8]; 8] = core::array::from_fn(|bit| {
            core::array::from_fn(|word| {
                (0..32).fold(0, |all, s| all | ((word as u32 * 32 + s).wrapping_sub(128) >> bit & 1) << s)
            })
        });
        for threshold in i8::MIN..=i8::MAX {
            let have = is_greater(&planes, threshold);
            for x in i8::MIN..=i8::MAX {
                let s = (i32::from(x) + 128) as usize;
                assert_eq!(have[s / 32] >> (s % 32) & 1 == 1, x > threshold, "{x} > {threshold}");
            }
        }
    }
}
