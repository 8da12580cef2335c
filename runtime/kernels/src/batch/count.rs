//! Ones of each sample.

use super::{Plane, both, transpose};

/// Number of ones among the planes, for every sample: that of sample `32 * c + r` in `counts[r][c]`.
///
/// Planes are added up in planes of ones, twos, fours and eights (carry-save adders, seven planes a round), so that only the carry out of
/// these ripples through the counter's other planes; the counter's planes are transposed at the end.
#[inline(always)]
pub fn count_ones<const N: usize>(planes: &[Plane<N>], counts: &mut [Plane<N>; 32]) {
    if N == 1 {
        single(planes.as_flattened(), counts.as_flattened_mut());
    } else {
        count(planes, counts);
    }
}

/// Planes of one word: not a type parameter, so that this crate compiles it, for speed.
#[inline(never)]
fn single(planes: &[u32], counts: &mut [u32]) {
    if let ([counts], _) = counts.as_chunks_mut::<1>().0.as_chunks_mut() {
        count::<1>(planes.as_chunks().0, counts);
    }
}

#[inline(always)]
fn count<const N: usize>(planes: &[Plane<N>], counts: &mut [Plane<N>; 32]) {
    *counts = [[0; N]; 32];
    // As many planes as the largest count has bits: a loop over all that there could be would be unrolled.
    let bits = (usize::BITS - planes.len().leading_zeros()) as usize;
    let [ones, twos, fours, eights @ ..] = counts;
    let eights = eights.get_mut(..bits.saturating_sub(3)).unwrap_or_default();
    let (sevens, rest) = planes.as_chunks::<7>();
    for [a, b, c, d, e, f, g] in sevens {
        let two = [add(ones, a, b), add(ones, c, d), add(ones, e, f)];
        let last = half_add(ones, g);
        let four = [add(twos, &two[0], &two[1]), add(twos, &two[2], &last)];
        ripple(eights, add(fours, &four[0], &four[1]));
    }
    for plane in rest {
        let two = half_add(ones, plane);
        let four = half_add(twos, &two);
        ripple(eights, half_add(fours, &four));
    }
    transpose(counts);
}

/// Adds `carry` to a counter, as far as carries go.
#[inline(always)]
fn ripple<const N: usize>(counter: &mut [Plane<N>], mut carry: Plane<N>) {
    for plane in counter {
        if carry.iter().fold(0, |any, word| any | word) == 0 {
            break;
        }
        carry = half_add(plane, &carry);
    }
}

/// `sum` becomes the sum's bit; gives the carry.
#[inline(always)]
fn half_add<const N: usize>(sum: &mut Plane<N>, a: &Plane<N>) -> Plane<N> {
    let carry = both(sum, a, |s, a| s & a);
    *sum = both(sum, a, |s, a| s ^ a);
    carry
}

/// As [`half_add`] with two planes more.
#[inline(always)]
fn add<const N: usize>(sum: &mut Plane<N>, a: &Plane<N>, b: &Plane<N>) -> Plane<N> {
    let one = both(sum, a, |s, a| s ^ a);
    let carry = both(sum, a, |s, a| s & a);
    *sum = both(&one, b, |one, b| one ^ b);
    let other = both(&one, b, |one, b| one & b);
    both(&carry, &other, |carry, other| carry | other)
}

#[cfg(test)]
mod tests {
    use super::count_ones;

    #[test]
    fn as_many_as_there_are() {
        let planes: [[u32; 2]; 300] =
            core::array::from_fn(|i| [(i as u32 + 1).wrapping_mul(0x9E37_79B9), u32::MAX << (i % 31)]);
        let mut counts = [[7; 2]; 32];
        for n in 0..planes.len() {
            count_ones(&planes[..n], &mut counts);
            for (r, row) in counts.iter().enumerate() {
                for (c, &count) in row.iter().enumerate() {
                    let want: u32 = planes[..n].iter().map(|plane| plane[c] >> r & 1).sum();
                    assert_eq!(count, want, "{n} planes, sample {}", 32 * c + r);
                }
            }
        }
    }
}
