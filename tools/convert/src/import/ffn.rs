//! The conditional feedforward blocks as one [`crate::ir::Op::Ffn`]: which tensors, which routes, which ranges.
//!
//! Frameworks keep a leaf's or an expert's first matrix input-major, `(I, l)`; a key row belongs to one neuron, so it is
//! transposed here. Their second matrix `(l, O)` already is neuron-major.
//!
//! Sources: `fastfeedforward` (arXiv 2308.14711), its master leaf (arXiv 2405.16836: the code's `sigmoid(k) * FFF + (1 - sigmoid(k)) *
//! Master`, not the text's reversed roles), UltraFastBERT (arXiv 2311.10770).

use super::graph_file::Moe;
use super::layers::range;
use super::tensors::{Dim, Tensors};
use crate::error::ConvertError;
use crate::ir::{Emit, GateWeight, Matrix, Range, Route};

/// An FFN without its activation.
#[derive(Debug)]
pub(super) struct Block {
    pub routes: Vec<Route>,
    pub ranges: Vec<Range>,
    pub outputs: usize,
}

/// Levels of a tree that a route record can hold.
pub(super) const MAX_LEVELS: usize = 16;
/// Range and neuron numbers that a list entry can hold: 0 to 65534.
pub(super) const MAX_ENTRIES: usize = 65535;
/// Neurons that a range record can hold.
pub(super) const MAX_NEURONS: usize = 1 << 20;

/// Bookkeeping of the training code; nothing that inference needs.
const BOOKKEEPING: [&str; 3] = ["node_usage", "leaf_usage", "f"];

/// A fast feedforward block, with a master leaf if the file has one. `leaf_bias` false leaves the leaves' output bias out.
pub(super) fn fff(tensors: &mut Tensors<'_>, p: &str, cols: usize, leaf_bias: bool) -> Result<Block, ConvertError> {
    let input = Dim::Is("I", cols);
    let leaves = leading(tensors, &format!("{p}w1s"))?;
    let depth = depth_of(tensors, p, leaves)?;
    let (w1_shape, w1) = tensors.floats(&format!("{p}w1s"), &[Dim::Is("2^d", leaves), input, Dim::Any("l")])?;
    let width = w1_shape[2];
    let hidden = Dim::Is("l", width);
    let (_, b1) = tensors.floats(&format!("{p}b1s"), &[Dim::Is("2^d", leaves), hidden])?;
    let (w2_shape, w2) = tensors.floats(&format!("{p}w2s"), &[Dim::Is("2^d", leaves), hidden, Dim::Any("O")])?;
    let outputs = w2_shape[2];
    let (_, mut b2) = tensors.floats(&format!("{p}b2s"), &[Dim::Is("2^d", leaves), Dim::Is("O", outputs)])?;
    if !leaf_bias {
        b2.fill(0.0);
    }
    let mut ranges =
        slices(tensors, leaves, cols, width, outputs, [&w1, &b1, &w2, &b2], |leaf| format!("leaf {leaf}"))?;

    let nodes = leaves - 1;
    let (weight, bias) = if depth == 0 && !tensors.has(&format!("{p}node_weights")) {
        (Vec::new(), Vec::new())
    } else {
        let rows = Dim::Is("2^d-1", nodes);
        let (_, weight) = tensors.floats(&format!("{p}node_weights"), &[rows, input])?;
        let (_, bias) = tensors.floats(&format!("{p}node_biases"), &[rows, Dim::Is("1", 1)])?;
        (weight, bias)
    };
    for name in BOOKKEEPING {
        tensors.ignore(&format!("{p}{name}"));
    }
    let tree = if depth == 0 {
        Route::Static { first: 0, count: 1 }
    } else {
        let weight = Matrix::new(nodes, cols, weight);
        Route::Tree { trees: 1, levels: depth, weight, bias, strict: false, emit: Emit::Leaf, first: 0 }
    };
    let mut routes = vec![tree];
    if let Some(master) = master(tensors, p, cols, outputs, &mut ranges)? {
        routes.push(Route::Static { first: ranges.len(), count: 1 });
        ranges.push(master);
    }
    entries_fit(ranges.len(), tensors)?;
    Ok(Block { routes, ranges, outputs })
}

/// The leading dimension of a tensor that must be there: the number of leaves or experts.
fn leading(tensors: &Tensors<'_>, name: &str) -> Result<usize, ConvertError> {
    let shape = tensors.shape(name)?;
    match shape.first() {
        Some(&first) if first >= 1 => Ok(first),
        _ => Err(tensors.misshapen(name, "1 or more leaves or experts", shape)),
    }
}

