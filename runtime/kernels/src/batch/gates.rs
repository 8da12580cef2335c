//! Layers of logic gates on planes.

use super::{Plane, both};
#[cfg(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve"))]
use crate::arch::spread;
#[cfg(not(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve")))]
use crate::portable::bits::spread;

/// Functions of two bits.
pub const GATE_KINDS: usize = 16;

/// Calls `$run!(f)` with the function `f(a, b)` of a gate's kind: bit `i` of the kind is mask `ci` of the gate, see
/// [`gates_word`](crate::portable::bits::gates_word). What a function does not read is not loaded.
macro_rules! of_kind {
    ($kind:expr, $run:ident) => {
        match $kind & 15 {
            0b0000 => $run!(|_, _| 0),
            0b0001 => $run!(|_, _| u32::MAX),
            0b0010 => $run!(|a, _| a),
            0b0011 => $run!(|a, _| !a),
            0b0100 => $run!(|_, b| b),
            0b0101 => $run!(|_, b| !b),
            0b0110 => $run!(|a, b| a ^ b),
            0b0111 => $run!(|a, b| !(a ^ b)),
            0b1000 => $run!(|a, b| a & b),
            0b1001 => $run!(|a, b| !(a & b)),
            0b1010 => $run!(|a, b| a & !b),
            0b1011 => $run!(|a, b| !a | b),
            0b1100 => $run!(|a, b| !a & b),
            0b1101 => $run!(|a, b| a | !b),
            0b1110 => $run!(|a, b| a | b),
            _ => $run!(|a, b| !(a | b)),
        }
    };
}

/// The kind of the gate in lane `j`, 0 to 31, of the masks of a word.
#[inline(always)]
pub fn gate_kind([c0, c1, c2, c3]: [u32; 4], j: u32) -> u32 {
    let bit = |mask: u32| mask.wrapping_shr(j) & 1;
    bit(c0) | bit(c1) << 1 | bit(c2) << 2 | bit(c3) << 3
}

/// A layer in word wiring, as [`crate::gates_words`]: planes in words of 32, each read as that function reads a bit.
#[inline(always)]
pub fn gates_words<const N: usize>(table: &[[u32; 5]], input: &[Plane<N>], output: &mut [Plane<N>]) {
    if N == 1 {
        single::gates_words(table, input.as_flattened(), output.as_flattened_mut());
    } else {
        words(table, input, output);
    }
}

#[inline(always)]
fn words<const N: usize>(table: &[[u32; 5]], input: &[Plane<N>], output: &mut [Plane<N>]) {
    let input = input.as_chunks::<32>().0;
    let Some(last) = input.last() else { return };
    let operand = |index: u32| input.get((index & 0x7FF) as usize).unwrap_or(last);
    for (out, &[wiring, ref masks @ ..]) in output.as_chunks_mut::<32>().0.iter_mut().zip(table) {
        let (a, b) = (operand(wiring), operand(wiring >> 16));
        let (mut masks, mut a_at, mut b_at) = (*masks, (wiring >> 11) as usize, (wiring >> 27) as usize);
        for [first, second, third, fourth] in out.as_chunks_mut::<UNROLLED>().0 {
            let (a, b) = (|i: usize| &a[a_at.wrapping_add(i) & 31], |i: usize| &b[b_at.wrapping_add(i) & 31]);
            *first = gate::<0, N>(&masks, a(0), b(0));
            *second = gate::<1, N>(&masks, a(1), b(1));
            *third = gate::<2, N>(&masks, a(2), b(2));
            *fourth = gate::<3, N>(&masks, a(3), b(3));
            masks = masks.map(|mask| mask >> UNROLLED);
            (a_at, b_at) = (a_at.wrapping_add(UNROLLED), b_at.wrapping_add(UNROLLED));
        }
    }
}

