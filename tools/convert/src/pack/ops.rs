//! Op and range records, and the constants they refer to.

use std::collections::HashMap;

use leafgate_image::*;
use zerocopy::{Immutable, IntoBytes};

use super::fit;
use crate::ConvertError;
use crate::kernels::{in_pairs, low_bit};
use crate::quantize::integer::{Dtype, IntGates, IntGraph, IntMap, IntOp, IntRange, IntSelector, Span, TensorId};

/// The section CONSTANTS as it grows. Equal arrays are stored once.
#[derive(Default)]
pub(super) struct Constants {
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, u32>,
}

impl Constants {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Stores an array at a multiple of 4 bytes; NONE for an empty one.
    fn add<T: IntoBytes + Immutable>(&mut self, data: &[T]) -> Result<u32, ConvertError> {
        let data = data.as_bytes();
        if data.is_empty() {
            return Ok(NONE);
        }
        if let Some(&offset) = self.known.get(data) {
            return Ok(offset);
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let offset = fit("section CONSTANTS", "bytes", self.bytes.len())?;
        self.bytes.extend_from_slice(data);
        self.known.insert(data.to_vec(), offset);
        Ok(offset)
    }

    /// A bias vector; NONE if it is all zeros.
    fn bias(&mut self, bias: &[i32]) -> Result<u32, ConvertError> {
        if bias.iter().all(|&b| b == 0) { Ok(NONE) } else { self.add(bias) }
    }

    /// Requantise records, and whether there is one per row: equal ones are one.
    fn requant(&mut self, records: &[RequantRecord]) -> Result<(u32, bool), ConvertError> {
        let equal = records.windows(2).all(|pair| pair[0] == pair[1]);
        Ok((self.add(if equal { &records[..records.len().min(1)] } else { records })?, !equal))
    }
}

/// Worst-case figures of a run: those of the header.
#[derive(Default)]
pub(super) struct Cost {
    pub(super) macs: u64,
    pub(super) gates: u64,
    pub(super) bytes: u64,
    /// Steps that are neither: elements and comparisons.
    others: u64,
}

impl Cost {
    pub(super) fn steps(&self) -> u64 {
        self.macs + self.gates + self.others
    }
}

/// Writes records.
pub(super) struct OpWriter<'g> {
    graph: &'g IntGraph,
    pub(super) ops: Vec<u8>,
    pub(super) ranges: Vec<u8>,
    pub(super) constants: Constants,
    pub(super) features: u32,
    pub(super) packing: u32,
    pub(super) cost: Cost,
}

fn tensor(id: TensorId) -> u16 {
    id.0 as u16
}

fn optional(id: Option<TensorId>) -> u16 {
    id.map_or(NO_TENSOR, tensor)
}

impl<'g> OpWriter<'g> {
    pub(super) fn new(graph: &'g IntGraph) -> Self {
        let (ops, ranges, constants) = (Vec::new(), Vec::new(), Constants::default());
        Self { graph, ops, ranges, constants, features: 0, packing: PACKING_PORTABLE, cost: Cost::default() }
    }

    pub(super) fn write(&mut self, name: &str, op: &IntOp) -> Result<(), ConvertError> {
        match op {
            IntOp::Linear { .. } => self.linear(op),
            IntOp::Ffn { .. } => self.ffn(name, op),
            IntOp::Route { input, list, append, selector, scores } => {
                self.route(name, *input, *list, *append, selector, *scores)
            }
            IntOp::Gates { input, output, gates } => self.gates(*input, *output, gates),
            IntOp::GroupSum { input, output, bounds, bias } => {
                let (kind, width) = match self.graph.tensor(*input).dtype {
                    Dtype::Bits => (group_sum::BITS, 1),
                    _ => (group_sum::SIGNALS, 4),
                };
                let record = GroupSumRecord {
                    op: op::GROUPSUM,
                    kind,
                    input: tensor(*input),
                    output: tensor(*output),
                    groups: fit(name, "groups", bounds.len() - 1)?,
                    bounds: self.constants.add(bounds)?,
                    bias: self.constants.bias(bias)?,
                    ..GroupSumRecord::default()
                };
                self.cost.bytes += 4 * (bounds.len() + bias.len()) as u64;
                self.cost.others += (width * self.cols(*input) + bounds.len() - 1) as u64;
                self.push(op::GROUPSUM, &record);
                Ok(())
            }
            IntOp::Map { input, output, map } => self.map(*input, *output, map),
            IntOp::Move { input, output, span } => self.copy(name, *input, *output, span),
            IntOp::Readout { input, output, kind, k } => {
                let record = ReadoutRecord {
                    op: op::READOUT,
                    kind: *kind,
                    input: tensor(*input),
                    output: optional(*output),
                    k: fit(name, "classes", *k)?,
                    ..ReadoutRecord::default()
                };
                self.cost.others += (k * self.cols(*input)) as u64;
                self.push(op::READOUT, &record);
                Ok(())
            }
        }
    }

