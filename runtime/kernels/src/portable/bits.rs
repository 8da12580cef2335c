//! Logic gates on words, and counting.

/// 32 gates at once: `c0 ^ (c1 & a) ^ (b & (c2 ^ (c3 & a)))`.
///
/// Per bit the masks are the algebraic normal form of a two-input function f: `c0 = f(0,0)`, `c1 = f(0,0)^f(1,0)`, `c2 = f(0,0)^f(0,1)`,
/// `c3 = f(0,0)^f(0,1)^f(1,0)^f(1,1)`.
#[inline]
pub fn gates_word(masks: &[u32; 4], a: u32, b: u32) -> u32 {
    let [c0, c1, c2, c3] = *masks;
    c0 ^ (c1 & a) ^ (b & (c2 ^ (c3 & a)))
}

/// As [`gates_word`], each lane with its own pair of input bits: A in the lower half of the lane's word, B in the upper. A
/// bit beyond the input reads as 0.
#[inline(never)]
pub fn gates_gathered(masks: &[u32; 4], lanes: &[u32; 32], input: &[u32]) -> u32 {
    let (mut a, mut b) = (0, 0);
    // From the last lane to the first, so that a shift by one places each bit.
    for &lane in lanes.iter().rev() {
        a = a << 1 | bit(input, lane & 0xFFFF);
        b = b << 1 | bit(input, lane >> 16);
    }
    gates_word(masks, a, b)
}

#[inline]
fn bit(words: &[u32], index: u32) -> u32 {
    match words.get((index >> 5) as usize) {
        Some(word) => word >> (index & 31) & 1,
        None => 0,
    }
}

/// Number of ones among the bits `from .. to`, least significant first. Bits beyond the words count as zeros.
// Inlined: one op calls it, and is built for size.
#[inline]
pub fn count_ones(words: &[u32], from: u32, to: u32) -> u32 {
    if from >= to {
        return 0;
    }
    let last = to - 1;
    let mut count = 0;
    let mut mask = u32::MAX << (from & 31);
    for i in from >> 5..(last >> 5) + 1 {
        let Some(&word) = words.get(i as usize) else { break };
        if i == last >> 5 {
            mask &= u32::MAX >> (!last & 31);
        }
        count += (word & mask).count_ones();
        mask = u32::MAX;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Masks of a word in which all 32 gates have truth table `id`, most significant bit f(0,0).
    fn masks(id: u32) -> [u32; 4] {
        let [f00, f01, f10, f11] = [id >> 3 & 1, id >> 2 & 1, id >> 1 & 1, id & 1];
        [f00, f00 ^ f10, f00 ^ f01, f00 ^ f01 ^ f10 ^ f11].map(|bit| 0u32.wrapping_sub(bit))
    }

    #[test]
    fn all_sixteen_functions() {
        for id in 0..16 {
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let want = id >> (3 - (2 * a + b)) & 1;
                let (a, b) = (0u32.wrapping_sub(a), 0u32.wrapping_sub(b));
                assert_eq!(gates_word(&masks(id), a, b), 0u32.wrapping_sub(want), "gate {id}");
            }
        }
    }

    #[test]
    fn gathered_lanes_find_their_bits() {
        let input = [0x8000_0001, 0x0000_0002];
        let mut lanes = [5 | 6 << 16; 32];
        lanes[0] = 31; // A = bit 31 = 1, B = bit 0 = 1
        lanes[7] = 33 | 5 << 16; // A = bit 33 = 1, B = 0
        lanes[31] = 5 | 33 << 16; // A = 0, B = 1
        assert_eq!(gates_gathered(&masks(3), &lanes, &input), 1 | 1 << 7);
        assert_eq!(gates_gathered(&masks(5), &lanes, &input), 1 | 1 << 31);
        assert_eq!(gates_gathered(&masks(1), &lanes, &input), 1);
    }

    #[test]
    fn groups_may_begin_and_end_inside_a_word() {
        let words = [0xFFFF_FFFF, 0x0F0F_0F0F, 0xFFFF_FFFF];
        for from in 0..96 {
            for to in 0..=96 {
                let want = (from..to).filter(|bit| words[bit / 32] >> (bit % 32) & 1 == 1).count() as u32;
                assert_eq!(count_ones(&words, from as u32, to as u32), want, "{from}..{to}");
            }
        }
        assert_eq!(count_ones(&words, 90, 200), 6);
    }
}
