//! FFN: the ranges of a neuron table that a list names, or all of them.
//!
//! A range taken whole is stored output-major, so that its value rows are dot products too; a range whose neurons may be skipped is
//! neuron-major, and the value row of a skipped neuron is never touched.

use leafgate_image::{
    FfnRecord, ListEntry, NO_TENSOR, NONE, ONE_Q15, RangeRecord, RequantRecord, View, activation, ffn_flag, range_flag,
};
use leafgate_kernels::{axpy, dot, rescale, with_weight};

use crate::frame::{Frame, List, bias, cast, cast_mut, constants, requant};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &FfnRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let raw = record.output == record.acc;
    let output = if raw { NO_TENSOR } else { record.output };
    let [acc, partial, hidden, output, list, x] =
        frame.split([record.acc, record.partial, record.hidden, output, record.list, record.input]);
    let acc = cast_mut::<i32>(acc);
    if record.flags & ffn_flag::START_ACC == 0 {
        let biases = constants::<i32>(view, record.shared_bias, record.rows);
        for (r, acc) in acc.iter_mut().enumerate() {
            *acc = bias(biases, r);
        }
    }
    let table = view.ranges().get(record.first_range as usize..)?.get(..record.range_count as usize)?;
    let mut ffn = Ffn {
        view,
        record,
        x: cast(Frame::source(input, x)),
        lut: constants(view, record.lut, 256),
        acc,
        partial: cast_mut(partial),
        hidden: cast_mut(hidden),
    };
    if record.list == NO_TENSOR {
        for range in table {
            ffn.add_range(range, ONE_Q15)?;
        }
    } else {
        for entry in List::new(list)?.entries() {
            if record.flags & ffn_flag::NEURONS != 0 {
                ffn.add_neuron(table.first()?, entry);
            } else if let Some(range) = table.get(usize::from(entry.range)) {
                ffn.add_range(range, entry.weight)?;
            }
        }
    }
    if !raw {
        let rq_count = if record.flags & ffn_flag::RQ_PER_ROW == 0 { 1 } else { record.rows };
        let records = constants(view, record.rq, rq_count);
        for (r, (y, &a)) in cast_mut::<i8>(output).iter_mut().zip(ffn.acc.iter()).enumerate() {
            *y = requant(records, r)?.apply(a);
        }
    }
    Some(())
}

struct Ffn<'s, 'a> {
    view: &'s View<'a>,
    record: &'s FfnRecord,
    x: &'s [i8],
    lut: &'a [i8],
    acc: &'s mut [i32],
    partial: &'s mut [i32],
    hidden: &'s mut [i8],
}

/// The rescaling of a range's partial sum; `None` if the scales agree.
fn scale(range: &RangeRecord, weight: u16) -> Option<(u32, u8)> {
    let (m, s) = if range.scale_m == 0 { (1 << 30, 30) } else { (range.scale_m, range.scale_s) };
    if weight != ONE_Q15 {
        Some((with_weight(m, weight), s))
    } else if range.scale_m != 0 {
        Some((m, s))
    } else {
        None
    }
}

