//! FFN.

use super::lists::{Lists, Slot};
use super::work::Work;
use crate::reference::{Activation, Ffn, Image, ONE, OpTrace, Range, SeenRange};

/// The work of an FFN; the reason if it is not known.
pub(super) fn ffn(op: &Ffn, image: &Image, lists: &Lists, seen: Option<&OpTrace>) -> Result<Work, String> {
    let mut work = Work::default();
    work.add("ffn", 1);
    work.add(if op.list.is_some() { "ffn.listed" } else { "ffn.all" }, 1);
    if !op.start_acc {
        work.line(if op.shared_bias.is_some() { "ffn.bias" } else { "ffn.zero" }, op.rows, 1);
    }
    if let Some(seen) = seen {
        work.add("ffn.dropped", seen.dropped as usize);
        for range in &seen.seen.ranges {
            work.merge(range_work(op, image, range.range, range.weight == ONE, Some(range)), 1);
        }
        neurons_seen(&mut work, op, seen);
    } else if let Some(list) = op.list {
        let slots = lists.get(list).ok_or("a list that is not known to be emptied first")?;
        for slot in slots {
            let of = alternatives(op, image, slot);
            work.choose(1, slot.take.min(of.len()), of);
        }
    } else {
        for index in op.first_range..op.first_range + op.range_count {
            work.merge(range_work(op, image, index, true, None), 1);
        }
    }
    if let Some((_, rq)) = op.output {
        let each = if rq.count() == 1 { "ffn.out.shared" } else { "ffn.out.each" };
        let counts = work.requantise(each, (&image.constants, rq), 0..op.rows, 1);
        work.ends("ffn.out", counts, seen.map(|seen| &seen.seen.outputs));
    } else {
        work.add("ffn.acc", 1);
    }
    Ok(work)
}

/// What an entry of a slot may be: each number once, with the dearer of both weights if the input decides that.
fn alternatives(op: &Ffn, image: &Image, slot: &Slot) -> Vec<Work> {
    let one = |&number: &usize| {
        let within = if op.neurons { image.ranges[op.first_range].neurons } else { op.range_count };
        if number >= within {
            let mut dropped = Work::default();
            dropped.add("ffn.dropped", 1);
            return dropped;
        }
        let index = if op.neurons { op.first_range } else { op.first_range + number };
        let of = |is_one| range_work(op, image, index, is_one, None);
        match slot.is_one {
            Some(is_one) => of(is_one),
            None => {
                let mut either = Work::default();
                either.choose(1, 1, vec![of(true), of(false)]);
                either
            }
        }
    };
    slot.of.iter().map(one).collect()
}

