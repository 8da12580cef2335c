//! What each layer adds to the difference between the image and the trained network.
//!
//! Two comparisons with what the integer reference holds after each op. Against the float network's own run: the error that has come
//! together up to there. And against the float layer alone, evaluated on what the image's layer read: the error that the layer itself
//! adds. The first says how good a value is, the second where to look. An error is a signal-to-noise ratio, `10 log10(sum f^2 / sum (f - i)^2)`
//! over all outputs and samples, and the largest single difference.

use std::convert::Infallible;
use std::ops::Range;

use serde::Serialize;

use crate::Conversion;
use crate::host::input_bytes;
use crate::host::workers::in_blocks;
use crate::ir::eval::Evaluator;
use crate::ir::{Graph, Node, Op, ValueKind};
use crate::progress::{self, Count, Progress, Stage};
use crate::quantize::integer::{Dtype, IntGraph, IntOp, IntTensor};
use crate::reference::{self, Crc, Image};

/// Samples that layers are compared on; of more, so many are taken, spread evenly over them.
pub const MAX_SAMPLES: usize = 1000;

/// Samples that a thread takes at a time.
const BLOCK: usize = 16;

/// How far the outputs of a layer are from those of the float network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerError {
    /// Its name.
    pub layer: String,
    /// Outputs compared, over all samples.
    pub outputs: u64,
    /// Signal-to-noise ratio against the float network, in dB; none if no output differs, or if outputs are bits.
    pub snr_db: Option<f64>,
    /// The same against the float layer on the inputs that the image's layer has: what the layer itself adds.
    pub own_snr_db: Option<f64>,
    /// The largest difference from the float network, in real numbers.
    pub max_error: f64,
    /// Outputs at the smallest value that the tensor can hold.
    pub at_lo: u64,
    /// Outputs at the largest.
    pub at_hi: u64,
    /// Outputs that the float layer puts more than half a step outside of what the tensor can hold.
    pub clipped: u64,
    /// Outputs that are bits and differ from the float network's; none if outputs are numbers.
    pub bits_differ: Option<u64>,
}

/// The layers in the order they run, and how many samples they were compared on. Layers of gates are left out: they are exact, and the image
/// holds their bits in an order of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerErrors {
    /// Number of samples.
    pub samples: usize,
    /// One for each layer.
    pub layers: Vec<LayerError>,
}

impl LayerErrors {
    /// The layer that adds most noise to its outputs, in relation to them.
    pub fn weakest(&self) -> Option<&LayerError> {
        let noisy = self.layers.iter().filter(|layer| layer.own_snr_db.is_some());
        noisy.min_by(|a, b| a.own_snr_db.unwrap_or(0.0).total_cmp(&b.own_snr_db.unwrap_or(0.0)))
    }
}

/// Compares the layers of `conversion` on `inputs`, of which [`MAX_SAMPLES`] are enough.
pub fn layer_errors(conversion: &Conversion, inputs: &[Vec<i8>]) -> LayerErrors {
    layer_errors_with(conversion, inputs, &mut progress::silent)
}

/// [`layer_errors`] that says how far it has come.
pub fn layer_errors_with(conversion: &Conversion, inputs: &[Vec<i8>], progress: &mut Progress<'_>) -> LayerErrors {
    let Conversion { image, graph, integer, .. } = conversion;
    // An image that the conversion has checked is one.
    let Ok(judge) = reference::read(image, Crc::Check) else { return LayerErrors::default() };
    let places = places(graph, integer);
    let samples = inputs.len().min(MAX_SAMPLES);
    let work = |state: &mut Run<'_>, range: Range<usize>| {
        let mut sums = vec![Sums::default(); graph.nodes.len()];
        for i in range {
            state.compare(&inputs[i * inputs.len() / samples], &mut sums);
        }
        sums
    };
    let mut all = vec![Sums::default(); graph.nodes.len()];
    let mut count = Count::begin(progress, Stage::Layers, samples);
    let run =
        || Run { judge: &judge, integer, places: &places, float: Evaluator::new(graph), alone: Evaluator::new(graph) };
    let added: Result<(), Infallible> = in_blocks(samples, BLOCK, run, work, |range, sums| {
        all.iter_mut().zip(sums).for_each(|(all, sums)| all.add(&sums));
        range.for_each(|_| count.step());
        Ok(())
    });
    let Ok(()) = added;
    let report = |(node, place): (usize, &Option<Held>)| {
        let held = place.as_ref()?;
        Some(all[node].report(&graph.nodes[node].name, &integer.tensors[held.tensor]))
    };
    LayerErrors { samples, layers: places.iter().enumerate().filter_map(report).collect() }
}

/// Where the image holds the output of a node: a tensor, after an op.
#[derive(Clone, Copy, Debug)]
struct Held {
    tensor: usize,
    op: usize,
}