    fn push<T: IntoBytes + Immutable>(&mut self, op: u8, record: &T) {
        self.features |= 1 << op;
        self.cost.bytes += 64;
        self.ops.extend_from_slice(record.as_bytes());
    }

    fn cols(&self, id: TensorId) -> usize {
        self.graph.tensor(id).cols
    }

    fn linear(&mut self, op: &IntOp) -> Result<(), ConvertError> {
        let IntOp::Linear { input, output, weights, bias, rq, prepared, low_bit } = op else {
            return Ok(());
        };
        let (rows, cols) = (self.cols(*output), self.cols(*input));
        let (rq, per_row) = self.constants.requant(rq)?;
        let mut group = 0;
        let (weights, bytes, weight_format) = if let Some(few) = low_bit {
            let words = low_bit::words(weights, cols, few);
            let (format, feature, packing) = low_bit::format(few);
            (self.features, self.packing) = (self.features | feature, self.packing.max(packing));
            group = if few.scales.is_empty() { 0 } else { GROUP_COLS as u8 };
            (self.constants.add(&words)?, 4 * words.len(), format)
        } else if prepared.is_some() {
            let words = in_pairs(weights, cols);
            (self.features, self.packing) = (self.features | FEATURE_PAIRS, self.packing.max(PACKING_DSP));
            (self.constants.add(&words)?, 4 * words.len(), WEIGHT_W8_PAIRS)
        } else {
            (self.constants.add(weights)?, weights.len(), WEIGHT_W8)
        };
        let record = LinearRecord {
            op: op::LINEAR,
            flags: if per_row { linear_flag::RQ_PER_ROW } else { 0 },
            input: tensor(*input),
            output: tensor(*output),
            rows: rows as u32,
            cols: cols as u32,
            weights,
            bias: self.constants.bias(bias)?,
            rq,
            weight_format,
            group,
            prepared: prepared.map_or(0, tensor),
            ..LinearRecord::default()
        };
        self.cost.macs += (rows * cols) as u64;
        self.cost.bytes += (bytes + rows * 12) as u64;
        self.push(op::LINEAR, &record);
        Ok(())
    }

    fn ffn(&mut self, name: &str, op: &IntOp) -> Result<(), ConvertError> {
        let IntOp::Ffn { input, output, list, hidden, acc, partial, ranges, activation, flags, rq, lut } = op else {
            return Ok(());
        };
        let first_range = self.ranges.len() / size_of::<RangeRecord>();
        let total = first_range + ranges.len();
        if total > 65535 {
            let (place, what) = (format!("layer `{name}`"), "number of ranges, all layers together".into());
            return Err(ConvertError::TooLarge { place, what, want: 65535, have: total as u64 });
        }
        for range in ranges {
            self.range(range)?;
        }
        let (rows, cols) = (self.cols(*acc), self.cols(*input));
        let entries = list.map_or(ranges.len(), |list| self.cols(list));
        let (neurons, width) = if flags & ffn_flag::NEURONS == 0 {
            (ranges.iter().map(|range| range.neurons).max().unwrap_or(0), rows + cols)
        } else if flags & ffn_flag::HANDED_Z == 0 {
            (1, rows + cols)
        } else {
            (1, rows)
        };
        let macs = (entries * neurons) as u64 * width as u64;
        self.cost.macs += macs;
        self.cost.others += (entries * rows) as u64;
        self.cost.bytes += macs + (entries * (neurons * 12 + rows * 4 + size_of::<RangeRecord>())) as u64;
        let record = FfnRecord {
            op: op::FFN,
            kind: *activation,
            flags: *flags,
            input: tensor(*input),
            output: tensor(*output),
            list: optional(*list),
            hidden: optional(*hidden),
            acc: tensor(*acc),
            partial: optional(*partial),
            first_range: first_range as u32,
            range_count: ranges.len() as u32,
            cols: cols as u32,
            rows: rows as u32,
            shared_bias: NONE,
            rq: self.constants.add(rq.as_slice())?,
            lut: self.constants.add(lut.as_deref().unwrap_or(&[]))?,
            weight_format: WEIGHT_W8,
            ..FfnRecord::default()
        };
        self.push(op::FFN, &record);
        Ok(())
    }

