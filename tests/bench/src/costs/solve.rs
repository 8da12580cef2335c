//! Costs of pieces from the costs of their sums: least squares.

use std::collections::BTreeMap;

/// A measured sum.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The kind that its deviation counts for.
    pub kind: &'static str,
    /// What was run, for messages.
    pub what: String,
    /// Counts by piece.
    pub pieces: BTreeMap<String, f64>,
    /// Instructions.
    pub insns: f64,
}

/// Where only sums of some pieces are known (they always come together), all of them get a share: this much of an equation per piece
/// says that it is 0. It is too small to be seen elsewhere.
const RIDGE: f64 = 1e-9;

/// The same for pieces that say how something ended, which tend to be 0: what always ends in one way is not to be taken for a difference of two
/// large costs, of which a bound would take the dearer.
const RIDGE_OF_WAYS: f64 = 1e-5;

/// The last parts of the names of such pieces.
const WAYS: [&str; 11] =
    ["low", "high", "lower", "higher", "above", "found", "equal", "better", "tie", "negative", "right"];

/// The costs that explain the sums best, each by its share: a deviation of one in a hundred counts the same in a small sum as in a large one.
#[must_use]
pub fn solve(sums: &[Sum]) -> BTreeMap<String, f64> {
    let mut names: Vec<&String> = sums.iter().flat_map(|sum| sum.pieces.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let index: BTreeMap<&String, usize> = names.iter().enumerate().map(|(i, &name)| (name, i)).collect();
    let rows: Vec<(Vec<(usize, f64)>, f64)> = sums
        .iter()
        .map(|sum| {
            // Below some hundred instructions a deviation counts as it is.
            let weight = 1.0 / (sum.insns + 200.0);
            let row = sum.pieces.iter().map(|(name, count)| (index[name], weight * count)).collect();
            (row, weight * sum.insns)
        })
        .collect();
    let n = names.len();
    let mut scale = vec![0.0f64; n];
    rows.iter().flat_map(|(row, _)| row).for_each(|&(i, a)| scale[i] += a * a);
    scale.iter_mut().for_each(|scale| *scale = scale.sqrt().max(1e-300));
    // The normal equations, of pieces in units of their own.
    let (mut matrix, mut right) = (vec![vec![0.0; n]; n], vec![0.0; n]);
    for (row, y) in &rows {
        for &(i, a) in row {
            right[i] += a / scale[i] * y;
            for &(j, b) in row {
                matrix[i][j] += a / scale[i] * (b / scale[j]);
            }
        }
    }
    for (i, name) in names.iter().enumerate() {
        let is_way = name.rsplit('.').next().is_some_and(|last| WAYS.contains(&last));
        matrix[i][i] += if is_way { RIDGE_OF_WAYS } else { RIDGE };
    }
    let solution = cholesky(matrix, right);
    let rounded = |cost: f64| (cost * 1e4).round() / 1e4;
    names.iter().zip(solution).zip(scale).map(|((name, x), scale)| ((*name).clone(), rounded(x / scale))).collect()
}

/// Solves `matrix * x = right`; the matrix is symmetric and positive definite.
fn cholesky(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = matrix[i][..j].iter().zip(&matrix[j][..j]).map(|(a, b)| a * b).sum();
            let rest = matrix[i][j] - dot;
            matrix[i][j] = if i == j { rest.max(1e-300).sqrt() } else { rest / matrix[j][j] };
        }
    }
    for i in 0..n {
        let dot: f64 = matrix[i][..i].iter().zip(&right[..i]).map(|(a, b)| a * b).sum();
        right[i] = (right[i] - dot) / matrix[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|j| matrix[j][i] * right[j]).sum();
        right[i] = (right[i] - dot) / matrix[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::{Sum, solve};

    fn sum(pieces: &[(&str, f64)], insns: f64) -> Sum {
        let pieces = pieces.iter().map(|&(piece, count)| (piece.to_owned(), count)).collect();
        Sum { kind: "op", what: String::new(), pieces, insns }
    }

    #[test]
    fn what_is_a_sum_is_taken_apart() {
        let sums: Vec<Sum> = (1..20)
            .map(|i| {
                let (a, b, c) = (f64::from(i), f64::from(i * i % 7), f64::from(i % 3));
                sum(&[("a", a), ("b", b), ("c", c), ("op", 1.0)], 13.0 * a + 4.0 * b - 2.0 * c + 100.0)
            })
            .collect();
        let costs = solve(&sums);
        for (piece, cost) in [("a", 13.0), ("b", 4.0), ("c", -2.0), ("op", 100.0)] {
            assert!((costs[piece] - cost).abs() < 1e-3, "{costs:?}");
        }
    }

    #[test]
    fn pieces_that_never_part_share() {
        let sums: Vec<Sum> =
            (1..9).map(|i| sum(&[("a", f64::from(i)), ("b", f64::from(i))], 30.0 * f64::from(i))).collect();
        let costs = solve(&sums);
        assert!((costs["a"] + costs["b"] - 30.0).abs() < 1e-3, "{costs:?}");
    }
}
