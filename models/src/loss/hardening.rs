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

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn an_open_choice_has_ln_2_and_a_sure_one_next_to_nothing() {
        let entropy =
            |choices: [[f32; 2]; 1]| mean_entropy(Tensor::from_data(choices, &Device::flex())).into_scalar::<f32>();
        assert!((entropy([[0.5, 0.5]]) - std::f32::consts::LN_2).abs() < 1e-6);
        assert!((0.0..1e-4).contains(&entropy([[0.0, 1.0]])));
    }
}