fn depth_of(tensors: &mut Tensors<'_>, p: &str, leaves: usize) -> Result<usize, ConvertError> {
    let depth = leaves.trailing_zeros() as usize;
    if !leaves.is_power_of_two() || depth > MAX_LEVELS {
        let name = format!("{p}w1s");
        return Err(tensors.misshapen(&name, format!("2^d leaves, d at most {MAX_LEVELS}"), tensors.shape(&name)?));
    }
    let name = format!("{p}depth");
    if tensors.has(&name) {
        let (_, stated) = tensors.indices(&name, &[], "the depth", MAX_LEVELS + 1)?;
        if stated != [depth as u32] {
            let want = format!("{depth}, as there are {leaves} leaves");
            return Err(range(&tensors.place(&name), "the depth", &want, &stated[0].to_string()));
        }
    }
    Ok(depth)
}

/// The master leaf, if there is one. Its share `1 - s` and the leaves' share `s`, `s = sigmoid(k)`, go into the values: the sum of an FFN's
/// entries has no weights of its own.
fn master(
    tensors: &mut Tensors<'_>,
    p: &str,
    cols: usize,
    outputs: usize,
    leaves: &mut [Range],
) -> Result<Option<Range>, ConvertError> {
    let names = ["magic_w1", "magic_b1", "magic_w2", "magic_b2", "k"].map(|name| format!("{p}{name}"));
    if !names.iter().any(|name| tensors.has(name)) {
        return Ok(None);
    }
    let [w1, b1, w2, b2, k] = &names;
    let one = Dim::Is("1", 1);
    let (shape, w1) = tensors.floats(w1, &[one, Dim::Is("I", cols), Dim::Any("m")])?;
    let hidden = Dim::Is("m", shape[2]);
    let (_, b1) = tensors.floats(b1, &[one, hidden])?;
    let (_, w2) = tensors.floats(w2, &[one, hidden, Dim::Is("O", outputs)])?;
    let (_, b2) = tensors.floats(b2, &[one, Dim::Is("O", outputs)])?;
    let (_, k) = tensors.floats(k, &[])?;
    let s = 1.0 / (1.0 + (-f64::from(k[0])).exp());
    for leaf in leaves {
        scale(leaf, s);
    }
    let mut master = slices(tensors, 1, cols, shape[2], outputs, [&w1, &b1, &w2, &b2], |_| "master".into())?.remove(0);
    scale(&mut master, 1.0 - s);
    Ok(Some(master))
}

fn scale(range: &mut Range, by: f64) {
    for value in range.values.data.iter_mut().chain(&mut range.value_bias) {
        *value = (f64::from(*value) * by) as f32;
    }
}

/// UltraFastBERT's block: all nodes of all trees are one range, and each visited one contributes.
pub(super) fn ultrafast(
    tensors: &mut Tensors<'_>,
    p: &str,
    (trees, depth): (usize, usize),
    cols: usize,
    at: &str,
) -> Result<Block, ConvertError> {
    if depth >= MAX_LEVELS {
        return Err(range(at, "depth", &format!("0 to {}", MAX_LEVELS - 1), &depth.to_string()));
    }
    let levels = depth + 1;
    let per_tree = (1 << levels) - 1;
    let most = MAX_ENTRIES / per_tree;
    if !(1..=most).contains(&trees) {
        return Err(range(at, "trees", &format!("1 to {most} at this depth"), &trees.to_string()));
    }
    let neurons = trees * per_tree;
    let rows = Dim::Is("K*(2^(depth+1)-1)", neurons);
    let (_, weight) = tensors.floats(&format!("{p}linear_in.weight"), &[rows, Dim::Is("I", cols)])?;
    let (_, bias) = tensors.floats(&format!("{p}linear_in.bias"), &[rows])?;
    let (shape, out) = tensors.floats(&format!("{p}linear_out.weight"), &[Dim::Any("O"), rows])?;
    let outputs = shape[0];
    let keys = Matrix::new(neurons, cols, weight);
    let values = Matrix::new(outputs, neurons, out).transposed();
    let nodes = Range {
        name: "nodes".into(),
        keys: keys.clone(),
        key_bias: bias.clone(),
        values,
        value_bias: vec![0.0; outputs],
    };
    let route = Route::Tree { trees, levels, weight: keys, bias, strict: true, emit: Emit::Path, first: 0 };
    Ok(Block { routes: vec![route], ranges: vec![nodes], outputs })
}

/// What an expert chosen weighs, in the words of a description.
pub(super) fn gate_weight(word: &str, at: &str) -> Result<GateWeight, ConvertError> {
    let weights = [GateWeight::One, GateWeight::Sigmoid];
    weights.into_iter().find(|&weight| gate_word(weight) == word).ok_or_else(|| ConvertError::Unknown {
        layer: at.into(),
        what: "gate",
        have: word.into(),
        want: weights.map(gate_word).join(", "),
    })
}