    fn range(&mut self, range: &IntRange) -> Result<(), ConvertError> {
        let (key_rq, per_neuron) = self.constants.requant(&range.key_rq)?;
        let (scale_m, scale_s) = range.rescale.unwrap_or((0, 0));
        let mut flags = if range.output_major { range_flag::OUTPUT_MAJOR } else { 0 };
        if per_neuron {
            flags |= range_flag::RQ_PER_NEURON;
        }
        let record = RangeRecord {
            neurons: range.neurons as u32,
            keys: self.constants.add(range.keys.as_deref().unwrap_or(&[]))?,
            key_bias: self.constants.bias(&range.key_bias)?,
            key_rq,
            ups: NONE,
            values: self.constants.add(&range.values)?,
            value_bias: self.constants.bias(&range.value_bias)?,
            scale_m,
            scale_s,
            flags,
            ..RangeRecord::default()
        };
        self.ranges.extend_from_slice(record.as_bytes());
        Ok(())
    }

    fn route(
        &mut self,
        name: &str,
        input: Option<TensorId>,
        list: TensorId,
        append: bool,
        selector: &IntSelector,
        scores: Option<TensorId>,
    ) -> Result<(), ConvertError> {
        let cols = input.map_or(0, |input| self.cols(input));
        let mut record = RouteRecord {
            op: op::ROUTE,
            flags: if append { route_flag::APPEND } else { 0 },
            input: optional(input),
            list: tensor(list),
            cols: cols as u32,
            weights: NONE,
            bias: NONE,
            scores: optional(scores),
            weight: ONE_Q15,
            gate_rq: NONE,
            gate_table: NONE,
            ..RouteRecord::default()
        };
        match selector {
            IntSelector::Static { first, count } => {
                record.kind = route::STATIC;
                record.first = fit(name, "first range", *first)?;
                record.count = fit(name, "ranges", *count)?;
                self.cost.others += *count as u64;
            }
            IntSelector::Tree { trees, levels, weights, bias, path, first } => {
                record.kind = route::TREE;
                record.flags |= if *path { route_flag::PATH | route_flag::HAND_Z } else { 0 };
                record.first = fit(name, "first range", *first)?;
                record.count = fit(name, "trees", *trees)?;
                record.depth = fit(name, "levels", *levels)?;
                record.weights = self.constants.add(weights)?;
                record.bias = self.constants.bias(bias)?;
                record.weight_format = WEIGHT_W8;
                let visited = (trees * levels) as u64;
                self.cost.macs += visited * cols as u64;
                self.cost.bytes += visited * (cols as u64 + 4);
            }
            IntSelector::TopK { weights, bias, k, gate, first } => {
                record.kind = route::LINEAR;
                record.first = fit(name, "first range", *first)?;
                record.count = fit(name, "experts", bias.len())?;
                record.depth = fit(name, "experts chosen", *k)?;
                record.weights = self.constants.add(weights)?;
                record.bias = self.constants.bias(bias)?;
                record.weight_format = WEIGHT_W8;
                if let Some((rq, table)) = gate {
                    record.gate_rq = self.constants.add(std::slice::from_ref(rq))?;
                    record.gate_table = self.constants.add(table)?;
                }
                self.cost.macs += weights.len() as u64;
                self.cost.others += (bias.len() * k) as u64;
                self.cost.bytes += (weights.len() + 4 * bias.len()) as u64;
            }
        }
        self.push(op::ROUTE, &record);
        Ok(())
    }