/// By node. A tensor has the name of the value that it is.
fn places(graph: &Graph, integer: &IntGraph) -> Vec<Option<Held>> {
    let place = |node: &Node| {
        if matches!(node.op, Op::Gates { .. } | Op::Netlist(_)) {
            return None;
        }
        let value = graph.value(node.output);
        let is = |tensor: &IntTensor| {
            let kind = match tensor.dtype {
                Dtype::I8 | Dtype::I32 => ValueKind::Real,
                Dtype::Bits => ValueKind::Bits,
                Dtype::List => return false,
            };
            tensor.name == value.name && tensor.cols == value.len && kind == value.kind
        };
        let tensor = integer.tensors.iter().rposition(is)?;
        let writes = |(_, op): &(String, IntOp)| op.operands().1.iter().any(|id| id.0 == tensor);
        Some(Held { tensor, op: integer.ops.iter().rposition(writes)? })
    };
    graph.nodes.iter().map(place).collect()
}

/// One thread's evaluators.
struct Run<'g> {
    judge: &'g Image,
    integer: &'g IntGraph,
    places: &'g [Option<Held>],
    float: Evaluator<'g>,
    alone: Evaluator<'g>,
}

impl Run<'_> {
    /// Adds one sample to the sums of each node.
    fn compare(&mut self, q: &[i8], sums: &mut [Sums]) {
        let mut held: Vec<Option<Vec<i64>>> = vec![None; self.places.len()];
        let ran = reference::run_watched(self.judge, input_bytes(q), |op, tensors| {
            for (elements, place) in held.iter_mut().zip(self.places) {
                if let Some(place) = place.filter(|place| place.op == op) {
                    *elements = Some(tensors.elements(place.tensor));
                }
            }
        });
        if ran.is_err() {
            return;
        }
        self.float.run(q, &mut ());
        let (float, integer, places) = (&self.float, self.integer, self.places);
        self.alone.run_replacing(q, &mut (), |node, own| {
            let (Some(elements), Some(place)) = (&held[node], places[node]) else { return };
            let tensor = &integer.tensors[place.tensor];
            sums[node].compare(tensor, elements, float.output(node), own);
            for (own, &q) in own.iter_mut().zip(elements) {
                *own = real(tensor, q) as f32;
            }
        });
    }
}

fn real(tensor: &IntTensor, q: i64) -> f64 {
    if tensor.dtype == Dtype::Bits { q as f64 } else { tensor.scale * (q as f64 - tensor.zero_point) }
}

/// What has come together of one node.
#[derive(Clone, Debug, Default)]
struct Sums {
    outputs: u64,
    signal: f64,
    noise: f64,
    own_signal: f64,
    own_noise: f64,
    max_error: f64,
    at_lo: u64,
    at_hi: u64,
    clipped: u64,
}

impl Sums {
    /// Adds the outputs of a sample: as the image holds them, as the float network has them, and as the float layer alone gives them.
    fn compare(&mut self, tensor: &IntTensor, elements: &[i64], float: &[f32], own: &[f32]) {
        let (lo, hi) = (i64::from(tensor.lo), i64::from(tensor.hi));
        let bounds = [real(tensor, lo) - 0.5 * tensor.scale, real(tensor, hi) + 0.5 * tensor.scale];
        for ((&q, &float), &own) in elements.iter().zip(float).zip(own) {
            let (image, float, own) = (real(tensor, q), f64::from(float), f64::from(own));
            self.outputs += 1;
            self.signal += float * float;
            self.noise += (float - image).powi(2);
            self.own_signal += own * own;
            self.own_noise += (own - image).powi(2);
            self.max_error = self.max_error.max((float - image).abs());
            if tensor.dtype == Dtype::I8 {
                self.at_lo += u64::from(q <= lo);
                self.at_hi += u64::from(q >= hi);
                self.clipped += u64::from(own < bounds[0] || own > bounds[1]);
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.outputs += other.outputs;
        self.signal += other.signal;
        self.noise += other.noise;
        self.own_signal += other.own_signal;
        self.own_noise += other.own_noise;
        self.max_error = self.max_error.max(other.max_error);
        self.at_lo += other.at_lo;
        self.at_hi += other.at_hi;
        self.clipped += other.clipped;
    }

    fn report(&self, layer: &str, tensor: &IntTensor) -> LayerError {
        let bits = tensor.dtype == Dtype::Bits;
        // Where there is no signal at all, any noise is as much as there can be; JSON has no infinity.
        let snr = |signal: f64, noise: f64| {
            (noise > 0.0 && !bits).then(|| 10.0 * (signal.max(f64::MIN_POSITIVE) / noise).log10())
        };
        LayerError {
            layer: layer.to_owned(),
            outputs: self.outputs,
            snr_db: snr(self.signal, self.noise),
            own_snr_db: snr(self.own_signal, self.own_noise),
            max_error: self.max_error,
            at_lo: self.at_lo,
            at_hi: self.at_hi,
            clipped: self.clipped,
            // A bit that differs adds one.
            bits_differ: bits.then_some(self.noise as u64),
        }
    }
}
