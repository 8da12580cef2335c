//! Two-input gates of any wiring: a gate may read any input and any gate before it.

/// A gate. Signals are numbered: the inputs, then the gates in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its truth table, as in `docs/graph-format.md`: `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`.
    pub function: u8,
    /// Signal of operand A.
    pub a: u32,
    /// Signal of operand B.
    pub b: u32,
}

/// Gates with inputs and outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netlist {
    /// Inputs: the signals below this.
    pub inputs: usize,
    /// In order: each reads signals before its own.
    pub gates: Vec<Gate>,
    /// A signal for each output; outputs are gates, no two the same, and no gate reads one.
    pub outputs: Vec<u32>,
}

/// A gate on 64 samples at once, one a bit.
pub fn apply(function: u8, a: u64, b: u64) -> u64 {
    // Each term of the table that is set.
    let term = |bit: u32, value: u64| if function >> bit & 1 == 1 { value } else { 0 };
    term(3, !a & !b) | term(2, !a & b) | term(1, a & !b) | term(0, a & b)
}

impl Netlist {
    /// The outputs for 64 samples at once: bit `s` of each word is sample `s`.
    ///
    /// # Panics
    /// If `inputs` are fewer than the netlist's.
    pub fn evaluate(&self, inputs: &[u64]) -> Vec<u64> {
        let mut signals = inputs[..self.inputs].to_vec();
        for gate in &self.gates {
            let value = apply(gate.function, signals[gate.a as usize], signals[gate.b as usize]);
            signals.push(value);
        }
        self.outputs.iter().map(|&signal| signals[signal as usize]).collect()
    }

    /// Of each signal, how many gates are on the longest way to it from an input.
    pub fn levels(&self) -> Vec<u32> {
        let mut levels = vec![0; self.inputs];
        for gate in &self.gates {
            levels.push(1 + levels[gate.a as usize].max(levels[gate.b as usize]));
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_its_table() {
        for function in 0..16 {
            for (row, (a, b)) in [(0, 0), (0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX)].into_iter().enumerate() {
                assert_eq!(apply(function, a, b) & 1, u64::from(function >> (3 - row) & 1));
            }
        }
    }
}
