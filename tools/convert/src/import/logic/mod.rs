//! Layers of difflogic and torchlogix as their state dicts hold them: thresholds, dense layers of gates, convolutions, pooling.
//!
//! All become layers of gates in arbitrary wiring, which the passes make one netlist of. A state dict does not say how its layers follow
//! each other, and difflogic's does not hold the wiring: both come from a description (`docs/importing.md`).
//!
//! Sources: arXiv 2210.08277 (difflogic 0.1.0), arXiv 2411.04732 (convolutions; torchlogix 0.2.2).

mod gate;
mod unroll;

use serde::Deserialize;

use super::layers::{Builder, range};
use super::tensors::{Dim, Tensors};
use crate::error::ConvertError;
use crate::ir::{Op, ValueKind, Wiring};
use gate::Parametrization;

/// Gates of a network whose layers are unrolled, and bits of a layer of arbitrary wiring.
pub(super) const MAX_GATES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Binarization {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    shape: Option<Vec<usize>>,
    #[serde(default)]
    thresholds: Option<Vec<f64>>,
    #[serde(default = "element")]
    order: String,
}

fn element() -> String {
    "element".into()
}

fn raw() -> String {
    "raw".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogicDense {
    #[serde(default)]
    prefix: String,
    #[serde(default = "raw")]
    parametrization: String,
    #[serde(default)]
    a: Option<Vec<u32>>,
    #[serde(default)]
    b: Option<Vec<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogicConv2d {
    #[serde(default)]
    prefix: String,
    #[serde(default = "raw")]
    parametrization: String,
    shape: [usize; 3],
    #[serde(default)]
    padding: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrPool2d {
    shape: [usize; 3],
    kernel: Pair,
    stride: Pair,
    #[serde(default)]
    padding: Pair,
}

/// Height and width; one number is both.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Pair {
    Square(usize),
    Sides([usize; 2]),
}

impl Default for Pair {
    fn default() -> Self {
        Self::Square(0)
    }
}

impl Pair {
    fn sides(self) -> [usize; 2] {
        match self {
            Self::Square(side) => [side; 2],
            Self::Sides(sides) => sides,
        }
    }
}

impl Builder<'_> {
    /// Thresholds on every element, in one of the orders of the frameworks.
    pub(super) fn binarization(&mut self, layer: &Binarization, index: usize) -> Result<(), ConvertError> {
        let name = self.name("binarization", &layer.prefix, index);
        let len = self.input(&name, ValueKind::Real)?;
        let shape = layer.shape.clone().unwrap_or_else(|| vec![len]);
        if shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side)) != Some(len) {
            return Err(range(
                &name,
                "shape",
                &format!("sides whose product is {len}, the length of the input"),
                &format!("{shape:?}"),
            ));
        }
        let key = format!("{}thresholds", layer.prefix);
        let (groups, thresholds) = self.thresholds(layer, &key, shape[0])?;
        let per_element = thresholds.len() / groups;
        let bits = len.checked_mul(per_element).filter(|&bits| bits <= MAX_GATES);
        let bits = bits.ok_or_else(|| too_large(&name, "its number of bits", len as u128 * per_element as u128))?;

        // Elements of a channel.
        let area = len / shape[0];
        let bit = |place: usize| -> Option<(usize, usize)> {
            Some(match layer.order.as_str() {
                "element" => (place / per_element, place % per_element),
                "channel" => {
                    let (plane, at) = (place / area, place % area);
                    (plane / per_element * area + at, plane % per_element)
                }
                "threshold" => (place % len, place / len),
                _ => return None,
            })
        };
        let (mut feature, mut threshold) = (Vec::with_capacity(bits), Vec::with_capacity(bits));
        for place in 0..bits {
            let Some((element, i)) = bit(place) else {
                let (have, want) = (layer.order.clone(), "element, channel, threshold".to_owned());
                return Err(ConvertError::Unknown { layer: name, what: "order", have, want });
            };
            feature.push(element as u32);
            threshold.push(thresholds[if groups == 1 { i } else { element / area * per_element + i }]);
        }
        self.push(name, Op::Bits { feature, threshold }, bits, ValueKind::Bits);
        Ok(())
    }

    /// The thresholds of all elements, or of each channel: how many sets there are, and one after the other.
    fn thresholds(
        &mut self,
        layer: &Binarization,
        key: &str,
        channels: usize,
    ) -> Result<(usize, Vec<f32>), ConvertError> {
        if let Some(listed) = &layer.thresholds {
            if self.tensors.has(key) {
                return Err(twice(&self.tensors, key, "the thresholds", "`thresholds` of the description"));
            }
            let thresholds: Vec<f32> = listed.iter().map(|&threshold| threshold as f32).collect();
            if thresholds.is_empty() || thresholds.iter().any(|threshold| !threshold.is_finite()) {
                let place = self.tensors.layer();
                return Err(range(&place, "thresholds", "1 or more finite numbers", &format!("{listed:?}")));
            }
            return Ok((1, thresholds));
        }
        let sets = match self.tensors.shape(key)?.len() {
            1 => Vec::new(),
            _ => vec![Dim::Is("channels", channels)],
        };
        let (shape, thresholds) = self.tensors.floats(key, &[&sets[..], &[Dim::Any("thresholds")]].concat())?;
        Ok((if shape.len() == 1 { 1 } else { channels }, thresholds))
    }

    /// A layer of two-input gates: `LogicLayer` of difflogic, `LogicDense` of torchlogix.
    pub(super) fn logic_dense(&mut self, layer: LogicDense, index: usize) -> Result<(), ConvertError> {
        let name = self.name("logic_dense", &layer.prefix, index);
        let bits = self.input(&name, ValueKind::Bits)?;
        let p = &layer.prefix;
        let weights = [format!("{p}weights"), format!("{p}weight")];
        let weights = if self.tensors.has(&weights[0]) { &weights[0] } else { &weights[1] };
        let parametrization = parametrization(&layer.parametrization, &name)?;
        let per_gate = Dim::Is("weights of a gate", parametrization.weights());
        let (shape, data) = self.tensors.floats(weights, &[Dim::Any("n"), per_gate])?;
        let n = shape[0];
        let gate = parametrization.gates(&data);
        self.tensors.ignore(&format!("{p}_export_lut_ids"));
        self.tensors.ignore(&format!("{p}connections._export_indices"));
        let limit = bits.min(MAX_GATES);
        let [a, b] = match (layer.a, layer.b) {
            (None, None) => self.connections(p, n, limit)?,
            (Some(a), Some(b)) => {
                for key in ["a", "connections.indices"].map(|key| format!("{p}{key}")) {
                    if self.tensors.has(&key) {
                        return Err(twice(&self.tensors, &key, "the wiring", "`a` and `b` of the description"));
                    }
                }
                for (key, indices) in [("a", &a), ("b", &b)] {
                    if indices.len() != n {
                        return Err(range(
                            &name,
                            &format!("the length of `{key}`"),
                            &format!("{n}, one per gate"),
                            &indices.len().to_string(),
                        ));
                    }
                    if let Some(at) = indices.iter().position(|&index| index as usize >= limit) {
                        let what = format!("the input bit at index {at} of `{key}`");
                        return Err(range(&name, &what, &format!("0 to {}", limit - 1), &indices[at].to_string()));
                    }
                }
                [a, b]
            }
            _ => return Err(range(&name, "the wiring", "both `a` and `b`, or none", "one of them")),
        };
        self.push_gates(name, gate, a, b)
    }

    /// The wiring of a dense layer from its tensors: lists of its own, torchlogix' indices, or the strongest of its candidates.
    fn connections(&mut self, p: &str, n: usize, limit: usize) -> Result<[Vec<u32>; 2], ConvertError> {
        let [a, b, indices, weights] =
            ["a", "b", "connections.indices", "connections.weights"].map(|key| format!("{p}{key}"));
        let what = "the input bit";
        if !self.tensors.has(&indices) {
            if !self.tensors.has(&a) && !self.tensors.has(&b) {
                return Err(ConvertError::NoWiring { layer: self.tensors.layer() });
            }
            let mut read = |key| Ok(self.tensors.indices(key, &[Dim::Is("n", n)], what, limit)?.1);
            return Ok([read(&a)?, read(&b)?]);
        }
        if !self.tensors.has(&weights) {
            let (_, mut a) = self.tensors.indices(&indices, &[Dim::Is("2", 2), Dim::Is("n", n)], what, limit)?;
            let b = a.split_off(n);
            return Ok([a, b]);
        }
        let each = [Dim::Any("candidates"), Dim::Is("2", 2), Dim::Is("n", n)];
        let (shape, candidates) = self.tensors.indices(&indices, &each, what, limit)?;
        let (_, weights) = self.tensors.floats(&weights, &[Dim::Is("candidates", shape[0]), each[1], each[2]])?;
        let mut chosen = (0..2 * n).map(|slot| {
            let at = |candidate: usize| candidate * 2 * n + slot;
            let best = (1..shape[0]).fold(0, |best, i| if weights[at(i)] > weights[at(best)] { i } else { best });
            candidates[at(best)]
        });
        let a = chosen.by_ref().take(n).collect();
        Ok([a, chosen.collect()])
    }

    /// Adds a layer of gates that read bits of the one before.
    fn push_gates(&mut self, name: String, gate: Vec<u8>, a: Vec<u32>, b: Vec<u32>) -> Result<(), ConvertError> {
        self.gates += gate.len();
        if self.gates > MAX_GATES {
            return Err(too_large(&name, UNROLLED, self.gates as u128));
        }
        let n = gate.len();
        self.push(name, Op::Gates { wiring: Wiring::Gathered { a, b }, gate }, n, ValueKind::Bits);
        Ok(())
    }
}

const UNROLLED: &str = "gates of the network up to here, unrolled";

fn too_large(place: &str, what: &str, have: u128) -> ConvertError {
    let have = u64::try_from(have).unwrap_or(u64::MAX);
    ConvertError::TooLarge { place: format!("layer `{place}`"), what: what.into(), want: MAX_GATES as u64, have }
}

fn twice(tensors: &Tensors<'_>, tensor: &str, what: &str, other: &str) -> ConvertError {
    range(&tensors.layer(), what, "given once", &format!("given by {other} and by tensor `{tensor}`"))
}

fn parametrization(word: &str, layer: &str) -> Result<Parametrization, ConvertError> {
    let found = Parametrization::ALL.iter().find(|(name, _)| *name == word);
    found.map(|(_, parametrization)| *parametrization).ok_or_else(|| ConvertError::Unknown {
        layer: layer.into(),
        what: "parametrization",
        have: word.into(),
        want: Parametrization::ALL.map(|(name, _)| name).join(", "),
    })
}
