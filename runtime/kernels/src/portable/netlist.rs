//! Gates of any two signals, one byte a signal.
//!
//! Of a byte only the lowest bit counts: the others hold whatever they hold, so that neither the inversion of an operand nor the spreading
//! of a word needs a mask. Gates come sorted by function, so that nothing is decided from one to the next. Rejected: one bit a
//! signal, an eighth of the memory, of which each operand takes a shift and each output an insertion (25 instructions a gate); a truth table
//! with each gate (12).

/// Gates of one function, in order: gate `i` writes the signal `first + i`, from those that its wire names: operand A in the lower half, B in
/// the upper. `function` is the truth table `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`. Ends with the signals. A wire to a signal that there is not
/// ends it too, or reads any other signal: no image that the check lets pass has one.
#[inline]
pub fn gates_series(function: u32, wires: &[i32], first: usize, signals: &mut [u8]) {
    for (i, &wires) in wires.iter().enumerate() {
        let signal = |at: u32| signals.get(at as usize).map(|signal| u32::from(signal & 1));
        let (Some(a), Some(b)) = (signal(wires as u32 & 0xFFFF), signal(wires as u32 >> 16)) else { return };
        let Some(out) = signals.get_mut(first.wrapping_add(i)) else { return };
        *out = (function << (2 * a + b) >> 3) as u8;
    }
}

/// The bits of words as signals: bit `i` of a word is byte `4 * (i % 8) + i / 8` of its 32. So a shift places four of them at once.
#[inline]
pub fn signals_of(words: &[u32], signals: &mut [i32]) {
    if cfg!(feature = "speed") {
        for (&word, signals) in words.iter().zip(signals.as_chunks_mut::<8>().0) {
            for (k, four) in signals.iter_mut().enumerate() {
                *four = (word >> k) as i32;
            }
        }
        return;
    }
    let mut fours = signals.iter_mut();
    for &word in words {
        for k in 0..8 {
            let Some(four) = fours.next() else { return };
            *four = (word >> k) as i32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_its_truth_table() {
        for function in 0..16 {
            // Whatever the upper bits hold.
            let mut signals = [0xFE, 1, 0xAA, 0x55, 9, 9, 9, 9, 9];
            gates_series(function, &[0, 1 << 16, 3, 3 | 1 << 16], 5, &mut signals);
            let bits = signals[5..].iter().fold(0, |bits, signal| bits << 1 | u32::from(signal & 1));
            assert_eq!(bits, function);
            assert_eq!(signals[..5], [0xFE, 1, 0xAA, 0x55, 9]);
        }
    }

    #[test]
    fn a_gate_reads_what_those_before_it_wrote() {
        // A counter of ones, by XOR with the signal before.
        let mut signals = [0, 1, 0, 0, 0, 0];
        let wire = |a: i32, b: i32| a | b << 16;
        gates_series(6, &[wire(0, 1), wire(2, 1), wire(3, 1), wire(4, 1), wire(5, 1)], 2, &mut signals);
        assert_eq!(signals.map(|signal| signal & 1), [0, 1, 1, 0, 1, 0]);
    }

    #[test]
    fn a_series_ends_at_a_signal_that_there_is_not() {
        let mut signals = [1, 1, 1];
        gates_series(9, &[0, 3, 0], 1, &mut signals);
        assert_eq!(signals.map(|signal| signal & 1), [1, 1, 1]);
        gates_series(6, &[0, 0xFFFF << 16, 0], 1, &mut signals);
        assert_eq!(signals.map(|signal| signal & 1), [1, 0, 1]);
        gates_series(6, &[0, 0, 0], 2, &mut signals);
        assert_eq!(signals.map(|signal| signal & 1), [1, 0, 0]);
        gates_series(15, &[0, 0], usize::MAX, &mut signals);
        assert_eq!(signals.map(|signal| signal & 1), [1, 0, 0]);
    }

    #[test]
    fn bits_become_signals() {
        for word in [0x8000_0001u32, 0x1234_5678, u32::MAX, 0xF0F0_0F0F] {
            let mut signals = [7; 17];
            signals_of(&[word, !word], &mut signals);
            assert_eq!(signals[16], 7);
            let byte = |i: usize| u32::from(signals[i / 4].to_le_bytes()[i % 4]) & 1;
            for i in 0..64 {
                assert_eq!(byte(32 * (i / 32) + 4 * (i % 8) + i % 32 / 8), [word, !word][i / 32] >> (i % 32) & 1);
            }
        }
    }
}
