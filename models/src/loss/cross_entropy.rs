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

/// Mean over the batch of `-sum_c target_c * ln softmax(scores)_c`, in nats: a tensor of one value.
///
/// `scores` and `targets` are `(batch, classes)`; a row of targets sums to 1.
pub(crate) fn soft_cross_entropy(scores: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let [batch, _] = scores.dims();
    (log_softmax(scores, 1) * targets).sum().div_scalar(batch as f32).neg()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn loss(scores: [[f32; 2]; 2], smoothing: f32) -> f32 {
        let device = Device::flex();
        let classes = Tensor::<1, Int>::from_data([0, 1], &device);
        cross_entropy(Tensor::from_data(scores, &device), classes, smoothing).into_scalar::<f32>()
    }

    #[test]
    fn equal_scores_cost_the_logarithm_of_the_classes() {
        assert!((loss([[3.0, 3.0], [0.0, 0.0]], 0.0) - std::f32::consts::LN_2).abs() < 1e-6);
    }

    #[test]
    fn smoothing_charges_for_certainty() {
        // Both rows right by 4: -ln p = ln(1 + e^-4) for the class, 4 more for the other, which has half the share.
        let sure = (1.0 + (-4.0f32).exp()).ln();
        assert!((loss([[4.0, 0.0], [0.0, 4.0]], 0.0) - sure).abs() < 1e-6);
        assert!((loss([[4.0, 0.0], [0.0, 4.0]], 0.1) - (sure + 0.05 * 4.0)).abs() < 1e-6);
    }

    #[test]
    fn whole_targets_are_classes() {
        let device = Device::flex();
        let scores = [[4.0, 0.0], [1.0, 3.0]];
        let targets = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 1.0]], &device);
        let soft = soft_cross_entropy(Tensor::from_data(scores, &device), targets).into_scalar::<f32>();
        assert!((soft - loss(scores, 0.0)).abs() < 1e-6);
    }
}
