//! Routed ReLU experts with a shared expert: a linear router picks `top_k` of `E` small networks per input.
//!
//! `y = shared(x) + sum over the picked e of sigmoid(r_e) * expert_e(x)`, where `r = router(x)`. The sigmoid (as in
//! DeepSeek-V3, arXiv 2412.19437, there normalised) keeps an expert's weight apart from the others' scores, so that an
//! integer device needs a table and no softmax. Picking is hard in training too; the router learns through the weights of those
//! picked and through load balancing.
//!
//! The router's rows are centred: each is used less the mean of all. A part that all rows share changes no pick, but gradients of the
//! sigmoids make it grow until, in 8 bits, it leaves no room for the differences that do. Measured on `digits-moe`, without
//! centring three inputs in ten changed an expert by quantisation.

use burn::module::{Module, Param};
use burn::tensor::activation::{relu, sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor};

use super::{Load, Pass, tensor};
use crate::export::{GraphBuilder, LayerSpec};
use crate::recipe::MoeShape;
use crate::seed::Stream;

/// The layer; `E` experts of `h` neurons, `I` inputs, `O` classes.
#[derive(Module, Debug)]
pub(crate) struct Moe {
    /// `(E, I)`.
    router_weight: Param<Tensor<2>>,
    /// `(E)`.
    router_bias: Param<Tensor<1>>,
    /// `(E, I, h)`.
    w1s: Param<Tensor<3>>,
    /// `(E, h)`.
    b1s: Param<Tensor<2>>,
    /// `(E, h, O)`.
    w2s: Param<Tensor<3>>,
    /// `(E, O)`.
    b2s: Param<Tensor<2>>,
    shared: Option<Shared>,
    top_k: usize,
}

/// The expert that every input runs through, `m` neurons wide.
#[derive(Module, Debug)]
struct Shared {
    /// `(I, m)`.
    w1: Param<Tensor<2>>,
    /// `(m)`.
    b1: Param<Tensor<1>>,
    /// `(m, O)`.
    w2: Param<Tensor<2>>,
    /// `(O)`.
    b2: Param<Tensor<1>>,
}

impl Moe {
    pub(crate) fn new(shape: &MoeShape, inputs: usize, classes: usize, stream: &mut Stream, device: &Device) -> Self {
        let (experts, hidden) = (shape.experts, shape.hidden);
        let (near, far) = (1.0 / (inputs as f32).sqrt(), 1.0 / (hidden as f32).sqrt());
        let mut draw = |count: usize, bound: f32| stream.symmetric_vec(count, bound);
        Self {
            router_weight: Param::from_tensor(tensor(draw(experts * inputs, near), [experts, inputs], device)),
            router_bias: Param::from_tensor(tensor(vec![0.0; experts], [experts], device)),
            w1s: Param::from_tensor(tensor(draw(experts * inputs * hidden, near), [experts, inputs, hidden], device)),
            b1s: Param::from_tensor(tensor(draw(experts * hidden, near), [experts, hidden], device)),
            w2s: Param::from_tensor(tensor(draw(experts * hidden * classes, far), [experts, hidden, classes], device)),
            b2s: Param::from_tensor(tensor(draw(experts * classes, far), [experts, classes], device)),
            shared: (shape.shared > 0).then(|| {
                let (m, far) = (shape.shared, 1.0 / (shape.shared as f32).sqrt());
                Shared {
                    w1: Param::from_tensor(tensor(draw(inputs * m, near), [inputs, m], device)),
                    b1: Param::from_tensor(tensor(draw(m, near), [m], device)),
                    w2: Param::from_tensor(tensor(draw(m * classes, far), [m, classes], device)),
                    b2: Param::from_tensor(tensor(draw(classes, far), [classes], device)),
                }
            }),
            top_k: shape.top_k,
        }
    }

    /// The router as it is used and exported: centred rows `(E, I)` and biases `(E)`.
    fn router(&self) -> (Tensor<2>, Tensor<1>) {
        let (weight, bias) = (self.router_weight.val(), self.router_bias.val());
        (weight.clone() - weight.mean_dim(0), bias.clone() - bias.mean())
    }

    pub(crate) fn pass(&self, x: Tensor<2>) -> Pass {
        let [batch, inputs] = x.dims();
        let [experts, hidden, classes] = self.w2s.val().dims();
        let (weight, bias) = self.router();
        let router = x.clone().matmul(weight.transpose()) + bias.unsqueeze::<2>();
        let picks = largest(router.clone().detach(), self.top_k);
        let mix = sigmoid(router.clone()) * picks.clone();

        let w1 = self.w1s.val().permute([1, 0, 2]).reshape([inputs, experts * hidden]);
        let neurons = relu(x.clone().matmul(w1) + self.b1s.val().reshape([1, experts * hidden]));
        let neurons = neurons.reshape([batch, experts, hidden]) * mix.clone().unsqueeze_dim::<3>(2);
        let w2 = self.w2s.val().reshape([experts * hidden, classes]);
        let routed = neurons.reshape([batch, experts * hidden]).matmul(w2) + mix.matmul(self.b2s.val());

        let always = self.shared.as_ref().map(|shared| shared.pass(x));
        let scores = match &always {
            Some(always) => routed + always.clone(),
            None => routed,
        };
        let load = Load { shares: softmax(router, 1), picks, per_row: self.top_k };
        Pass { scores, choices: None, load: Some(load), always, tape: None }
    }

    pub(crate) fn export(&self, graph: &mut GraphBuilder) -> Result<(), String> {
        let (weight, bias) = self.router();
        graph.float("moe.router.weight", weight)?;
        graph.float("moe.router.bias", bias)?;
        graph.float("moe.w1s", self.w1s.val())?;
        graph.float("moe.b1s", self.b1s.val())?;
        graph.float("moe.w2s", self.w2s.val())?;
        graph.float("moe.b2s", self.b2s.val())?;
        if let Some(shared) = &self.shared {
            graph.float("moe.shared.w1", shared.w1.val())?;
            graph.float("moe.shared.b1", shared.b1.val())?;
            graph.float("moe.shared.w2", shared.w2.val())?;
            graph.float("moe.shared.b2", shared.b2.val())?;
        }
        let (prefix, top_k) = ("moe.".into(), self.top_k);
        graph.layer(LayerSpec::Moe { prefix, activation: "relu", top_k, gate: "sigmoid" });
        graph.layer(LayerSpec::Argmax);
        Ok(())
    }
}

impl Shared {
    fn pass(&self, x: Tensor<2>) -> Tensor<2> {
        let hidden = relu(x.matmul(self.w1.val()) + self.b1.val().unsqueeze::<2>());
        hidden.matmul(self.w2.val()) + self.b2.val().unsqueeze::<2>()
    }
}

/// `(batch, n)`: 1 at the `k` largest scores of each row, else 0. Equal scores are told apart by argmax, k times over,
/// so that exactly `k` are picked.
fn largest(scores: Tensor<2>, k: usize) -> Tensor<2> {
    let [_, n] = scores.dims();
    let columns = Tensor::<1, Int>::arange(0..n as i64, &scores.device()).unsqueeze::<2>();
    let mut left = scores.clone();
    let mut picks = scores.zeros_like();
    for _ in 0..k {
        let picked = left.clone().argmax(1).equal(columns.clone());
        left = left.mask_fill(picked.clone(), f32::NEG_INFINITY);
        picks = picks.mask_fill(picked, 1.0);
    }
    picks
}
