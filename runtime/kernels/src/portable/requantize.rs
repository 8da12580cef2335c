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
        let scaled = match upper(product, self.s) {
            Some(scaled) => scaled,
            // The bounds are far inside: nothing is lost.
            None => shift(product, self.s).clamp(-1024, 1023) as i32,
        };
        scaled.wrapping_add(self.zero_point.into()).min(self.hi.into()).max(self.lo.into()) as i8
    }
}

/// [`Requant::apply`] of a record as it lies in an image: `m`, then the bytes `s`, `zero_point`, `lo`, `hi`. For loops over many rows:
/// inlined, but for the shifts that are rare. `m` is below 2^31: the product is one of signed numbers.
#[inline(always)]
pub fn requantize(record: [i32; 2], a: i32) -> i8 {
    let [m, rest] = record;
    let [s, zero_point, lo, hi] = rest.to_le_bytes().map(|byte| byte as i8);
    let Some(scaled) = upper(i64::from(a).wrapping_mul(i64::from(m)), s as u8) else { return any(record, a) };
    scaled.wrapping_add(zero_point.into()).min(hi.into()).max(lo.into()) as i8
}

/// As [`requantize`], by any shift. It takes the record in registers, so that the caller need not have it in memory.
#[cold]
#[inline(never)]
fn any([m, rest]: [i32; 2], a: i32) -> i8 {
    let [s, zero_point, lo, hi] = rest.to_le_bytes();
    Requant { m: m as u32, s, zero_point: zero_point as i8, lo: lo as i8, hi: hi as i8 }.apply(a)
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

/// As [`shift`] where only the upper word counts, which is at most 2^30 in magnitude.
#[inline]
fn upper(product: i64, s: u8) -> Option<i32> {
    let half = 1;
    let by = u32::from(s).checked_sub(33)?;
    Some(((product >> 32) as i32).wrapping_shr(by).wrapping_add(half) >> 1)
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
    fn both_ways_to_shift_agree() {
        for s in 33..=62 {
            for product in
                [0, 1, -1, 1 << 32, (1 << 62) - 1, -(1 << 62), (1 << (s - 1)) - 1, 1 << (s - 1), -(1 << (s - 1)) - 1]
            {
                assert_eq!(upper(product, s).map(i64::from), Some(shift(product, s)), "{product} >> {s}");
            }
        }
    }

    #[test]
    fn a_weight_of_one_changes_nothing() {
        assert_eq!(with_weight(1 << 30, 1 << 15), 1 << 30);
        assert_eq!(with_weight((1 << 31) - 1, 1 << 14), 1 << 30);
        assert_eq!(with_weight(1 << 30, 0), 0);
    }
}
