//! Entropy of a tree's decisions: what drives them to yes or no (Belcak and Wattenhofer, arXiv 2308.14711).

use burn::tensor::Tensor;

/// Mean over batch and nodes of `H(c) = -c ln c - (1-c) ln(1-c)`, in nats: a tensor of one value.
///
/// `choices` is `(batch, nodes)`, the probabilities to go right. They are clamped to `[1e-6, 1 - 1e-6]`, as the
/// authors' code does: the logarithm of a saturated sigmoid is infinite. The paper sums where this averages, as their
/// code and that of arXiv 2405.16836 do, so that the weight does not depend on batch size and depth.
pub(crate) fn mean_entropy(choices: Tensor<2>) -> Tensor<1> {
    let right = choices.clamp(1e-6, 1.0 - 1e-6);
    let left = right.clone().neg().add_scalar(1.0);
    (right.clone() * right.log() + left.clone() * left.log()).mean().neg()
}
