//! Fast feedforward layer (Belcak and Wattenhofer, arXiv 2308.14711) with a master leaf (arXiv 2405.16836).
//!
//! A binary tree of linear decisions picks one small leaf network per input; the master leaf runs for every input.
//! `y = s * FFF(x) + (1 - s) * Master(x)` with `s = sigmoid(k)`. In a soft pass a leaf counts with the product of the
//! probabilities along its path. Parameters have the names and shapes of the `fastfeedforward` package.

use burn::module::{Module, Param};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};

use super::{Decisions, Load, Pass, straight_through, tensor};
use crate::export::{GraphBuilder, LayerSpec};
use crate::recipe::FffShape;
use crate::seed::Stream;

/// The layer; `L = 2^depth` leaves of `l` neurons, `I` inputs, `O` classes.
#[derive(Module, Debug)]
pub(crate) struct Fff {
    /// `(L - 1, I)`, breadth first; absent at depth 0.
    node_weights: Option<Param<Tensor<2>>>,
    /// `(L - 1, 1)`.
    node_biases: Option<Param<Tensor<2>>>,
    /// `(L, I, l)`.
    w1s: Param<Tensor<3>>,
    /// `(L, l)`.
    b1s: Param<Tensor<2>>,
    /// `(L, l, O)`.
    w2s: Param<Tensor<3>>,
    /// `(L, O)`.
    b2s: Param<Tensor<2>>,
    master: Option<Master>,
}

/// The leaf that every input runs through, `m` neurons wide.
#[derive(Module, Debug)]
struct Master {
    /// `(I, m)`.
    w1: Param<Tensor<2>>,
    /// `(1, m)`.
    b1: Param<Tensor<2>>,
    /// `(m, O)`.
    w2: Param<Tensor<2>>,
    /// `(1, O)`.
    b2: Param<Tensor<2>>,
    /// `(1)`: logit of the tree's share.
    k: Param<Tensor<1>>,
}

impl Fff {
    /// Uniform initial weights of the bounds of the `fastfeedforward` package; `k` starts at 0.5, as its authors have it.
    pub(crate) fn new(shape: &FffShape, inputs: usize, classes: usize, stream: &mut Stream, device: &Device) -> Self {
        let (leaves, width) = (1usize << shape.depth, shape.leaf);
        let nodes = leaves - 1;
        let (near, far) = (1.0 / (inputs as f32).sqrt(), 1.0 / (width as f32).sqrt());
        let mut draw = |count: usize, bound: f32| stream.symmetric_vec(count, bound);
        let node_weights = tensor(draw(nodes * inputs, near), [nodes, inputs], device);
        let node_biases = tensor(draw(nodes, near), [nodes, 1], device);
        let w1s = tensor(draw(leaves * inputs * width, near), [leaves, inputs, width], device);
        let b1s = tensor(draw(leaves * width, near), [leaves, width], device);
        let w2s = tensor(draw(leaves * width * classes, far), [leaves, width, classes], device);
        let b2s = tensor(draw(leaves * classes, far), [leaves, classes], device);
        let master = (shape.master > 0).then(|| {
            let (m, far) = (shape.master, 1.0 / (shape.master as f32).sqrt());
            Master {
                w1: Param::from_tensor(tensor(draw(inputs * m, near), [inputs, m], device)),
                b1: Param::from_tensor(tensor(draw(m, near), [1, m], device)),
                w2: Param::from_tensor(tensor(draw(m * classes, far), [m, classes], device)),
                b2: Param::from_tensor(tensor(draw(classes, far), [1, classes], device)),
                k: Param::from_tensor(tensor(vec![0.5], [1], device)),
            }
        });
        Self {
            node_weights: (nodes > 0).then(|| Param::from_tensor(node_weights)),
            node_biases: (nodes > 0).then(|| Param::from_tensor(node_biases)),
            w1s: Param::from_tensor(w1s),
            b1s: Param::from_tensor(b1s),
            w2s: Param::from_tensor(w2s),
            b2s: Param::from_tensor(b2s),
            master,
        }
    }

    pub(crate) fn pass(&self, x: Tensor<2>, decisions: Decisions) -> Pass {
        let [batch, inputs] = x.dims();
        let [leaves, width, classes] = self.w2s.val().dims();
        let choices = self.choices(x.clone());
        let hard_choices = choices.clone().map(|choices| {
            let hard = choices.clone().detach().greater_equal_scalar(0.5).float();
            straight_through(choices, hard)
        });
        let shares = mixture(choices.as_ref(), &x, leaves);
        let picks = mixture(hard_choices.as_ref(), &x, leaves);
        let mix = if decisions == Decisions::Hard { picks.clone() } else { shares.clone() };

        // All leaves at once: hidden neurons (batch, L, l), each scaled with its leaf's share of the mixture.
        let w1 = self.w1s.val().permute([1, 0, 2]).reshape([inputs, leaves * width]);
        let hidden = relu(x.clone().matmul(w1) + self.b1s.val().reshape([1, leaves * width]));
        let hidden = hidden.reshape([batch, leaves, width]) * mix.clone().unsqueeze_dim::<3>(2);
        let w2 = self.w2s.val().reshape([leaves * width, classes]);
        let tree = hidden.reshape([batch, leaves * width]).matmul(w2) + mix.matmul(self.b2s.val());

        let always = self.master.as_ref().map(|master| master.pass(x));
        let scores = match (&self.master, &always) {
            (Some(master), Some(always)) => {
                let share = sigmoid(master.k.val()).unsqueeze::<2>();
                tree * share.clone() + always.clone() * share.neg().add_scalar(1.0)
            }
            _ => tree,
        };
        let load = Load { shares, picks: picks.detach(), per_row: 1 };
        Pass { scores, choices, load: Some(load), always, tape: None }
    }