    fn gates(&mut self, input: TensorId, output: TensorId, gates: &IntGates) -> Result<(), ConvertError> {
        let mut record =
            GatesRecord { op: op::GATES, input: tensor(input), output: tensor(output), ..GatesRecord::default() };
        match gates {
            IntGates::Word(words) => {
                record.kind = wiring::WORD;
                record.count = self.cols(output).div_ceil(32) as u32;
                record.table = self.constants.add(words)?;
                self.cost.bytes += 20 * words.len() as u64;
                self.cost.gates += u64::from(record.count) * 32;
            }
            IntGates::Netlist { wires, series } => {
                record.kind = wiring::NETLIST;
                record.count = wires.len() as u32;
                // An empty table lies anywhere.
                record.table = if wires.is_empty() { 0 } else { self.constants.add(wires)? };
                let mut end = 0;
                let records: Vec<SeriesRecord> = series
                    .iter()
                    .map(|series| {
                        end += series.gates as u32;
                        SeriesRecord { end: end | u32::from(series.function) << 28, first: series.first as u32 }
                    })
                    .collect();
                record.series = if records.is_empty() { 0 } else { self.constants.add(&records)? };
                record.series_count = records.len() as u32;
                self.cost.bytes += (4 * wires.len() + 8 * records.len()) as u64;
                self.cost.gates += wires.len() as u64;
                self.cost.others += (32 * self.cols(input).div_ceil(32) + records.len()) as u64;
            }
        }
        self.push(op::GATES, &record);
        Ok(())
    }

    fn map(&mut self, input: TensorId, output: TensorId, map: &IntMap) -> Result<(), ConvertError> {
        let mut record = MapRecord {
            op: op::MAP,
            input: tensor(input),
            output: tensor(output),
            second: NO_TENSOR,
            table: NONE,
            bias: NONE,
            rq: NONE,
            ..MapRecord::default()
        };
        self.cost.others += match map {
            // These count as multiply-accumulates.
            IntMap::Affine { .. } => 0,
            IntMap::Bits(_) => self.cols(output) as u64,
            IntMap::Lut256(_) | IntMap::Add { .. } | IntMap::Mul { .. } | IntMap::Clamp { .. } => {
                self.cols(input) as u64
            }
        };
        match map {
            IntMap::Lut256(table) => {
                record.kind = map::LUT256;
                record.table = self.constants.add(table)?;
                self.cost.bytes += 256;
            }
            IntMap::Affine { gain, bias, rq } => {
                let (rq, per_col) = self.constants.requant(rq)?;
                record.kind = map::AFFINE;
                record.flags = if per_col { MAP_RQ_PER_COL } else { 0 };
                record.table = self.constants.add(gain)?;
                record.bias = self.constants.bias(bias)?;
                record.rq = rq;
                self.cost.macs += gain.len() as u64;
                self.cost.bytes += 13 * gain.len() as u64;
            }
            IntMap::Add { second, m, z, shift, zero_point, lo, hi } => {
                record.kind = map::ADD;
                record.second = tensor(*second);
                [record.m1, record.m2] = *m;
                [record.z1, record.z2] = *z;
                (record.shift, record.zero_point) = (*shift, *zero_point);
                (record.lo, record.hi) = (*lo, *hi);
            }
            IntMap::Mul { second, m, z, shift, zero_point, lo, hi } => {
                record.kind = map::MUL;
                record.second = tensor(*second);
                record.m1 = *m;
                [record.z1, record.z2] = *z;
                (record.shift, record.zero_point) = (*shift, *zero_point);
                (record.lo, record.hi) = (*lo, *hi);
            }
            IntMap::Bits(entries) => {
                record.kind = map::BITS;
                record.table = self.constants.add(entries)?;
                self.cost.bytes += 4 * entries.len() as u64;
            }
            IntMap::Clamp { lo, hi } => {
                record.kind = map::CLAMP;
                (record.lo, record.hi) = (*lo, *hi);
            }
        }
        self.push(op::MAP, &record);
        Ok(())
    }

    fn copy(&mut self, name: &str, input: TensorId, output: TensorId, span: &Span) -> Result<(), ConvertError> {
        let figure = |figure: usize| fit(name, "elements", figure);
        let Span { rows, cols, from, to } = *span;
        let record = MoveRecord {
            op: op::MOVE,
            input: tensor(input),
            output: tensor(output),
            rows: figure(rows)?,
            cols: figure(cols)?,
            from: figure(from[0])?,
            from_row: figure(from[1])?,
            from_col: figure(from[2])?,
            to: figure(to[0])?,
            to_row: figure(to[1])?,
            ..MoveRecord::default()
        };
        self.cost.others += (rows * cols) as u64;
        self.push(op::MOVE, &record);
        Ok(())
    }
}
