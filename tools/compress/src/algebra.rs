//! Linear algebra between the graph's matrices and those of the library.

use leafgate_convert::ir::Matrix;
use nalgebra::{Cholesky, DMatrix};

/// A matrix of the graph.
pub fn wide(matrix: &Matrix) -> DMatrix<f64> {
    DMatrix::from_row_iterator(matrix.rows, matrix.cols, matrix.data.iter().map(|&number| f64::from(number)))
}

/// A matrix for the graph.
pub fn narrow(matrix: &DMatrix<f64>) -> Matrix {
    let data = matrix.transpose().iter().map(|&number| number as f32).collect();
    Matrix::new(matrix.nrows(), matrix.ncols(), data)
}

/// `matrix` with a column of ones.
pub fn with_ones(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    matrix.clone().insert_column(matrix.ncols(), 1.0)
}

/// `B` with the least `|A B - Y|^2 + l |B|^2`, `l` being a thousandth of the mean square of a column of `A` times the number of samples.
/// The ridge keeps what few samples cannot tell apart from growing without bounds.
pub fn least_squares(a: &DMatrix<f64>, y: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    const RIDGE: f64 = 1e-3;
    let mut gram = a.tr_mul(a);
    let ridge = RIDGE * gram.trace() / gram.nrows().max(1) as f64;
    for i in 0..gram.nrows() {
        gram[(i, i)] += ridge.max(f64::MIN_POSITIVE);
    }
    Some(Cholesky::new(gram)?.solve(&a.tr_mul(y)))
}

/// Means of the columns.
pub fn means(matrix: &DMatrix<f64>) -> Vec<f64> {
    matrix.column_iter().map(|column| column.sum() / matrix.nrows().max(1) as f64).collect()
}

/// Indices by falling score, ties in ascending order.
pub fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order
}