    /// `(batch, nodes)`: the probability to go right at each node.
    fn choices(&self, x: Tensor<2>) -> Option<Tensor<2>> {
        let (weights, biases) = (self.node_weights.as_ref()?, self.node_biases.as_ref()?);
        Some(sigmoid(x.matmul(weights.val().transpose()) + biases.val().transpose()))
    }

    pub(crate) fn export(&self, graph: &mut GraphBuilder) -> Result<(), String> {
        if let (Some(weights), Some(biases)) = (&self.node_weights, &self.node_biases) {
            graph.float("fff.node_weights", weights.val())?;
            graph.float("fff.node_biases", biases.val())?;
        }
        graph.float("fff.w1s", self.w1s.val())?;
        graph.float("fff.b1s", self.b1s.val())?;
        graph.float("fff.w2s", self.w2s.val())?;
        graph.float("fff.b2s", self.b2s.val())?;
        if let Some(master) = &self.master {
            graph.float("fff.magic_w1", master.w1.val().unsqueeze::<3>())?;
            graph.float("fff.magic_b1", master.b1.val())?;
            graph.float("fff.magic_w2", master.w2.val().unsqueeze::<3>())?;
            graph.float("fff.magic_b2", master.b2.val())?;
            graph.scalar("fff.k", master.k.val())?;
        }
        graph.layer(LayerSpec::Fff { prefix: "fff.".into(), activation: "relu" });
        graph.layer(LayerSpec::Argmax);
        Ok(())
    }
}

impl Master {
    fn pass(&self, x: Tensor<2>) -> Tensor<2> {
        relu(x.matmul(self.w1.val()) + self.b1.val()).matmul(self.w2.val()) + self.b2.val()
    }
}

/// `(batch, leaves)`: the product of the choices along the path to each leaf, level by level. `x` lends the batch.
fn mixture(choices: Option<&Tensor<2>>, x: &Tensor<2>, leaves: usize) -> Tensor<2> {
    let [batch, _] = x.dims();
    let mut mixture = Tensor::<2>::ones([batch, 1], &x.device());
    let Some(choices) = choices else { return mixture };
    let mut level = 1;
    while level < leaves {
        let right = choices.clone().slice([0..batch, level - 1..2 * level - 1]);
        let left = right.clone().neg().add_scalar(1.0);
        mixture = Tensor::stack::<3>(vec![mixture.clone() * left, mixture * right], 2).reshape([batch, 2 * level]);
        level *= 2;
    }
    mixture
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::evaluate::read;

    /// The small network on which the conventions of the `fastfeedforward` package were checked: leaf `L` of four has
    /// `w1 = (L+1) [[1,-1],[2,.5],[-1,1]]`, `b1 = (L+1) [.5,-.25]`, `w2 = [[1,2],[-1,.5]] + L`, `b2 = (L+1) [10,-10]`.
    fn known() -> Fff {
        let device = Device::flex();
        let leaves = |base: &[f32], leaf: fn(f32, f32) -> f32| {
            (0..4).flat_map(|l| base.iter().map(move |&value| leaf(value, l as f32))).collect::<Vec<f32>>()
        };
        let scaled = |value: f32, l: f32| value * (l + 1.0);
        let nodes = vec![1., 0., 0., 0., 1., 0., 0., 0., 1.];
        Fff {
            node_weights: Some(Param::from_tensor(tensor(nodes, [3, 3], &device))),
            node_biases: Some(Param::from_tensor(tensor(vec![0., -0.5, 0.25], [3, 1], &device))),
            w1s: Param::from_tensor(tensor(leaves(&[1., -1., 2., 0.5, -1., 1.], scaled), [4, 3, 2], &device)),
            b1s: Param::from_tensor(tensor(leaves(&[0.5, -0.25], scaled), [4, 2], &device)),
            w2s: Param::from_tensor(tensor(leaves(&[1., 2., -1., 0.5], |value, l| value + l), [4, 2, 2], &device)),
            b2s: Param::from_tensor(tensor(leaves(&[10., -10.], scaled), [4, 2], &device)),
            master: None,
        }
    }

    #[test]
    fn a_hard_pass_agrees_with_the_package() {
        let x = vec![-1., 0.25, 1., -1., 1., 1., 1., 0., -1., 1., 0., 1.];
        let pass = known().pass(tensor(x, [4, 3], &Device::flex()), Decisions::Hard);
        let want = [8.125, -9.0625, 22.0, -10.25, 52.5, 0.0, 48.0, -30.0];
        let have = read(pass.scores).expect("the scores are read");
        assert!(have.iter().zip(want).all(|(have, want)| (have - want).abs() < 1e-4), "{have:?}");
        let picks = read(pass.load.expect("a tree has leaves").picks).expect("the picks are read");
        assert_eq!(picks, [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.]);
    }

    #[test]
    fn the_leaves_of_a_soft_pass_share_the_whole() {
        let x = tensor(vec![0.3, -0.2, 0.7], [1, 3], &Device::flex());
        let load = known().pass(x, Decisions::Soft).load.expect("a tree has leaves");
        let shares = read(load.shares).expect("the shares are read");
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let right = 1.0 / (1.0 + (-0.3f32).exp());
        assert!((shares[2] + shares[3] - right).abs() < 1e-6);
    }
}