/// The word for a weight.
pub(crate) fn gate_word(weight: GateWeight) -> &'static str {
    match weight {
        GateWeight::One => "one",
        GateWeight::Sigmoid => "sigmoid",
    }
}

/// A mixture of experts, with a shared expert if the file has one.
pub(super) fn moe(tensors: &mut Tensors<'_>, layer: &Moe, cols: usize, at: &str) -> Result<Block, ConvertError> {
    let p = &layer.prefix;
    let gate = gate_weight(&layer.gate, at)?;
    let input = Dim::Is("I", cols);
    let (shape, weight) = tensors.floats(&format!("{p}router.weight"), &[Dim::Any("E"), input])?;
    let experts = shape[0];
    let e = Dim::Is("E", experts);
    let (_, bias) = tensors.floats(&format!("{p}router.bias"), &[e])?;
    if !(1..=experts).contains(&layer.top_k) {
        return Err(range(at, "top_k", &format!("1 to {experts}, the number of experts"), &layer.top_k.to_string()));
    }
    let (shape, w1) = tensors.floats(&format!("{p}w1s"), &[e, input, Dim::Any("h")])?;
    let width = shape[2];
    let (_, b1) = tensors.floats(&format!("{p}b1s"), &[e, Dim::Is("h", width)])?;
    let (shape, w2) = tensors.floats(&format!("{p}w2s"), &[e, Dim::Is("h", width), Dim::Any("O")])?;
    let outputs = shape[2];
    let (_, b2) = tensors.floats(&format!("{p}b2s"), &[e, Dim::Is("O", outputs)])?;
    let mut ranges = slices(tensors, experts, cols, width, outputs, [&w1, &b1, &w2, &b2], |e| format!("expert {e}"))?;

    let weight = Matrix::new(experts, cols, weight);
    let mut routes = vec![Route::TopK { weight, bias, k: layer.top_k, gate, first: 0 }];
    let names = ["w1", "b1", "w2", "b2"].map(|name| format!("{p}shared.{name}"));
    if names.iter().any(|name| tensors.has(name)) {
        let (shape, w1) = tensors.floats(&names[0], &[input, Dim::Any("m")])?;
        let width = shape[1];
        let (_, b1) = tensors.floats(&names[1], &[Dim::Is("m", width)])?;
        let (_, w2) = tensors.floats(&names[2], &[Dim::Is("m", width), Dim::Is("O", outputs)])?;
        let (_, b2) = tensors.floats(&names[3], &[Dim::Is("O", outputs)])?;
        routes.push(Route::Static { first: experts, count: 1 });
        ranges.extend(slices(tensors, 1, cols, width, outputs, [&w1, &b1, &w2, &b2], |_| "shared".into())?);
    }
    entries_fit(ranges.len(), tensors)?;
    Ok(Block { routes, ranges, outputs })
}

/// Cuts `w1 (count, cols, width)`, `b1 (count, width)`, `w2 (count, width, outputs)`, `b2 (count, outputs)` into ranges.
fn slices(
    tensors: &Tensors<'_>,
    count: usize,
    cols: usize,
    width: usize,
    outputs: usize,
    [w1, b1, w2, b2]: [&[f32]; 4],
    name: impl Fn(usize) -> String,
) -> Result<Vec<Range>, ConvertError> {
    if width > MAX_NEURONS {
        return Err(ConvertError::TooLarge {
            place: format!("{} of {}", name(0), tensors.layer()),
            what: "its number of neurons".into(),
            want: MAX_NEURONS as u64,
            have: width as u64,
        });
    }
    let cut = |data: &[f32], i: usize, len: usize| data[i * len..(i + 1) * len].to_vec();
    Ok((0..count)
        .map(|i| Range {
            name: name(i),
            keys: Matrix::new(cols, width, cut(w1, i, cols * width)).transposed(),
            key_bias: cut(b1, i, width),
            values: Matrix::new(width, outputs, cut(w2, i, width * outputs)),
            value_bias: cut(b2, i, outputs),
        })
        .collect())
}

fn entries_fit(ranges: usize, tensors: &Tensors<'_>) -> Result<(), ConvertError> {
    if ranges <= MAX_ENTRIES {
        return Ok(());
    }
    Err(ConvertError::TooLarge {
        place: tensors.layer(),
        what: "its number of leaves or experts".into(),
        want: MAX_ENTRIES as u64,
        have: ranges as u64,
    })
}
