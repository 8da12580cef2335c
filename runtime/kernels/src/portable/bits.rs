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

/// Number of ones among the bits `from .. to`, least significant first. Bits beyond the words count as zeros.
// Inlined: one op calls it, and is built for size.
#[inline]
pub fn count_ones(words: &[u32], from: u32, to: u32) -> u32 {
    count(words, from, to, 0)
}

/// As [`count_ones`], of every eighth bit: `from` and `to` are bytes, below 2^29.
#[inline]
pub fn count_signals(words: &[u32], from: u32, to: u32) -> u32 {
    count(words, from, to, 3)
}

/// Every bit of `2^step`, which is 0 or 3.
#[inline(always)]
pub fn count(words: &[u32], from: u32, to: u32, step: u32) -> u32 {
    if cfg!(feature = "speed") && from >= to {
        0
    } else if cfg!(feature = "speed") && step == 0 {
        in_planes(words, from, to - 1)
    } else if cfg!(feature = "speed") {
        in_bytes(words, from, to)
    } else {
        word_by_word(words, from << step, to << step, if step == 0 { u32::MAX } else { 0x0101_0101 })
    }
}

#[inline]
fn word_by_word(words: &[u32], mut at: u32, end: u32, every: u32) -> u32 {
    let mut count = 0;
    while at < end {
        let Some(word) = words.get((at >> 5) as usize) else { break };
        let (below, left) = (at & 31, end - at);
        let word = (word & every) >> below;
        count += if left < 32 { word << (32 - left) } else { word }.count_ones();
        at += 32 - below;
    }
    count
}

/// Every eighth bit. Each byte of a word counts one of four.
#[inline(never)]
fn in_bytes(words: &[u32], from: u32, to: u32) -> u32 {
    const EACH: u32 = 0x0101_0101;
    let (first, last) = ((from >> 2) as usize, (to >> 2) as usize);
    let word = |i: usize| words.get(i).copied().unwrap_or(0) & EACH;
    // What is before the first and what is in the last, which may be beyond the words.
    let head = word(first) & !(u32::MAX << (8 * (from & 3)));
    let tail = word(last) & !(u32::MAX << (8 * (to & 3)));
    let mut count = tail.count_ones().wrapping_sub(head.count_ones());
    // A byte counts to 255.
    for words in words.get(first..last.min(words.len())).unwrap_or(&[]).chunks(255) {
        let sums = words.iter().fold(0, |sums, word| sums + (word & EACH));
        let pairs = (sums & 0x00FF_00FF) + (sums >> 8 & 0x00FF_00FF);
        count = count.wrapping_add((pairs & 0xFFFF) + (pairs >> 16));
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
                let counts = [in_planes(&words, from, to - 1), word_by_word(&words, from, to, u32::MAX)];
                assert_eq!(counts[0], counts[1], "{from}..{to}");
            }
        }
        assert_eq!(in_planes(&[u32::MAX; 40], 0, 1279), 1280);
    }

    #[test]
    fn both_ways_to_count_every_eighth_bit_agree() {
        let words: [u32; 600] = core::array::from_fn(|i| (i as u32).wrapping_mul(0x9E37_79B9) ^ u32::MAX >> (i % 31));
        let signal = |i: u32| words.get((i / 4) as usize).map_or(0, |word| word >> (8 * (i % 4)) & 1);
        for from in (0..2420).step_by(3).chain([2399, 2400, 2401]) {
            for to in (from + 1..2420).step_by(61).chain([from + 1, from + 2, from + 3]) {
                let want: u32 = (from..to).map(signal).sum();
                assert_eq!(in_bytes(&words, from, to), want, "{from}..{to}");
                assert_eq!(word_by_word(&words, 8 * from, 8 * to, 0x0101_0101), want, "{from}..{to}");
            }
        }
        assert_eq!(count_signals(&[u32::MAX; 600], 0, 2400), 2400);
        assert_eq!(count_signals(&words, 7, 7), 0);
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
