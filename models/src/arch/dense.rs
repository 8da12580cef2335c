//! Dense layers with ReLU between them: the baseline of every network that skips work, and a teacher to distil from.

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::{Pass, tensor};
use crate::export::{GraphBuilder, LayerSpec};
use crate::recipe::DenseShape;
use crate::seed::Stream;

/// A multilayer perceptron.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    layers: Vec<Layer>,
}

#[derive(Module, Debug)]
struct Layer {
    /// `(outputs, inputs)`.
    weight: Param<Tensor<2>>,
    /// `(1, outputs)`.
    bias: Param<Tensor<2>>,
}

impl Dense {
    /// Weights uniform up to `sqrt(6 / inputs)` of a layer (He et al., arXiv 1502.01852), biases 0.
    pub(crate) fn new(shape: &DenseShape, inputs: usize, classes: usize, stream: &mut Stream, device: &Device) -> Self {
        let mut before = inputs;
        let mut layers = Vec::new();
        for &width in shape.hidden.iter().chain([&classes]) {
            let values = stream.symmetric_vec(width * before, (6.0 / before as f32).sqrt());
            let weight = Param::from_tensor(tensor(values, [width, before], device));
            let bias = Param::from_tensor(tensor(vec![0.0; width], [1, width], device));
            layers.push(Layer { weight, bias });
            before = width;
        }
        Self { layers }
    }

    pub(crate) fn pass(&self, x: Tensor<2>) -> Pass {
        let last = self.layers.len() - 1;
        let mut scores = x;
        for (index, layer) in self.layers.iter().enumerate() {
            scores = scores.matmul(layer.weight.val().transpose()) + layer.bias.val();
            if index < last {
                scores = relu(scores);
            }
        }
        Pass { scores, choices: None, load: None, always: None, tape: None }
    }

    pub(crate) fn export(&self, graph: &mut GraphBuilder) -> Result<(), String> {
        let last = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let prefix = format!("dense{index}.");
            graph.float(&format!("{prefix}weight"), layer.weight.val())?;
            graph.float(&format!("{prefix}bias"), layer.bias.val().squeeze_dim::<1>(0))?;
            let activation = if index < last { "relu" } else { "none" };
            graph.layer(LayerSpec::Linear { prefix, activation });
        }
        graph.layer(LayerSpec::Argmax);
        Ok(())
    }
}
