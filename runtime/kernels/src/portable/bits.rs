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

/// 32 times bit `I` of a word.
#[cfg(feature = "batch")]
#[cfg_attr(
    any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve"),
    allow(dead_code, reason = "the twin takes its place")
)]
#[inline(always)]
pub(crate) fn spread<const I: u32>(word: u32) -> u32 {
    0u32.wrapping_sub(word >> I & 1)
}

/// A layer of words of 32 gates: for each a descriptor and four masks. Descriptor bits 0..11 are the index of A's word, 11..16 its
/// rotation to the right, 16..27 B's word, 27..32 its rotation. An index beyond the input stands for its last word; without input
/// nothing is written.
#[inline(never)]
pub fn gates_words(table: &[[u32; 5]], input: &[u32], output: &mut [u32]) {
    let Some(&last) = input.last() else { return };
    let operand = |index: u32, rotation: u32| {
        input.get((index & 0x7FF) as usize).copied().unwrap_or(last).rotate_right(rotation & 31)
    };
    for (out, &[wiring, c0, c1, c2, c3]) in output.iter_mut().zip(table) {
        let (a, b) = (operand(wiring, wiring >> 11), operand(wiring >> 16, wiring >> 27));
        *out = gates_word(&[c0, c1, c2, c3], a, b);
    }
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
    if cfg!(feature = "speed") { in_planes(words, from, to - 1) } else { word_by_word(words, from, to - 1) }
}

#[inline]
fn word_by_word(words: &[u32], from: u32, last: u32) -> u32 {
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

/// Words are added up in planes of ones, twos and fours (carry-save adders), so that one of four is counted: 27 instructions for four words
/// on Armv7-M.
#[inline(never)]
fn in_planes(words: &[u32], from: u32, last: u32) -> u32 {
    let (head, tail) = (u32::MAX << (from & 31), u32::MAX >> (!last & 31));
    let (first, last) = ((from >> 5) as usize, (last >> 5) as usize);
    let word = |i: usize| words.get(i).copied().unwrap_or(0);
    let (mut ones, mut twos) =
        if first == last { (word(first) & head & tail, 0) } else { half_add(word(first) & head, word(last) & tail) };
    let mut count = 0;
    let (quads, rest) = words.get(first + 1..last.min(words.len())).unwrap_or(&[]).as_chunks();
    for &[a, b, c, d] in quads {
        let (sum, carry) = add(ones, a, b);
        let (sum, other) = add(sum, c, d);
        let (more, fours) = add(twos, carry, other);
        (ones, twos) = (sum, more);
        count += fours.count_ones();
    }
    // At most three so far and three more: less than eight, so that no more than one four comes of a place.
    let mut fours = 0;
    for &word in rest {
        let (sum, carry) = half_add(ones, word);
        let (more, four) = half_add(twos, carry);
        (ones, twos, fours) = (sum, more, fours | four);
    }
    4 * (count + fours.count_ones()) + 2 * twos.count_ones() + ones.count_ones()
}

/// Sum and carry of two bits in each of 32 places.
#[inline]
fn half_add(a: u32, b: u32) -> (u32, u32) {
    (a ^ b, a & b)
}

/// Sum and carry of three bits in each of 32 places.
#[inline]
fn add(a: u32, b: u32, c: u32) -> (u32, u32) {
    let (sum, carry) = half_add(a, b);
    let (sum, other) = half_add(sum, c);
    (sum, carry | other)
}

/// Bit i of the output is `x[feature] > threshold` for entry i of the table: the feature in bits 0..16, the threshold in 16..24. Padding
/// bits are 0. Ends at a feature beyond `x`.
#[inline(never)]
pub fn thresholds(table: &[i32], x: &[i8], output: &mut [i32]) {
    let mut rest = table;
    for out in output {
        let (entries, others) = rest.split_at(rest.len().min(32));
        rest = others;
        let mut bits = 0u32;
        for &entry in entries {
            let Some(&x) = x.get((entry & 0xFFFF) as usize) else { return };
            // The sign of the difference is the bit; a comparison would take more to become one.
            let difference = i32::from((entry >> 16) as i8) - i32::from(x);
            bits = bits >> 1 | difference as u32 & 1 << 31;
        }
        *out = bits.wrapping_shr(32 - entries.len() as u32) as i32;
    }
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

    #[test]
    fn both_ways_to_count_agree() {
        let words: [u32; 40] = core::array::from_fn(|i| (i as u32).wrapping_mul(0x9E37_79B9) ^ u32::MAX >> (i % 31));
        for from in 0..1300 {
            for to in (from + 1..1340).step_by(7) {
                let counts = [in_planes, word_by_word].map(|count| count(&words, from, to - 1));
                assert_eq!(counts[0], counts[1], "{from}..{to}");
            }
        }
        assert_eq!(in_planes(&[u32::MAX; 40], 0, 1279), 1280);
    }

    #[test]
    fn words_find_their_operands() {
        let input = [0x0000_0001, 0x8000_0000];
        let both = |a: u32, b: u32| [a | b << 16, 0, 0, 0, u32::MAX];
        let either = |a: u32, b: u32| [a | b << 16, 0, u32::MAX, u32::MAX, 0];
        let mut output = [7; 4];
        let table = [both(0, 1 | 31 << 11), either(1 | 4 << 11, 0), either(2, 0x7FF | 31 << 11)];
        gates_words(&table, &input, &mut output);
        assert_eq!(output, [1, 0x0800_0001, 0x8000_0001, 7]);
        gates_words(&table, &[], &mut output);
        assert_eq!(output[0], 1);
    }

    #[test]
    fn thresholds_are_strict() {
        let table = [5 << 16, 1 | 0x80 << 16, 1 | 0x7F << 16, 4 << 16];
        let mut output = [-1; 2];
        thresholds(&table, &[5, 127], &mut output);
        assert_eq!(output, [0b1010, 0]);
        thresholds(&[9; 1], &[5, 127], &mut output);
        assert_eq!(output, [0b1010, 0]);
    }
}
