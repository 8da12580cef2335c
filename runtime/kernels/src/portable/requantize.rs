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
    /// `clamp(((a * m + 2^(s-1)) >> s) + zero_point, lo, hi)`. Small: [`requantize`] is for loops.
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
        self.bounded(scaled)
    }

    #[inline(always)]
    fn bounded(&self, scaled: i32) -> i8 {
        scaled.wrapping_add(self.zero_point.into()).min(self.hi.into()).max(self.lo.into()) as i8
    }
}

/// [`Requant::apply`] of a record as it lies in an image: `m`, then the bytes `s`, `zero_point`, `lo`, `hi`. For loops over many rows:
/// inlined, but for the shifts that are rare. `m` is below 2^31: the product is one of signed numbers.
///
/// From `s = 33` on half of `2^s` is a multiple of `2^32`, so that adding it carries nothing out of the lower word `l` of a product, and
/// `(2^32*u + l + 2^(s-1)) >> s = (u + 2^(s-33)) >> (s-32) = ((u >> (s-33)) + 1) >> 1`.
#[inline(always)]
pub fn requantize(record: [i32; 2], a: i32) -> i8 {
    let [m, rest] = record;
    let [s, zero_point, lo, hi] = rest.to_le_bytes().map(|byte| byte as i8);
    let Some(scaled) = upper(i64::from(a).wrapping_mul(i64::from(m)), s as u8) else { return any(record, a) };
    scaled.wrapping_add(zero_point.into()).min(hi.into()).max(lo.into()) as i8
}

/// As [`requantize`], by a shift below 33: `a * m / 2^s = (a * 2^k) * m / 2^33` with `k = 33 - s`. Where `a * 2^k` does not fit a word,
/// `|a| >= 2^(31-k)` and the quotient is at least `2^28`, beyond any bound; and so it is of the largest word of that sign. For the same reason 30 does
/// for a larger `k`: 1 already gives `2^27`. It takes the record in registers, so that the caller need not have it in memory.
#[inline(never)]
fn any([m, rest]: [i32; 2], a: i32) -> i8 {
    let [s, zero_point, lo, hi] = rest.to_le_bytes();
    let record = Requant { m: m as u32, s, zero_point: zero_point as i8, lo: lo as i8, hi: hi as i8 };
    let a = a.saturating_mul(1i32.wrapping_shl(33u32.wrapping_sub(s.into()).min(30)));
    record.bounded(((product(a, record.m) >> 32) as i32).wrapping_add(1) >> 1)
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

    /// The rule as it is written down, in 128 bits.
    fn rule(a: i32, r: &Requant) -> i8 {
        let scaled = (i128::from(a) * i128::from(r.m) + (1 << (r.s - 1))) >> r.s;
        (scaled + i128::from(r.zero_point)).min(r.hi.into()).max(r.lo.into()) as i8
    }

    fn agree(a: i32, r: &Requant) {
        let record = [r.m as i32, i32::from_le_bytes([r.s, r.zero_point as u8, r.lo as u8, r.hi as u8])];
        assert_eq!([r.apply(a), requantize(record, a)], [rule(a, r); 2], "{a}, {r:?}");
    }

    #[test]
    fn the_upper_word_is_enough() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 32) as u32
        };
        let multipliers = [1 << 30, (1 << 30) + 1, 0x5555_5555, (1 << 31) - 1];
        for s in 1..=62u8 {
            for m in multipliers {
                for (zero_point, lo, hi) in
                    [(0, -128, 127), (-128, -128, 127), (127, -128, 127), (5, -3, 90), (-7, 11, 11)]
                {
                    let r = Requant { m, s, zero_point, lo, hi };
                    // Around every power of two, and around every half of a step near zero.
                    let powers = (0..32).flat_map(|k| (-2..=2).map(move |d| (1i64 << k) + d));
                    let halves = (0..300i64).flat_map(|k| {
                        let half = ((2 * k + 1) << (s - 1)) as i128 / i128::from(m);
                        (-1..=2).map(move |d| half as i64 + d)
                    });
                    for a in powers.chain(if s < 54 { halves.take(1200) } else { halves.take(8) }) {
                        for a in [a, -a].map(|a| a.clamp(i32::MIN.into(), i32::MAX.into()) as i32) {
                            agree(a, &r);
                        }
                    }
                }
            }
        }
        for _ in 0..4_000_000 {
            let (m, s) = ((1 << 30) | (next() >> 2), (1 + next() % 62) as u8);
            let [zero_point, one, other, by] = next().to_le_bytes();
            let (one, other) = (one as i8, other as i8);
            let r = Requant { m, s, zero_point: zero_point as i8, lo: one.min(other), hi: one.max(other) };
            let a = (next() as i32) >> (by & 31);
            agree(a, &r);
        }
    }

    #[test]
    fn rescaling_keeps_the_low_word() {
        for s in 1..=62 {
            for m in [0, 1, 1 << 30, 0x5555_5555, 1 << 31] {
                for a in [0, 1, -1, 12345, -54321, i32::MAX, i32::MIN] {
                    let exact = (i128::from(a) * i128::from(m) + (1 << (s - 1))) >> s;
                    assert_eq!(rescale(a, m, s), exact as i32, "{a} * {m} >> {s}");
                }
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
