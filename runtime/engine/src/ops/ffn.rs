//! FFN: the ranges of a neuron table that a list names, or all of them.
//!
//! A range taken whole is stored output-major, so that its value rows are dot products too; a range whose neurons may be skipped is
//! neuron-major, and the value row of a skipped neuron is never touched.

use core::ops::Range;

use leafgate_image::{FfnRecord, NO_TENSOR, ONE_Q15, RangeRecord, View, activation, ffn_flag, range_flag};
use leafgate_kernels::{axpy, rescale, with_weight};

use crate::frame::{Frame, List, Requants, Rows, bias, bytes, cast, cast_mut, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &FfnRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let raw = record.output == record.acc;
    let output = if raw { NO_TENSOR } else { record.output };
    let [acc, partial, hidden, output, list, x] =
        frame.split([record.acc, record.partial, record.hidden, output, record.list, record.input]);
    let acc = words_of(acc);
    if record.flags & ffn_flag::START_ACC == 0 {
        let biases = words(view, record.shared_bias, record.rows);
        for (r, acc) in acc.iter_mut().enumerate() {
            *acc = bias(biases, r);
        }
    }
    let table = view.ranges().get(record.first_range as usize..)?.get(..record.range_count as usize)?;
    let mut ffn = Ffn {
        view,
        record,
        x: cast(Frame::source(input, x)),
        lut: bytes(view, record.lut, 256),
        acc,
        partial: words_of(partial),
        hidden: cast_mut(hidden),
    };
    // Without a list every range is named once; with one, an entry that names nothing is skipped.
    let all = record.list == NO_TENSOR;
    let list = if all { None } else { List::new(list) };
    let entries = list.as_ref().map_or(&[][..], List::entries);
    let count = if all { table.len() } else { entries.len() };
    for i in 0..count {
        let (named, weight, z) = match entries.get(i) {
            Some(entry) => (usize::from(entry.range), entry.weight, entry.z),
            None => (i, ONE_Q15, 0),
        };
        let neurons = record.flags & ffn_flag::NEURONS != 0;
        let Some(range) = table.get(if neurons { 0 } else { named }) else { continue };
        let n = range.neurons as usize;
        if !neurons {
            ffn.add(range, weight, 0..n, 0);
        } else if named < n {
            ffn.add(range, weight, named..named + 1, z);
        }
    }
    if !raw {
        let records = Requants::new(view, record.rq, record.flags & ffn_flag::RQ_PER_ROW != 0, record.rows);
        for (r, (y, &a)) in cast_mut::<i8>(output).iter_mut().zip(ffn.acc.iter()).enumerate() {
            *y = records.apply(r, a);
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

impl Ffn<'_, '_> {
    /// `h` of a neuron with the sum `z`, or `None` if it is skipped.
    #[inline(never)]
    fn activate(&self, requant: &Requants<'_>, j: usize, z: i32) -> Option<i8> {
        if self.record.flags & ffn_flag::KEEP_POSITIVE != 0 && z <= 0 {
            return None;
        }
        let h = requant.apply(j, z);
        Some(match self.record.kind {
            activation::RELU => h.max(0),
            activation::LUT256 => self.lut.get((i32::from(h) + 128) as usize).copied().unwrap_or(0),
            _ => h,
        })
    }

    /// Adds those `neurons` of a range; `handed` is what the list says of a neuron's dot product.
    #[inline(never)]
    fn add(&mut self, range: &RangeRecord, weight: u16, neurons: Range<usize>, handed: i32) -> Option<()> {
        let &FfnRecord { cols, rows, flags, .. } = self.record;
        let n = range.neurons;
        let keys = Rows::new(self.view, (range.keys, range.key_bias), n, cols);
        let requant = Requants::new(self.view, range.key_rq, range.flags & range_flag::RQ_PER_NEURON != 0, n);
        let values = Rows {
            weights: bytes(self.view, range.values, n.wrapping_mul(rows)),
            biases: words(self.view, range.value_bias, rows),
        };
        let scale = scale(range, weight);
        let output_major = range.flags & range_flag::OUTPUT_MAJOR != 0;
        // An unscaled sum is added to the accumulator as it comes. Where only one neuron is named there is no bias.
        let direct = output_major || scale.is_none();
        let target = if direct { &mut *self.acc } else { &mut *self.partial };
        if !output_major {
            if !direct {
                target.fill(0);
            }
            for (to, &bias) in target.iter_mut().zip(values.biases) {
                *to = to.wrapping_add(bias);
            }
        }
        for j in neurons {
            let sum = if flags & ffn_flag::HANDED_Z != 0 { handed } else { keys.dot(j, self.x) };
            let h = self.activate(&requant, j, sum.wrapping_add(bias(keys.biases, j)));
            if output_major {
                *self.hidden.get_mut(j)? = h.unwrap_or(0);
            } else if let Some(h) = h {
                axpy(if direct { self.acc } else { self.partial }, values.row(j, rows as usize), h);
            }
        }
        if output_major {
            let hidden = self.hidden.get(..n as usize)?;
            for (r, acc) in self.acc.iter_mut().enumerate() {
                *acc = acc.wrapping_add(scaled(values.sum(r, hidden), scale));
            }
        } else if !direct {
            for (acc, &partial) in self.acc.iter_mut().zip(self.partial.iter()) {
                *acc = acc.wrapping_add(scaled(partial, scale));
            }
        }
        Some(())
    }
}

fn scaled(p: i32, scale: Option<(u32, u8)>) -> i32 {
    match scale {
        Some((m, s)) => rescale(p, m, s),
        None => p,
    }
}
