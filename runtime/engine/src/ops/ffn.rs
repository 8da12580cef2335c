//! FFN: the ranges of a neuron table that a list names, or all of them.
//!
//! A range taken whole is stored output-major, so that its value rows are dot products too; a range whose neurons may be skipped is
//! neuron-major, and the value row of a skipped neuron is never touched.

use core::mem::take;

use leafgate_image::{FfnRecord, ListEntry, NO_TENSOR, ONE_Q15, RangeRecord, View, activation, ffn_flag, range_flag};
use leafgate_kernels::{axpys, rescale, with_weight};

use crate::frame::{Frame, List, Requants, Rows, bytes, cast, cast_mut, words, words_of};

/// Neurons whose value rows are added at once.
const BLOCK: usize = 16;

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &FfnRecord) -> Option<()> {
    let view = frame.view;
    if record.flags & ffn_flag::START_ACC == 0 {
        let [.., acc, _] = &mut frame.parts;
        let acc = words_of(acc);
        acc.fill(0);
        add(acc, words(view, record.shared_bias, record.rows));
    }
    let table = view.ranges().get(record.first_range as usize..)?.get(..record.range_count as usize)?;
    if record.list == NO_TENSOR {
        for range in table {
            add_range(frame, record, range, &ListEntry { range: 0, weight: ONE_Q15, z: 0 });
        }
    } else {
        let [_, list, ..] = &mut frame.parts;
        for entry in List::new(take(list)).entries() {
            let i = if record.flags & ffn_flag::NEURONS == 0 { entry.range.into() } else { 0 };
            // An entry that names nothing is skipped.
            if let Some(range) = table.get(i) {
                add_range(frame, record, range, entry);
            }
        }
    }
    let records = Requants::new(view, record.rq, record.flags & ffn_flag::RQ_PER_ROW != 0, record.rows);
    let [y, .., acc, _] = &mut frame.parts;
    for (r, (y, &mut a)) in cast_mut::<i8>(y).iter_mut().zip(words_of(acc)).enumerate() {
        *y = records.apply(r, a);
    }
    Some(())
}

/// `to[i] += from[i]`.
#[inline(never)]
fn add(to: &mut [i32], from: &[i32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = to.wrapping_add(from);
    }
}

/// Adds a range, or the neuron of it that the entry names.
#[inline(never)]
fn add_range(frame: &mut Frame<'_, '_>, record: &FfnRecord, range: &RangeRecord, entry: &ListEntry) -> Option<()> {
    let Frame { view, x, parts: [_, _, hidden, acc, partial], .. } = frame;
    let (acc, partial, hidden) = (words_of(acc), words_of(partial), cast_mut::<i8>(hidden));
    let n = range.neurons;
    let mut keys = Rows::new(view, (range.keys, range.key_bias), n, record.cols);
    let requant = Requants::new(view, range.key_rq, range.flags & range_flag::RQ_PER_NEURON != 0, n);
    let mut values = Rows::new(view, (range.values, range.value_bias), record.rows, n);

    let (m, s) = if range.scale_m == 0 { (1 << 30, 30) } else { (range.scale_m, range.scale_s) };
    let m = with_weight(m, entry.weight);
    let output_major = range.flags & range_flag::OUTPUT_MAJOR != 0;
    // What is multiplied by one is added to the accumulator as it comes.
    let direct = (m, s) == (1 << 30, 30);
    if !output_major {
        values.cols = record.rows as usize;
        if !direct {
            partial.fill(0);
        }
        add(if direct { acc } else { partial }, values.biases);
    }
    let named = u32::from(entry.range);
    let is_named = record.flags & ffn_flag::NEURONS != 0;
    let neurons = if is_named { named..n.min(named + 1) } else { 0..n };
    // What neurons give, from the one that begins the block: a fast kernel takes many value rows at once.
    let (mut block, mut first, last) = ([0; BLOCK], neurons.start as usize, neurons.end.wrapping_sub(1) as usize);
    for j in neurons {
        let j = j as usize;
        // Where the entry hands on a product there are no keys.
        let handed = if record.flags & ffn_flag::HANDED_Z != 0 { entry.z } else { 0 };
        let z = if is_named { keys.sum(j, cast(x)) } else { keys.next(j, cast(x)) };
        let h = activate(view, record, &requant, j, handed.wrapping_add(z));
        if output_major {
            *hidden.get_mut(j)? = h;
        } else if cfg!(feature = "speed") {
            let at = j.wrapping_sub(first);
            *block.get_mut(at)? = h;
            if at == BLOCK - 1 || j == last {
                axpys(if direct { acc } else { partial }, values.starting(first), block.get(..=at)?);
                first = j.wrapping_add(1);
            }
        } else if h != 0 {
            axpys(if direct { acc } else { partial }, values.starting(j), &[h]);
        }
    }
    if !output_major {
        if direct {
            return Some(());
        }
        // What is left is to add the partial sums, here as the biases of rows without weights.
        (values.weights, values.biases) = (&[], partial);
    }
    for (r, acc) in acc.iter_mut().enumerate() {
        *acc = acc.wrapping_add(rescale(values.next(r, hidden), m, s));
    }
    Some(())
}

/// `h` of a neuron with the sum `z`, 0 if it is skipped.
fn activate(view: &View<'_>, record: &FfnRecord, requant: &Requants<'_>, j: usize, z: i32) -> i8 {
    if record.flags & ffn_flag::KEEP_POSITIVE != 0 && z <= 0 {
        return 0;
    }
    let h = requant.apply(j, z);
    match record.kind {
        activation::RELU => h.max(0),
        activation::LUT256 => bytes(view, record.lut, 256).get((i32::from(h) + 128) as usize).copied().unwrap_or(0),
        _ => h,
    }
}
