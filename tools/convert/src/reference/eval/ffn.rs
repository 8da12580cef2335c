//! FFN.

use super::super::image::{Image, ONE, Range};
use super::super::ops::{Activation, Ffn};
use super::memory::Memory;
use super::watch::{Entry, Running, SeenRange, Sum, Watch};

pub(super) fn run(op: &Ffn, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    let constants = &image.constants;
    let x = memory.numbers(op.input);
    let start = if op.start_acc {
        memory.numbers(op.acc)
    } else {
        (0..op.rows).map(|r| constants.bias(op.shared_bias, r)).collect()
    };
    let mut acc: Vec<Running> = start.into_iter().map(Running::from).collect();
    let entries = match op.list {
        Some(list) => memory.entries(list),
        None => (0..op.range_count).map(|i| Entry { range: i as u16, weight: ONE, z: 0 }).collect(),
    };
    for entry in entries {
        let number = usize::from(entry.range);
        let (index, within) = if op.neurons {
            (op.first_range, image.ranges[op.first_range].neurons)
        } else {
            (op.first_range + number, op.range_count)
        };
        if number >= within {
            watch.trace.dropped += 1;
            continue;
        }
        let range = &image.ranges[index];
        let neurons = if op.neurons { number..number + 1 } else { 0..range.neurons };
        let met = SeenRange { range: index, weight: entry.weight, skipped: 0, gives: Vec::new(), negatives: 0 };
        watch.trace.seen.ranges.push(met);
        let partial = partial(op, image, index, neurons, entry.z, &x, watch);
        for (r, partial) in partial.into_iter().enumerate() {
            let sum = Sum::Rescaled { range: index, row: r };
            acc[r].add(rescaled(range, entry.weight, partial, sum, watch).into());
        }
    }
    let acc: Vec<i32> = acc.into_iter().enumerate().map(|(r, acc)| watch.close(acc, Sum::Acc { row: r })).collect();
    memory.set_i32s(op.acc, acc.iter().copied());
    if let Some((output, rq)) = op.output {
        let y: Vec<i8> = acc.iter().enumerate().map(|(r, &acc)| watch.output(constants.rq(rq, r), acc)).collect();
        memory.set_i8s(output, y);
    }
}

/// `P` of some neurons of a range.
fn partial(
    op: &Ffn,
    image: &Image,
    index: usize,
    neurons: std::ops::Range<usize>,
    handed: i32,
    x: &[i64],
    watch: &mut Watch,
) -> Vec<i32> {
    let (constants, range) = (&image.constants, &image.ranges[index]);
    let bias = range.value_bias(op.rows);
    let mut sums: Vec<Running> = (0..op.rows).map(|r| Running::from(constants.bias(bias, r))).collect();
    let note = |watch: &mut Watch, note: &dyn Fn(&mut SeenRange)| {
        watch.trace.seen.ranges.last_mut().into_iter().for_each(note);
    };
    for j in neurons {
        watch.trace.neurons += 1;
        let mut z = Running::from(constants.bias(range.key_bias, j));
        if op.handed_z {
            z.add(handed.into());
        } else if let Some(keys) = range.keys(op.cols) {
            for (k, &x) in constants.part(keys, j * op.cols, op.cols).zip(x) {
                z.add(i64::from(k) * x);
            }
            watch.trace.macs += op.cols as u64;
        }
        let z = watch.close(z, Sum::Key { range: index, neuron: j });
        if op.keep_positive && z <= 0 {
            watch.trace.skipped += 1;
            note(watch, &|seen| {
                seen.skipped += 1;
                seen.gives.push(false);
            });
            continue;
        }
        // The reader has seen that a range with neurons has both.
        let (Some(rq), Some(values)) = (range.key_rq, range.values(op.rows)) else { continue };
        let before = watch.neuron(constants.rq(rq, j), z);
        let h = activation(op, image, before);
        note(watch, &|seen| {
            seen.negatives += u64::from(before < 0);
            seen.gives.push(h != 0);
        });
        for (r, sum) in sums.iter_mut().enumerate() {
            sum.add(i64::from(constants.get(values, range.value_index(op.rows, j, r))) * h);
        }
        watch.trace.macs += op.rows as u64;
    }
    let close = |(r, sum)| watch.close(sum, Sum::Partial { range: index, row: r });
    sums.into_iter().enumerate().map(close).collect()
}

fn activation(op: &Ffn, image: &Image, h: i8) -> i64 {
    match op.activation {
        Activation::Identity => h.into(),
        Activation::Relu => h.max(0).into(),
        Activation::Lut(lut) => image.constants.get(lut, (i64::from(h) + 128) as usize).into(),
    }
}

/// What a partial sum adds to the accumulator.
fn rescaled(range: &Range, weight: u16, partial: i32, sum: Sum, watch: &mut Watch) -> i32 {
    if weight == ONE && range.scale.is_none() {
        return partial;
    }
    let (m, s) = range.scale.map_or((1 << 30, 30), |scale| (i128::from(scale.m), scale.s));
    let m = if weight == ONE { m } else { (m * i128::from(weight) + (1 << 14)) >> 15 };
    let exact = (i128::from(partial) * m + (1i128 << (s - 1))) >> s;
    // |partial| <= 2^31 and m < 2^32, so that 64 bits hold it.
    watch.close(Running::from(exact as i64), sum)
}
