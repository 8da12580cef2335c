//! The one rounding rule: multiply, round half up, shift.

/// How an accumulator becomes a signed byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requant {
    /// `2^30 <= m < 2^31`.
    pub m: u32,
    /// `1 <= s <= 62`.
    pub s: u8,
    /// Added after the shift.
    pub zero_point: i8,
    /// Lower bound.
    pub lo: i8,
    /// Upper bound.
    pub hi: i8,
}

impl Requant {
    /// `clamp(((a * m + 2^(s-1)) >> s) + zero_point, lo, hi)`.
    #[inline]
    pub fn apply(&self, a: i32) -> i8 {
        self.finish(product(a, self.m))
    }

    /// As [`apply`](Self::apply) for what is a product already, below 2^62 in magnitude.
    #[inline(never)]
    pub fn finish(&self, product: i64) -> i8 {
        let scaled = shift(product, self.s).wrapping_add(i64::from(self.zero_point));
        scaled.min(i64::from(self.hi)).max(i64::from(self.lo)) as i8
    }
}

/// [`Requant::apply`] of a record as it lies in an image: `m`, then the bytes `s`, `zero_point`, `lo`, `hi`. For loops over many rows:
/// from a shift of 33 on, which is the rule, the upper word of the product is enough.
#[inline(always)]
pub(crate) fn requantize([m, rest]: [i32; 2], a: i32) -> i8 {
    let [s, zero_point, lo, hi] = rest.to_le_bytes();
    let [zero_point, lo, hi] = [zero_point as i8, lo as i8, hi as i8];
    let beyond = u32::from(s).wrapping_sub(33);
    if beyond >= 32 {
        return Requant { m: m as u32, s, zero_point, lo, hi }.apply(a);
    }
    // m is below 2^31. One bit before the end, half of the result's last bit is 1.
    let upper = (i64::from(a).wrapping_mul(i64::from(m)) >> 32) as i32;
    let scaled = ((upper >> beyond).wrapping_add(1) >> 1).wrapping_add(zero_point.into());
    scaled.min(hi.into()).max(lo.into()) as i8
}

/// `(p * m + 2^(s-1)) >> s`, the low 32 bits. `m` is at most 2^31, `s` from 1 to 62.
#[inline]
pub fn rescale(p: i32, m: u32, s: u8) -> i32 {
    shift(product(p, m), s) as i32
}

/// The multiplier `m` with a Q15 weight in it: `(m * weight + 2^14) >> 15`, at most 2^31.
#[inline]
pub fn with_weight(m: u32, weight: u16) -> u32 {
    ((u64::from(m) * u64::from(weight) + (1 << 14)) >> 15) as u32
}

// A product of 2^31 and 2^31 and half of 2^62 fit in 63 bits. Wrapping forms have no panic to reach.
#[inline]
fn product(a: i32, m: u32) -> i64 {
    i64::from(a).wrapping_mul(i64::from(m))
}

// Not inlined, and only one shift by a variable: these are long in 64 bits. One bit before the end, half of the result's last bit is 1.
#[inline(never)]
fn shift(product: i64, s: u8) -> i64 {
    let half = 1;
    product.wrapping_shr(u32::from(s).wrapping_sub(1)).wrapping_add(half) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Requant = Requant { m: 1 << 30, s: 31, zero_point: 0, lo: -128, hi: 127 };

    #[test]
    fn halves_round_up() {
        assert_eq!([3, 1, 0, -1, -2, -3].map(|a| HALF.apply(a)), [2, 1, 0, 0, -1, -1]);
    }

    #[test]
    fn zero_point_and_bounds_come_last() {
        let relu6 = Requant { zero_point: -10, lo: -10, hi: 20, ..HALF };
        assert_eq!([-50, 0, 8, 1000, i32::MAX, i32::MIN].map(|a| relu6.apply(a)), [-10, -10, -6, 20, 20, -10]);
    }

    #[test]
    fn the_extremes_of_the_multiplier_do_not_overflow() {
        let unit = Requant { m: (1 << 31) - 1, s: 62, ..HALF };
        assert_eq!(unit.apply(i32::MIN), -1);
        assert_eq!(rescale(i32::MIN, 1 << 31, 31), i32::MIN);
        assert_eq!(rescale(i32::MIN, (1 << 31) - 1, 1), 1 << 30);
    }

    #[test]
    fn a_record_in_words_means_the_same() {
        let mut bits = 1u64;
        for i in 0..200_000u32 {
            bits = bits.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let a = [bits as i32, (bits >> 40) as i32, i32::MAX, i32::MIN, 0][i as usize % 5];
            let (m, s) = ((1 << 30) + (bits >> 34) as u32, 1 + (i % 62) as u8);
            let record =
                Requant { m, s, zero_point: (bits >> 8) as i8, lo: -(i as i8 & 0x7F), hi: (i >> 7) as i8 & 0x7F };
            let rest = [s, record.zero_point as u8, record.lo as u8, record.hi as u8];
            assert_eq!(requantize([m as i32, i32::from_le_bytes(rest)], a), record.apply(a), "{record:?}, {a}");
        }
    }

    #[test]
    fn a_weight_of_one_changes_nothing() {
        assert_eq!(with_weight(1 << 30, 1 << 15), 1 << 30);
        assert_eq!(with_weight((1 << 31) - 1, 1 << 14), 1 << 30);
        assert_eq!(with_weight(1 << 30, 0), 0);
    }
}
