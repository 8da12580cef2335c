//! Ops of several values, and those that only move elements: sums, products, joined and cut values, transposes.

use super::integer::{Dtype, IntMap, IntOp, IntTensor, Span, TensorId};
use super::{Quantizer, nearest_i8, number};
use crate::ConvertError;
use crate::ir::{Node, Op, ValueId, ValueKind};

/// Bits of a word.
const WORD: usize = 32;

impl Quantizer<'_> {
    pub(super) fn add_map(&mut self, node: &Node, second: ValueId) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let other = self.source(node, second, Dtype::I8)?;
        if input == other {
            return self.of_one(node, input, |x| x + x);
        }
        let output = self.output_i8(node)?;
        let [a, b, y] = [input, other, output].map(|id| self.out.tensor(id).clone());
        // A fractional zero point (of the network's input) has no place here: it is rounded, at most half a step.
        let factors = [a.scale / y.scale, b.scale / y.scale];
        let (_, shift) = number::multiplier(&node.name, factors[0].max(factors[1]))?;
        let shift = shift - 1;
        let m = factors.map(|factor| (factor * 2f64.powi(shift.into())).round() as i32);
        let z = [a.zero_point.round() as i8, b.zero_point.round() as i8];
        let map = IntMap::Add { second: other, m, z, shift, zero_point: y.zero_point as i8, lo: -128, hi: 127 };
        self.push(node, IntOp::Map { input, output, map });
        Ok(())
    }

    pub(super) fn mul_map(&mut self, node: &Node, second: ValueId) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let other = self.source(node, second, Dtype::I8)?;
        if input == other {
            return self.of_one(node, input, |x| x * x);
        }
        let output = self.output_i8(node)?;
        let [a, b, y] = [input, other, output].map(|id| self.out.tensor(id).clone());
        let (m, shift) = number::multiplier(&node.name, a.scale * b.scale / y.scale)?;
        // As for a sum: the network's input may have a fractional zero point, which is rounded.
        let z = [a.zero_point.round() as i8, b.zero_point.round() as i8];
        let (m, zero_point) = (m as i32, y.zero_point as i8);
        self.push(
            node,
            IntOp::Map {
                input,
                output,
                map: IntMap::Mul { second: other, m, z, shift, zero_point, lo: -128, hi: 127 },
            },
        );
        Ok(())
    }

    /// A function of one value that reads it twice: an op names no tensor twice, and a table is exact.
    fn of_one(&mut self, node: &Node, input: TensorId, f: impl Fn(f64) -> f64) -> Result<(), ConvertError> {
        let output = self.output_i8(node)?;
        let [x, y] = [input, output].map(|id| self.out.tensor(id));
        let table = table(x, y, f);
        self.push(node, IntOp::Map { input, output, map: IntMap::Lut256(table) });
        Ok(())
    }

    /// The parts are copied to their places. One that has another scale than the whole goes through a table first.
    pub(super) fn concat(&mut self, node: &Node, others: &[ValueId]) -> Result<(), ConvertError> {
        let value = self.graph.value(node.output);
        let dtype = if value.kind == ValueKind::Bits { Dtype::Bits } else { Dtype::I8 };
        let parts: Vec<TensorId> =
            [node.input].iter().chain(others).map(|&part| self.source(node, part, dtype)).collect::<Result<_, _>>()?;
        let output = if dtype == Dtype::Bits { self.new_bits(node) } else { self.output_i8(node)? };
        let mut at = 0;
        for (i, mut part) in parts.into_iter().enumerate() {
            if dtype == Dtype::Bits {
                whole_words(node, &format!("bits before part {i}"), at)?;
            }
            let len = self.out.tensor(part).cols;
            let [x, y] = [part, output].map(|id| self.out.tensor(id).clone());
            if dtype == Dtype::I8 && (x.scale, x.zero_point) != (y.scale, y.zero_point) {
                let name = format!("{} part {i}", y.name);
                let scaled = self.out.add(IntTensor { name, cols: len, ..y.clone() });
                let map = IntMap::Lut256(table(&x, &y, |x| x));
                self.push(node, IntOp::Map { input: part, output: scaled, map });
                part = scaled;
            }
            let (cols, to) = if dtype == Dtype::Bits { (len.div_ceil(WORD), at / WORD) } else { (len, at) };
            self.copy(node, part, output, Span { rows: 1, cols, from: [0, 0, 1], to: [to, cols] });
            at += len;
        }
        Ok(())
    }

    pub(super) fn slice(&mut self, node: &Node, start: usize, len: usize) -> Result<(), ConvertError> {
        if self.graph.value(node.output).kind == ValueKind::Bits {
            let input = self.source(node, node.input, Dtype::Bits)?;
            whole_words(node, "bits before the part", start)?;
            let output = self.new_bits(node);
            let words = len.div_ceil(WORD);
            let span = Span { rows: 1, cols: words, from: [start / WORD, 0, 1], to: [0, words] };
            self.copy(node, input, output, span);
            return Ok(());
        }
        let input = self.source(node, node.input, Dtype::I8)?;
        let output = self.same_scale(node, input, len);
        self.copy(node, input, output, Span { rows: 1, cols: len, from: [start, 0, 1], to: [0, len] });
        Ok(())
    }

    pub(super) fn transpose(&mut self, node: &Node, rows: usize, cols: usize) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let output = self.same_scale(node, input, rows * cols);
        self.copy(node, input, output, Span { rows: cols, cols: rows, from: [0, 1, cols], to: [0, rows] });
        Ok(())
    }

    fn copy(&mut self, node: &Node, input: TensorId, output: TensorId, span: Span) {
        self.push(node, IntOp::Move { input, output, span });
    }

    /// A tensor for the output of `node`, with the steps of `input`.
    fn same_scale(&mut self, node: &Node, input: TensorId, cols: usize) -> TensorId {
        let name = self.graph.value(node.output).name.clone();
        let output = self.out.add(IntTensor { name, cols, ..self.out.tensor(input).clone() });
        self.tensors[node.output.0] = Some(output);
        output
    }

    /// The value whose range scales `id`: the joined value, if `id` is read for that alone, so that it can be copied as it is.
    pub(super) fn joined(&self, id: ValueId) -> ValueId {
        let mut at = id;
        // Each step goes to a later node.
        while at != self.graph.output {
            let mut readers = self.graph.nodes.iter().filter(|node| node.reads().any(|read| read == at));
            let (Some(Node { op: Op::Concat { .. }, output, .. }), None) = (readers.next(), readers.next()) else {
                break;
            };
            at = *output;
        }
        at
    }
}

/// The table of a function from the steps of `x` to those of `y`.
fn table(x: &IntTensor, y: &IntTensor, f: impl Fn(f64) -> f64) -> Vec<i8> {
    let entry = |q: i32| nearest_i8(f(x.scale * (f64::from(q) - x.zero_point)) / y.scale + y.zero_point, -128, 127);
    (-128..=127).map(entry).collect()
}

fn whole_words(node: &Node, what: &str, bits: usize) -> Result<(), ConvertError> {
    if bits.is_multiple_of(WORD) {
        return Ok(());
    }
    Err(ConvertError::Range {
        place: format!("layer `{}`", node.name),
        what: what.into(),
        want: format!("a multiple of {WORD}"),
        have: bits.to_string(),
    })
}