/// Gates of one function of a netlist, as [`crate::gates_series`]: a plane for each signal. Ends at a signal that there is not.
#[inline(always)]
pub fn gates_series<const N: usize>(function: u32, wires: &[i32], first: usize, signals: &mut [Plane<N>]) {
    macro_rules! run {
        ($f:expr) => {
            for (i, &wires) in wires.iter().enumerate() {
                let signal = |at: u32| signals.get(at as usize);
                let (Some(a), Some(b)) = (signal(wires as u32 & 0xFFFF), signal(wires as u32 >> 16)) else { return };
                let plane = both(a, b, $f);
                let Some(out) = signals.get_mut(first.wrapping_add(i)) else { return };
                *out = plane;
            }
        };
    }
    of_kind!(kind_of_table(function), run);
}

/// The kind of a gate with the truth table `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`.
fn kind_of_table(function: u32) -> u32 {
    let [f00, f01, f10, f11] = [3, 2, 1, 0].map(|bit| function >> bit & 1);
    f00 | (f00 ^ f10) << 1 | (f00 ^ f01) << 2 | (f00 ^ f01 ^ f10 ^ f11) << 3
}

/// The bits of words as signals of a netlist, as [`crate::signals_of`].
#[inline(always)]
pub fn signals_of<const N: usize>(words: &[Plane<N>], signals: &mut [Plane<N>]) {
    for (word, signals) in words.as_chunks::<32>().0.iter().zip(signals.as_chunks_mut::<32>().0) {
        for (i, plane) in word.iter().enumerate() {
            signals[4 * (i % 8) + i / 8] = *plane;
        }
    }
}

/// A layer whose gates are sorted by kind: `counts` says how many there are of each, and `gates` has for each its operands, A in the lower
/// half of the first word and B in the upper, and the plane it writes. Ends at an index out of bounds.
///
/// Nothing is decoded or decided in the loop: two loads, the operation and a store, on planes all over the layer.
#[inline(always)]
pub fn gates_sorted<const N: usize>(
    counts: &[u32; GATE_KINDS],
    gates: &[[u32; 2]],
    input: &[Plane<N>],
    output: &mut [Plane<N>],
) {
    let mut rest = gates;
    for (kind, &count) in counts.iter().enumerate() {
        let (gates, others) = rest.split_at(rest.len().min(count as usize));
        rest = others;
        macro_rules! run {
            ($f:expr) => {
                for &[operands, to] in gates {
                    let a = input.get((operands & 0xFFFF) as usize);
                    let b = input.get((operands >> 16) as usize);
                    let (Some(a), Some(b), Some(out)) = (a, b, output.get_mut(to as usize)) else { return };
                    *out = both(a, b, $f);
                }
            };
        }
        of_kind!(kind, run);
    }
}

/// The same for planes of one word, which are no type parameter: so this crate compiles them, for speed, and not whoever calls them, for
/// size.
mod single {
    #[inline(never)]
    pub(super) fn gates_words(table: &[[u32; 5]], input: &[u32], output: &mut [u32]) {
        super::words::<1>(table, input.as_chunks().0, output.as_chunks_mut().0);
    }
}

/// Gates that the loops take at a time: their bits of the masks are named by the code, and spread over a word by an instruction or two.
const UNROLLED: usize = 4;