impl<'a> Ffn<'_, 'a> {
    /// Key rows of a range, and what makes a hidden neuron of their dot products.
    fn keys(&self, range: &RangeRecord) -> Keys<'a> {
        let n = range.neurons;
        let rq_count = if range.flags & range_flag::RQ_PER_NEURON == 0 { 1 } else { n };
        Keys {
            rows: constants(self.view, range.keys, n.wrapping_mul(self.record.cols)),
            biases: constants(self.view, range.key_bias, n),
            requant: constants(self.view, range.key_rq, rq_count),
        }
    }

    /// `h` of a neuron, or `None` if it is skipped.
    #[inline]
    fn hidden(&self, keys: &Keys<'_>, j: usize, dot: i32) -> Option<i8> {
        let z = dot.wrapping_add(bias(keys.biases, j));
        if self.record.flags & ffn_flag::KEEP_POSITIVE != 0 && z <= 0 {
            return None;
        }
        let h = requant(keys.requant, j)?.apply(z);
        Some(match self.record.kind {
            activation::RELU => h.max(0),
            activation::LUT256 => self.lut.get((i32::from(h) + 128) as usize).copied().unwrap_or(0),
            _ => h,
        })
    }

    fn add_range(&mut self, range: &RangeRecord, weight: u16) -> Option<()> {
        let keys = self.keys(range);
        let n = range.neurons as usize;
        let rows = self.record.rows;
        let value_bias = constants::<i32>(self.view, range.value_bias, rows);
        let values = constants::<i8>(self.view, range.values, range.neurons.wrapping_mul(rows));
        let scale = scale(range, weight);
        let cols = self.x.len();
        if range.flags & range_flag::OUTPUT_MAJOR != 0 {
            let mut rest = keys.rows;
            for j in 0..n {
                let (row, tail) = rest.split_at_checked(cols).unwrap_or((&[], &[]));
                rest = tail;
                *self.hidden.get_mut(j)? = self.hidden(&keys, j, dot(row, self.x)).unwrap_or(0);
            }
            let hidden = self.hidden.get(..n)?;
            let mut rest = values;
            for (r, acc) in self.acc.iter_mut().enumerate() {
                let (row, tail) = rest.split_at_checked(n)?;
                rest = tail;
                *acc = acc.wrapping_add(scaled(dot(row, hidden).wrapping_add(bias(value_bias, r)), scale));
            }
        } else {
            // An unscaled partial sum needs no memory of its own.
            let direct = scale.is_none();
            self.begin(direct, value_bias);
            let (mut key_rest, mut value_rest) = (keys.rows, values);
            for j in 0..n {
                let (row, tail) = key_rest.split_at_checked(cols).unwrap_or((&[], &[]));
                key_rest = tail;
                let (value, tail) = value_rest.split_at_checked(rows as usize)?;
                value_rest = tail;
                if let Some(h) = self.hidden(&keys, j, dot(row, self.x)) {
                    axpy(if direct { self.acc } else { self.partial }, value, h);
                }
            }
            self.end(scale);
        }
        Some(())
    }

    /// One neuron of `range`, named by an entry; an entry that names none is skipped.
    fn add_neuron(&mut self, range: &RangeRecord, entry: &ListEntry) -> Option<()> {
        let keys = self.keys(range);
        let (j, cols, rows) = (usize::from(entry.range), self.x.len(), self.record.rows as usize);
        let values = constants::<i8>(self.view, range.values, range.neurons.wrapping_mul(self.record.rows));
        let value = values.get(j.wrapping_mul(rows)..)?.get(..rows)?;
        let sum = if self.record.flags & ffn_flag::HANDED_Z != 0 {
            entry.z
        } else if range.keys == NONE {
            0
        } else {
            dot(keys.rows.get(j.wrapping_mul(cols)..)?.get(..cols)?, self.x)
        };
        let h = self.hidden(&keys, j, sum)?;
        let scale = scale(range, entry.weight);
        let direct = scale.is_none();
        self.begin(direct, &[]);
        axpy(if direct { self.acc } else { self.partial }, value, h);
        self.end(scale);
        Some(())
    }

    /// Starts a neuron-major partial sum with its bias.
    fn begin(&mut self, direct: bool, value_bias: &[i32]) {
        if !direct {
            self.partial.fill(0);
        }
        let target = if direct { &mut *self.acc } else { &mut *self.partial };
        for (to, &bias) in target.iter_mut().zip(value_bias) {
            *to = to.wrapping_add(bias);
        }
    }

    /// Adds a finished partial sum, unless it was summed in the accumulator itself.
    fn end(&mut self, scale: Option<(u32, u8)>) {
        if scale.is_some() {
            for (acc, &partial) in self.acc.iter_mut().zip(self.partial.iter()) {
                *acc = acc.wrapping_add(scaled(partial, scale));
            }
        }
    }
}

struct Keys<'a> {
    rows: &'a [i8],
    biases: &'a [i32],
    requant: &'a [RequantRecord],
}

fn scaled(p: i32, scale: Option<(u32, u8)>) -> i32 {
    match scale {
        Some((m, s)) => rescale(p, m, s),
        None => p,
    }
}