/// An entry's range, or the one neuron of it that it names. What its neurons meet is left to the input, or added by [`neurons_seen`].
fn range_work(op: &Ffn, image: &Image, index: usize, is_one: bool, seen: Option<&SeenRange>) -> Work {
    let mut work = Work::default();
    let range: &Range = &image.ranges[index];
    let n = if op.neurons { 1 } else { range.neurons };
    let scale = range.scale.map_or((1 << 30, 30), |scale| (scale.m, scale.s));
    let is_direct = is_one && scale == (1 << 30, 30);
    let shift = if scale.1 > 32 { "upper" } else { "whole" };
    let kind = if range.output_major { "ffn.whole" } else { "ffn.skip" };
    work.add(format!("{kind}.{}", if is_direct { "direct" } else { "scaled" }), 1);
    work.add(if is_one { "ffn.one" } else { "ffn.weight" }, 1);
    if op.neurons {
        work.line(if op.handed_z { "ffn.handed" } else { "ffn.named" }, if op.handed_z { 0 } else { op.cols }, 1);
    } else if range.keys_at.is_some() && n > 0 {
        work.dot("ffn.key", n, op.cols, 1);
    } else {
        work.add("ffn.keyless", n);
    }
    let each = range.key_rq.map_or("", |rq| if rq.count() == 1 { "shared" } else { "each" });
    if range.output_major {
        if n > 0 {
            work.dot("ffn.value", op.rows, n, 1);
        }
        work.add("ffn.valueless", if n > 0 { 0 } else { op.rows });
        work.add(format!("ffn.add.{}.{shift}", if is_direct { "direct" } else { "scaled" }), op.rows);
    } else {
        if range.value_bias_at.is_some() {
            work.line("ffn.start", op.rows, 1);
        }
        if !is_direct {
            work.line("ffn.partial", op.rows, 1);
            work.add(format!("ffn.add.partial.{shift}"), op.rows);
        }
    }
    // A neuron that is not skipped: requantised, activated, and its value row added if that is not 0.
    let kept = |work: &mut Work, count: usize, zero: bool| {
        work.add(format!("ffn.kept.{each}"), count);
        if !range.output_major && !zero {
            work.line("ffn.axpy", op.rows, count);
        }
    };
    match seen {
        Some(seen) => {
            work.add("ffn.skipped", seen.skipped as usize);
            let nonzero = n.saturating_sub((seen.skipped + seen.zeros) as usize);
            kept(&mut work, nonzero, false);
            kept(&mut work, seen.zeros as usize, true);
            if !range.output_major {
                work.add("ffn.zero_row", seen.zeros as usize);
            }
        }
        None => {
            let mut of = Vec::new();
            let mut alternative = |make: &dyn Fn(&mut Work)| {
                let mut one = Work::default();
                make(&mut one);
                of.push(one);
            };
            alternative(&|one| kept_one(one, op, image, range, false, &kept));
            if !range.output_major {
                alternative(&|one| kept_one(one, op, image, range, true, &kept));
            }
            if op.keep_positive {
                alternative(&|one| one.add("ffn.skipped", 1));
            }
            work.choose(n, 1, of);
        }
    }
    work
}

/// A neuron that is kept, with all that its requantisation and activation may meet.
fn kept_one(one: &mut Work, op: &Ffn, image: &Image, range: &Range, zero: bool, kept: &dyn Fn(&mut Work, usize, bool)) {
    kept(one, 1, zero);
    if zero {
        one.add("ffn.zero_row", 1);
    }
    let Some(rq) = range.key_rq else { return };
    let uppers = image.constants.all(rq).filter(|rq| rq.s >= 33).count();
    let mut ways = Vec::new();
    for (is_there, counts) in [(uppers > 0, [1, 0]), (uppers < rq.count(), [0, 1])] {
        if is_there {
            let mut way = Work::default();
            way.add(if counts[0] > 0 { "ffn.rq.upper" } else { "ffn.rq.whole" }, 1);
            way.ends("ffn.key", counts, None);
            ways.push(way);
        }
    }
    one.choose(1, 1, ways);
    one.add(activation(op), 1);
    if op.activation == Activation::Relu {
        one.choose_piece(1, &["ffn.negative".into()]);
    }
}

/// What the requantisations and activations of all neurons met.
fn neurons_seen(work: &mut Work, op: &Ffn, seen: &OpTrace) {
    let keys = &seen.seen.neurons;
    let [upper, whole] = [keys.upper.iter().sum::<u64>() as usize, keys.whole.iter().sum::<u64>() as usize];
    work.add("ffn.rq.upper", upper);
    work.add("ffn.rq.whole", whole);
    work.ends("ffn.key", [upper, whole], Some(keys));
    work.add(activation(op), upper + whole);
    if op.activation == Activation::Relu {
        work.add("ffn.negative", seen.seen.ranges.iter().map(|range| range.negatives as usize).sum());
    }
}

fn activation(op: &Ffn) -> &'static str {
    match op.activation {
        Activation::Identity => "ffn.identity",
        Activation::Relu => "ffn.relu",
        Activation::Lut(_) => "ffn.lut",
    }
}
