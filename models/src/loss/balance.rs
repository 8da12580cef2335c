//! Load balancing over leaves or experts (Switch Transformer, arXiv 2101.03961; for fast feedforward layers arXiv
//! 2405.16836).

use burn::tensor::Tensor;

/// `n / (B^2 * k) * sum_i (sum_b P_bi) * (sum_b f_bi)`: a tensor of one value, 1 where the load is even.
///
/// `shares` is `(batch, n)`, the soft probability `P` of each leaf or expert; `picks` is `(batch, n)`, 1 for each of the
/// `k` that the row runs through. Only `shares` is differentiated.
pub(crate) fn balance(shares: Tensor<2>, picks: Tensor<2>, k: usize) -> Tensor<1> {
    let [batch, n] = shares.dims();
    let load = picks.detach().sum_dim(0) * shares.sum_dim(0);
    load.sum().mul_scalar(n as f32 / (batch as f32 * batch as f32 * k as f32))
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn an_even_load_costs_one_and_a_single_leaf_costs_n() {
        let device = Device::flex();
        let value = |shares: [[f32; 2]; 2], picks: [[f32; 2]; 2], k| {
            let tensor = |values| Tensor::<2>::from_data(values, &device);
            balance(tensor(shares), tensor(picks), k).into_scalar::<f32>()
        };
        assert_eq!(value([[0.5, 0.5], [0.5, 0.5]], [[1., 0.], [0., 1.]], 1), 1.0);
        assert_eq!(value([[1.0, 0.0], [1.0, 0.0]], [[1., 0.], [1., 0.]], 1), 2.0);
        assert_eq!(value([[0.5, 0.5], [0.5, 0.5]], [[1., 1.], [1., 1.]], 2), 1.0);
    }
}
