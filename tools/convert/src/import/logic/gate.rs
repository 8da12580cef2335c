//! Which gate a trained gate is: the one that evaluation takes of its weights.

/// How a layer's weights stand for gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parametrization {
    /// A weight for each of the 16 gates (difflogic, and torchlogix' `raw`).
    Raw,
    /// A weight for each row of the truth table (torchlogix' `light`, arXiv 2510.03250).
    Light,
    /// Walsh coefficients (torchlogix' `warp`, arXiv 2510.15655).
    Warp,
}

impl Parametrization {
    /// Their names in a description.
    pub(super) const ALL: [(&str, Self); 3] = [("raw", Self::Raw), ("light", Self::Light), ("warp", Self::Warp)];

    /// Weights of a gate.
    pub(super) fn weights(self) -> usize {
        if self == Self::Raw { 16 } else { 4 }
    }

    /// The gate ids of rows of weights. `docs/graph-format.md` has the ids.
    pub(super) fn gates(self, weights: &[f32]) -> Vec<u8> {
        let id = match self {
            Self::Raw => largest,
            Self::Light => |row: &[f32]| table(|i| row[i] > 0.0),
            Self::Warp => |row: &[f32]| table(|i| walsh(row, i) < 0.0),
        };
        weights.chunks_exact(self.weights()).map(id).collect()
    }
}

/// The first of the largest.
fn largest(row: &[f32]) -> u8 {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as u8
}

/// The id of the gate whose truth table has bit `i` for the operands `a = i / 2`, `b = i % 2`.
fn table(bit: impl Fn(usize) -> bool) -> u8 {
    (0..4).fold(0, |id, i| 2 * id + u8::from(bit(i)))
}

/// The Walsh sum of row `i` of the truth table, rounded as the package rounds it; the gate is 1 where it is negative.
fn walsh(row: &[f32], i: usize) -> f32 {
    let sign = |operand: usize| 1.0 - 2.0 * operand as f32;
    let (a, b) = (sign(i / 2), sign(i % 2));
    row[0] + row[1] * b + row[2] * a + row[3] * (a * b)
}

/// The gate that is left of `gate` where an operand is 0: it does not depend on that operand.
pub(super) fn with_zero(gate: u8, a_is_zero: bool, b_is_zero: bool) -> u8 {
    let row = |i: usize| gate >> (3 - i) & 1 == 1;
    table(|i| row(if a_is_zero { i & 1 } else { i } & if b_is_zero { 2 } else { 3 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_weights_is_the_gate() {
        let mut row = [0.5; 16];
        assert_eq!(Parametrization::Raw.gates(&row), [0]);
        (row[7], row[9]) = (1.0, 1.0);
        assert_eq!(Parametrization::Raw.gates(&row), [7]);
    }

    #[test]
    fn tables_are_read_from_their_first_row() {
        // f(0,0), f(0,1), f(1,0), f(1,1); nothing is not more than nothing.
        assert_eq!(Parametrization::Light.gates(&[-1.0, 0.0, 2.0, 3.0]), [3]);
        assert_eq!(Parametrization::Light.gates(&[1.0, -2.0, -2.0, 3.0]), [9]);
        // A is -1 for a 1, so that its coefficient alone is a.
        assert_eq!(Parametrization::Warp.gates(&[0.0, 0.0, 1.0, 0.0]), [3]);
        assert_eq!(Parametrization::Warp.gates(&[0.0, 1.0, 0.0, 0.0]), [5]);
        assert_eq!(Parametrization::Warp.gates(&[0.0, 0.0, 0.0, 1.0]), [6]);
        assert_eq!(Parametrization::Warp.gates(&[0.0; 4]), [0]);
    }

    #[test]
    fn an_operand_that_is_zero_does_not_matter() {
        for gate in 0..16u8 {
            let f = |gate: u8, a: u8, b: u8| gate >> (3 - 2 * a - b) & 1;
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                assert_eq!(f(with_zero(gate, true, false), a, b), f(gate, 0, b));
                assert_eq!(f(with_zero(gate, false, true), a, b), f(gate, a, 0));
                assert_eq!(f(with_zero(gate, true, true), a, b), f(gate, 0, 0));
                assert_eq!(f(with_zero(gate, false, false), a, b), f(gate, a, b));
            }
        }
    }
}
