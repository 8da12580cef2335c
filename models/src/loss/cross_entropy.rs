//! Cross entropy of class scores.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// Mean over the batch of `-sum_c target_c * ln softmax(scores)_c`, in nats: a tensor of one value.
///
/// `scores` is `(batch, classes)`, `classes` holds one class per row. A share `smoothing` of each target is spread
/// evenly over all classes (Szegedy et al., arXiv 1512.00567).
pub(crate) fn cross_entropy(scores: Tensor<2>, classes: Tensor<1, Int>, smoothing: f32) -> Tensor<1> {
    let logarithms = log_softmax(scores, 1);
    let right = logarithms.clone().gather(1, classes.unsqueeze_dim(1)).mean();
    if smoothing == 0.0 {
        return right.neg();
    }
    (right.mul_scalar(1.0 - smoothing) + logarithms.mean().mul_scalar(smoothing)).neg()
}