/// The gate in lane `I` of the masks, without deciding on its kind.
#[inline(always)]
fn gate<const I: u32, const N: usize>(masks: &[u32; 4], a: &Plane<N>, b: &Plane<N>) -> Plane<N> {
    let [c0, c1, c2, c3] = masks.map(spread::<I>);
    both(a, b, |a, b| c0 ^ (c1 & a) ^ (b & (c2 ^ (c3 & a))))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::portable::{bits, netlist};
    use std::vec::Vec;

    /// Numbers that look random.
    fn noise(seed: u32) -> impl FnMut() -> u32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state ^ state >> 15).wrapping_mul(0x2C1B_3C6D)
        }
    }

    /// Words of bits of sample `s` of the planes.
    fn sample<const N: usize>(planes: &[Plane<N>], s: usize) -> Vec<u32> {
        let bit = |plane: &Plane<N>| plane[s / 32] >> (s % 32) & 1;
        planes.chunks(32).map(|word| word.iter().rev().fold(0, |all, plane| all << 1 | bit(plane))).collect()
    }

    #[test]
    fn kinds_are_those_of_the_masks() {
        let mut draw = noise(1);
        for kind in 0..16u32 {
            let masks = [0, 1, 2, 3].map(|i| (kind >> i & 1) << 5 | draw() & !(1 << 5));
            assert_eq!(gate_kind(masks, 5), kind);
            let (a, b) = (draw(), draw());
            let want = bits::gates_word(&masks.map(|mask| 0u32.wrapping_sub(mask >> 5 & 1)), a, b);
            assert_eq!(gate::<5, 1>(&masks, &[a], &[b]), [want], "{kind:04b}");
            let mut counts = [0; GATE_KINDS];
            counts[kind as usize] = 1;
            let mut have = [[0]];
            gates_sorted(&counts, &[[1 << 16, 0]], &[[a], [b]], &mut have);
            assert_eq!(have, [[want]], "{kind:04b}");
        }
    }

    /// Words, netlists and gates sorted are what the kernels of one sample give.
    #[test]
    fn samples_together_are_samples_one_by_one() {
        const N: usize = 2;
        let mut draw = noise(2);
        let input: Vec<Plane<N>> = (0..96).map(|_| [draw(), draw()]).collect();
        // Some indices are beyond the input, which then reads as its last word.
        let table: Vec<[u32; 5]> = (0..40).map(|_| [draw() & 0xF803_F803, draw(), draw(), draw(), draw()]).collect();
        let mut together = std::vec![[0; N]; 32 * table.len()];
        gates_words(&table, &input, &mut together);
        let wires: Vec<i32> = (0..64).map(|_| (draw() & 0x007F_007F) as i32).collect();
        let mut signals = std::vec![[0; N]; 128];
        signals_of(&input, &mut signals);
        let before = signals.clone();
        for (function, wires) in wires.chunks(4).enumerate() {
            gates_series(function as u32, wires, 64 + 4 * function, &mut signals);
        }
        for s in 0..32 * N {
            let bits = sample(&input, s);
            let mut one = std::vec![0; table.len()];
            bits::gates_words(&table, &bits, &mut one);
            assert_eq!(sample(&together, s), one, "sample {s}");
            let bytes =
                |planes: &[Plane<N>]| planes.iter().map(|plane| (plane[s / 32] >> (s % 32)) as u8 & 1).collect();
            let mut one: Vec<u8> = bytes(&before);
            for (function, wires) in wires.chunks(4).enumerate() {
                netlist::gates_series(function as u32, wires, 64 + 4 * function, &mut one);
            }
            assert_eq!(bytes(&signals), one.iter().map(|signal| signal & 1).collect::<Vec<u8>>(), "sample {s}");
            let mut words = std::vec![0; 24];
            netlist::signals_of(&bits, &mut words);
            let first: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).map(|signal| signal & 1).collect();
            assert_eq!(bytes(&before[..96]), first, "sample {s}");
        }

        let mut counts = [0; GATE_KINDS];
        let mut gates = Vec::new();
        for kind in 0..GATE_KINDS as u32 {
            for (w, &[wiring, c0, c1, c2, c3]) in table.iter().enumerate() {
                for j in (0..32).filter(|&j| gate_kind([c0, c1, c2, c3], j) == kind) {
                    let operand = |at: u32| (at & 0x7FF).min(2) * 32 + ((at >> 11) + j) % 32;
                    gates.push([operand(wiring) | operand(wiring >> 16) << 16, w as u32 * 32 + j]);
                    counts[kind as usize] += 1;
                }
            }
        }
        let mut sorted = std::vec![[0; N]; together.len()];
        gates_sorted(&counts, &gates, &input, &mut sorted);
        assert_eq!(sorted, together);
        // Out of bounds: nothing is written, nothing panics.
        gates_sorted(&[1; GATE_KINDS], &[[u32::MAX, 0], [0, u32::MAX]], &input, &mut sorted);
        assert_eq!(sorted, together);
    }
}
