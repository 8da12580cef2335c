//! Bounds of FFN over the worst list that can reach it.

use std::collections::BTreeMap;

use super::super::eval::Sum;
use super::super::image::{Image, ONE, Range};
use super::super::ops::{Activation, Ffn};
use super::layers::{row, size};
use super::ledger::Ledger;
use super::route::{Feed, Pick};
use super::state::{Interval, Known, State};

pub(super) fn bound(op: &Ffn, image: &Image, state: &mut State<'_>, ledger: &mut Ledger) {
    let constants = &image.constants;
    let feeds = match op.list {
        Some(list) => state.feeds(list),
        None => vec![Feed { first: 0, choices: op.range_count, pick: Pick::All, weight: ONE, handed: Vec::new() }],
    };
    let reached = reached(op, image, &feeds);
    let most = state.interval(op.input).most();
    for (&number, &handed) in &reached {
        keys(op, image, number, handed, most, ledger);
    }
    let sizes: BTreeMap<usize, Vec<u128>> =
        reached.keys().map(|&number| (number, activations(op, image, number))).collect();

    let before = op.start_acc.then(|| state.columns(op.acc));
    let mut columns = Vec::with_capacity(op.rows);
    for r in 0..op.rows {
        let mut partials = BTreeMap::new();
        for (&number, sizes) in &sizes {
            let bound = partial(op, image, number, r, sizes);
            let range = range_of(op, number);
            partials.insert(number, ledger.enter(Sum::Partial { range, row: r }, bound));
        }
        let start = before.as_ref().map_or_else(|| size(constants.bias(op.shared_bias, r)), |before| before[r]);
        let mut total = start;
        for feed in &feeds {
            let mut added = BTreeMap::new();
            for number in feed.first..feed.first + feed.choices {
                if let Some(&partial) = partials.get(&number) {
                    let range = range_of(op, number);
                    let term = match rescaled(&image.ranges[range], feed.weight, partial) {
                        Some(bound) => ledger.enter(Sum::Rescaled { range, row: r }, bound),
                        None => partial,
                    };
                    added.insert(number, term);
                }
            }
            total += feed.worst(|number| added.get(&number).copied().unwrap_or(0));
        }
        columns.push(ledger.enter(Sum::Acc { row: r }, total));
    }

    for scratch in op.hidden.into_iter().chain(op.partial) {
        state.write(scratch, Known::Nothing);
    }
    state.write(op.acc, Known::I32(columns.into()));
    if let Some((output, rq)) = op.output {
        state.write(output, Known::I8(Interval::of_records(constants, rq)));
    }
}

/// The numbers that entries can have and that name something, with the largest `z` that comes with each.
fn reached(op: &Ffn, image: &Image, feeds: &[Feed]) -> BTreeMap<usize, u128> {
    let within = if op.neurons { image.ranges[op.first_range].neurons } else { op.range_count };
    let mut reached = BTreeMap::new();
    for feed in feeds {
        for number in feed.first..(feed.first + feed.choices).min(within) {
            let handed = feed.handed.get(number - feed.first).copied().unwrap_or(0);
            let most = reached.entry(number).or_insert(0);
            *most = handed.max(*most);
        }
    }
    reached
}

/// The range in the image that an entry is about.
fn range_of(op: &Ffn, number: usize) -> usize {
    if op.neurons { op.first_range } else { op.first_range + number }
}

/// The neurons that an entry is about.
fn neurons_of(op: &Ffn, image: &Image, number: usize) -> std::ops::Range<usize> {
    if op.neurons { number..number + 1 } else { 0..image.ranges[range_of(op, number)].neurons }
}

/// Every `z`.
fn keys(op: &Ffn, image: &Image, number: usize, handed: u128, most: u128, ledger: &mut Ledger) {
    let constants = &image.constants;
    let index = range_of(op, number);
    let range = &image.ranges[index];
    for j in neurons_of(op, image, number) {
        let bound = match range.keys(op.cols) {
            Some(keys) => row(constants, keys, range.key_bias, (j, op.cols), most),
            None => size(constants.bias(range.key_bias, j)) + if op.handed_z { handed } else { 0 },
        };
        ledger.enter(Sum::Key { range: index, neuron: j }, bound);
    }
}

/// The largest `|h|` of each neuron that an entry is about.
fn activations(op: &Ffn, image: &Image, number: usize) -> Vec<u128> {
    let range = &image.ranges[range_of(op, number)];
    let most = |j: usize| {
        let Some(rq) = range.key_rq else { return 0 };
        let rq = image.constants.rq(rq, j);
        let h = Interval::new(rq.lo, rq.hi);
        match op.activation {
            Activation::Identity => h.most(),
            Activation::Relu => Interval::new(h.least.max(0), h.greatest.max(0)).most(),
            Activation::Lut(lut) => h.through(&image.constants, lut).most(),
        }
    };
    neurons_of(op, image, number).map(most).collect()
}

/// `|P[r]|` at its largest.
fn partial(op: &Ffn, image: &Image, number: usize, r: usize, sizes: &[u128]) -> u128 {
    let constants = &image.constants;
    let range = &image.ranges[range_of(op, number)];
    let bias = size(constants.bias(range.value_bias(op.rows), r));
    let Some(values) = range.values(op.rows) else { return bias };
    let weight = |j: usize| u128::from(constants.get(values, range.value_index(op.rows, j, r)).unsigned_abs());
    let neurons = neurons_of(op, image, number).zip(sizes);
    bias + neurons.map(|(j, size)| weight(j) * size).sum::<u128>()
}

/// The largest that a partial sum becomes with a weight of at most `weight`: rounding half up makes no negative number
/// larger in size than its positive twin, and the result grows with the sum and with the weight. `None` if it is added as
/// it is.
fn rescaled(range: &Range, weight: u16, partial: u128) -> Option<u128> {
    if weight == ONE && range.scale.is_none() {
        return None;
    }
    let (m, s) = range.scale.map_or((1 << 30, 30), |scale| (u128::from(scale.m), scale.s));
    let m = if weight == ONE { m } else { (m * u128::from(weight) + (1 << 14)) >> 15 };
    Some((partial * m + (1 << (s - 1))) >> s)
}
