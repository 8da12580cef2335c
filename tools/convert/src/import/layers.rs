//! From the layers of a graph description to nodes: one method per op. The conditional ones are in [`super::ffn`], those of the frameworks
//! of logic gates in [`super::logic`].

use super::graph_file::{Clamp, Gates, GroupSum, Moe, Neurons, Prefixed, Slice, Table, Transpose, UltraFast};
use super::logic::MAX_GATES;
use super::tensors::{Dim, Tensors};
use super::{ffn, ffn::Block, table};
use crate::error::ConvertError;
use crate::ir::{
    Activation, Graph, InputSpec, Matrix, Node, Op, Readout, Value, ValueId, ValueKind, Wiring, equal_groups,
};

/// Limits of the image format on what a record can point at.
mod limit {
    /// A `Bits` entry names its feature in 16 bits.
    pub const FEATURES: usize = 1 << 16;
    /// A gate in word wiring names its input word in 11 bits.
    pub const INPUT_WORDS: usize = 1 << 11;
    /// Elements of a joined value: a value joined with itself again and again would fill any memory.
    pub const ELEMENTS: usize = 1 << 24;
}

/// A graph under construction: a layer reads the output of the one before, or what [`Builder::read`] says.
pub(super) struct Builder<'a> {
    /// Its output is what the next layer reads.
    graph: Graph,
    pub(super) tensors: Tensors<'a>,
    /// Gates so far of layers that are unrolled.
    pub(super) gates: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(name: String, input: InputSpec, labels: Vec<String>, tensors: Tensors<'a>) -> Self {
        let values = vec![Value { name: "input".into(), len: input.len, kind: ValueKind::Real }];
        let (output, source_sha256) = (Graph::INPUT, String::new());
        let graph =
            Graph { name, input, labels, values, nodes: Vec::new(), output, readout: Readout::None, source_sha256 };
        Self { graph, tensors, gates: 0 }
    }

    /// The finished graph. Fails if it has no layer, ends in bits, or leaves tensors over.
    pub(super) fn finish(self) -> Result<Graph, ConvertError> {
        let Self { graph, tensors, .. } = self;
        if graph.nodes.is_empty() {
            return Err(range("graph", "the number of layers that compute", "1 or more", "0"));
        }
        if graph.value(graph.output).kind == ValueKind::Bits {
            return Err(range("graph", "the output", "numbers: end in a group_sum", "bits"));
        }
        tensors.finish()?;
        Ok(graph)
    }

    /// Says which layer of the file is read from here on, for errors about its tensors.
    pub(super) fn enter(&mut self, layer: &str) {
        self.tensors.enter(layer);
    }

    /// The tensors, and how many numbers the next layer reads.
    pub(super) fn next(&mut self) -> (&mut Tensors<'a>, usize) {
        let cols = self.graph.value(self.graph.output).len;
        (&mut self.tensors, cols)
    }

    /// Makes `value` what the next layer reads.
    pub(super) fn read(&mut self, value: ValueId) {
        self.graph.output = value;
    }

    /// The value that the last layer has written.
    pub(super) fn last(&self) -> ValueId {
        self.graph.output
    }

    pub(super) fn argmax(&mut self) -> Result<(), ConvertError> {
        self.graph.readout = Readout::Argmax;
        Ok(())
    }

    pub(super) fn top_k(&mut self, k: usize, at: &str) -> Result<(), ConvertError> {
        let classes = self.graph.value(self.graph.output).len;
        if !(1..=classes).contains(&k) {
            return Err(range(at, "k", &format!("1 to {classes}, the number of classes"), &k.to_string()));
        }
        self.graph.readout = Readout::TopK(k);
        Ok(())
    }

    pub(super) fn linear(&mut self, layer: &Neurons, act: Activation, index: usize) -> Result<(), ConvertError> {
        let name = self.name("linear", &layer.prefix, index);
        let cols = self.input(&name, ValueKind::Real)?;
        let p = &layer.prefix;
        let (shape, data) = self.tensors.floats(&format!("{p}weight"), &[Dim::Any("out"), Dim::Is("in", cols)])?;
        let bias = self.tensors.floats_or_zeros(&format!("{p}bias"), "out", shape[0])?;
        let op = Op::Linear { weight: Matrix::new(shape[0], cols, data), bias, activation: act };
        self.push_residual(name, op, shape[0], layer.residual)
    }

    pub(super) fn fff(&mut self, layer: &Neurons, act: Activation, index: usize) -> Result<(), ConvertError> {
        let name = self.name("fff", &layer.prefix, index);
        let cols = self.input(&name, ValueKind::Real)?;
        let block = ffn::fff(&mut self.tensors, &layer.prefix, cols, true)?;
        self.push_block(name, block, act, layer.residual)
    }

    pub(super) fn ultrafast(&mut self, layer: &UltraFast, act: Activation, index: usize) -> Result<(), ConvertError> {
        let name = self.name("ultrafast", &layer.prefix, index);
        let cols = self.input(&name, ValueKind::Real)?;
        let block = ffn::ultrafast(&mut self.tensors, &layer.prefix, (layer.trees, layer.depth), cols, &name)?;
        self.push_block(name, block, act, layer.residual)
    }

    pub(super) fn moe(&mut self, layer: &Moe, act: Activation, index: usize) -> Result<(), ConvertError> {
        let name = self.name("moe", &layer.prefix, index);
        let cols = self.input(&name, ValueKind::Real)?;
        let block = ffn::moe(&mut self.tensors, layer, cols, &name)?;
        self.push_block(name, block, act, layer.residual)
    }

    pub(super) fn table(&mut self, layer: &Table, act: Activation, index: usize) -> Result<(), ConvertError> {
        let name = self.name("ffn", &layer.prefix, index);
        let cols = self.input(&name, ValueKind::Real)?;
        let block = table::table(&mut self.tensors, layer, cols, &name)?;
        self.push_block(name, block, act, layer.residual)
    }

    pub(super) fn thermometer(&mut self, layer: &Prefixed, index: usize) -> Result<(), ConvertError> {
        let name = self.name("thermometer", &layer.prefix, index);
        let len = self.input(&name, ValueKind::Real)?;
        let p = &layer.prefix;
        let limit = len.min(limit::FEATURES);
        let (shape, feature) = self.tensors.indices(&format!("{p}feature"), &[Dim::Any("n")], "the feature", limit)?;
        let (_, threshold) = self.tensors.floats(&format!("{p}threshold"), &[Dim::Is("n", shape[0])])?;
        self.push(name, Op::Bits { feature, threshold }, shape[0], ValueKind::Bits);
        Ok(())
    }

    pub(super) fn gates(&mut self, layer: &Gates, index: usize) -> Result<(), ConvertError> {
        let name = self.name("gates", &layer.prefix, index);
        let bits = self.input(&name, ValueKind::Bits)?;
        let p = &layer.prefix;
        let (shape, ids) = self.tensors.indices(&format!("{p}gate"), &[Dim::Any("n")], "the gate id", 16)?;
        let n = shape[0];
        let gate: Vec<u8> = ids.into_iter().map(|id| id as u8).collect();
        let wiring = match layer.wiring.as_str() {
            "word" => {
                if n % 32 != 0 {
                    return Err(range(&name, "the number of gates in word wiring", "a multiple of 32", &n.to_string()));
                }
                let words = bits.div_ceil(32).min(limit::INPUT_WORDS);
                let want = [Dim::Is("n/32", n / 32)];
                let mut read = |which: &str, what: &str, limit: usize| {
                    Ok(self.tensors.indices(&format!("{p}{which}"), &want, what, limit)?.1)
                };
                Wiring::Word {
                    a_word: read("a_word", "the input word", words)?,
                    a_rot: read("a_rot", "the rotation", 32)?,
                    b_word: read("b_word", "the input word", words)?,
                    b_rot: read("b_rot", "the rotation", 32)?,
                }
            }
            "gathered" => {
                // The passes make a netlist of it, which has limits of its own.
                let limit = bits.min(MAX_GATES);
                let want = [Dim::Is("n", n)];
                let (_, a) = self.tensors.indices(&format!("{p}a"), &want, "the input bit", limit)?;
                let (_, b) = self.tensors.indices(&format!("{p}b"), &want, "the input bit", limit)?;
                Wiring::Gathered { a, b }
            }
            other => {
                let (have, want) = (other.to_owned(), "word, gathered".to_owned());
                return Err(ConvertError::Unknown { layer: name, what: "wiring", have, want });
            }
        };
        self.push(name, Op::Gates { wiring, gate }, n, ValueKind::Bits);
        Ok(())
    }

    pub(super) fn group_sum(&mut self, layer: &GroupSum, index: usize) -> Result<(), ConvertError> {
        let name = self.name("group_sum", &layer.prefix, index);
        let bits = self.input(&name, ValueKind::Bits)?;
        let (groups, tau) = (layer.groups, layer.tau as f32);
        if groups == 0 || groups > bits {
            return Err(range(&name, "groups", &format!("1 to {bits}, the number of bits"), &groups.to_string()));
        }
        if !tau.is_normal() || tau < 0.0 {
            return Err(range(&name, "tau", "a finite number above 0", &layer.tau.to_string()));
        }
        if !(layer.beta as f32).is_finite() {
            return Err(range(&name, "beta", "a finite number", &layer.beta.to_string()));
        }
        let mut bias = self.tensors.floats_or_zeros(&format!("{}bias", layer.prefix), "groups", groups)?;
        bias.iter_mut().for_each(|bias| *bias += layer.beta as f32);
        let bounds = equal_groups(bits, groups);
        self.push(name, Op::GroupSum { bounds, bias, tau }, groups, ValueKind::Real);
        Ok(())
    }

    pub(super) fn affine(&mut self, layer: &Prefixed, index: usize) -> Result<(), ConvertError> {
        let name = self.name("affine", &layer.prefix, index);
        let len = self.input(&name, ValueKind::Real)?;
        let (_, gain) = self.tensors.floats(&format!("{}gain", layer.prefix), &[Dim::Is("n", len)])?;
        let bias = self.tensors.floats_or_zeros(&format!("{}bias", layer.prefix), "n", len)?;
        self.push(name, Op::Affine { gain, bias }, len, ValueKind::Real);
        Ok(())
    }

    pub(super) fn clamp(&mut self, layer: &Clamp, index: usize) -> Result<(), ConvertError> {
        let name = self.name("clamp", "", index);
        let len = self.input(&name, ValueKind::Real)?;
        let (min, max) = (layer.min as f32, layer.max as f32);
        if !min.is_finite() || !max.is_finite() || min > max {
            return Err(range(
                &name,
                "min and max",
                "finite, min at most max",
                &format!("{} and {}", layer.min, layer.max),
            ));
        }
        self.push(name, Op::Clamp { min, max }, len, ValueKind::Real);
        Ok(())
    }

    pub(super) fn activation(&mut self, act: Activation, index: usize) -> Result<(), ConvertError> {
        let name = self.name("activation", "", index);
        let len = self.input(&name, ValueKind::Real)?;
        self.push(name, Op::Activation(act), len, ValueKind::Real);
        Ok(())
    }

    /// The sum (`add`) or the product (`mul`) of two values.
    pub(super) fn combine(&mut self, op: &str, second: ValueId, index: usize) -> Result<(), ConvertError> {
        let name = self.name(op, "", index);
        let len = self.input(&name, ValueKind::Real)?;
        let other = self.graph.value(second);
        if (other.kind, other.len) != (ValueKind::Real, len) {
            let want = format!("{len} numbers, as the first");
            return Err(range(&name, "its second input", &want, &described(other)));
        }
        let op = if op == "mul" { Op::Mul { second } } else { Op::Add { second } };
        self.push(name, op, len, ValueKind::Real);
        Ok(())
    }

    pub(super) fn concat(&mut self, others: &[ValueId], index: usize) -> Result<(), ConvertError> {
        let name = self.name("concat", "", index);
        let Value { kind, mut len, .. } = *self.graph.value(self.graph.output);
        for (i, other) in others.iter().map(|&other| self.graph.value(other)).enumerate() {
            if other.kind != kind {
                let want = format!("{}, as the first", word(kind));
                return Err(range(&name, &format!("input {}", i + 1), &want, &described(other)));
            }
            if kind == ValueKind::Bits && len % 32 != 0 {
                let what = format!("the bits before input {}", i + 1);
                return Err(range(&name, &what, "a multiple of 32", &len.to_string()));
            }
            len += other.len;
            if len > limit::ELEMENTS {
                let (what, want) = ("elements".to_owned(), limit::ELEMENTS as u64);
                return Err(ConvertError::TooLarge { place: name, what, want, have: len as u64 });
            }
        }
        self.push(name, Op::Concat { others: others.to_vec() }, len, kind);
        Ok(())
    }

    pub(super) fn slice(&mut self, layer: &Slice, index: usize) -> Result<(), ConvertError> {
        let name = self.name("slice", "", index);
        let &Slice { start, len } = layer;
        let Value { kind, len: have, .. } = *self.graph.value(self.graph.output);
        if len == 0 || start.checked_add(len).is_none_or(|end| end > have) {
            let want = format!("1 or more of the {have} elements");
            return Err(range(&name, "start and len", &want, &format!("{start} and {len}")));
        }
        if kind == ValueKind::Bits && start % 32 != 0 {
            return Err(range(&name, "start, of bits,", "a multiple of 32", &start.to_string()));
        }
        self.push(name, Op::Slice { start, len }, len, kind);
        Ok(())
    }

    pub(super) fn transpose(&mut self, layer: &Transpose, index: usize) -> Result<(), ConvertError> {
        let name = self.name("transpose", "", index);
        let len = self.input(&name, ValueKind::Real)?;
        let &Transpose { rows, cols } = layer;
        if rows.checked_mul(cols) != Some(len) {
            let want = format!("a product of {len}, the elements of its input");
            return Err(range(&name, "rows and cols", &want, &format!("{rows} and {cols}")));
        }
        self.push(name, Op::Transpose { rows, cols }, len, ValueKind::Real);
        Ok(())
    }

    /// Adds an FFN, and the sum with its input if it is residual.
    pub(super) fn push_block(
        &mut self,
        name: String,
        block: Block,
        activation: Activation,
        residual: bool,
    ) -> Result<(), ConvertError> {
        let Block { routes, ranges, outputs } = block;
        self.push_residual(name, Op::Ffn { routes, ranges, activation }, outputs, residual)
    }

    fn push_residual(&mut self, name: String, op: Op, len: usize, residual: bool) -> Result<(), ConvertError> {
        let x = self.graph.output;
        let width = self.graph.value(x).len;
        if residual && width != len {
            return Err(range(
                &name,
                "the width of a residual layer's output",
                &format!("{width}, that of its input"),
                &len.to_string(),
            ));
        }
        let sum = format!("{name}.residual");
        self.push(name, op, len, ValueKind::Real);
        if residual {
            let sum = self.unique(sum, self.graph.nodes.len());
            self.push(sum, Op::Add { second: x }, len, ValueKind::Real);
        }
        Ok(())
    }

    pub(super) fn push(&mut self, name: String, op: Op, len: usize, kind: ValueKind) {
        let (input, output) = (self.graph.output, ValueId(self.graph.values.len()));
        self.graph.values.push(Value { name: name.clone(), len, kind });
        self.graph.nodes.push(Node { name, op, input, output });
        self.graph.output = output;
    }

    /// The length of the value that the next layer reads, which must be of `want` kind.
    pub(super) fn input(&self, layer: &str, want: ValueKind) -> Result<usize, ConvertError> {
        let value = self.graph.value(self.graph.output);
        if value.kind == want {
            Ok(value.len)
        } else {
            Err(range(layer, "its input", word(want), &format!("{}, from `{}`", word(value.kind), value.name)))
        }
    }

    /// A name that a reader of reports finds again in the file: the prefix without its dot, or else op and index.
    pub(super) fn name(&self, op: &str, prefix: &str, index: usize) -> String {
        let trimmed = prefix.trim_end_matches('.');
        if trimmed.is_empty() {
            self.unique(format!("{op}_{index}"), index)
        } else {
            self.unique(trimmed.to_owned(), index)
        }
    }

    /// `name`, or if a node has it already one like it: calibration finds values by their names.
    fn unique(&self, mut name: String, index: usize) -> String {
        while self.graph.nodes.iter().any(|node| node.name == name) {
            name += &format!("_{index}");
        }
        name
    }
}

fn word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Real => "numbers",
        ValueKind::Bits => "bits",
    }
}

fn described(value: &Value) -> String {
    format!("{} {}, of `{}`", value.len, word(value.kind), value.name)
}

/// A figure out of its bounds.
pub(super) fn range(place: &str, what: &str, want: &str, have: &str) -> ConvertError {
    ConvertError::Range { place: place.into(), what: what.into(), want: want.into(), have: have.into() }
}
