//! FFN.

use super::lists::{Lists, Slot};
use super::work::Work;
use crate::reference::{Activation, Ffn, Image, ONE, OpTrace, Range, SeenRange};

/// Neurons whose value rows the engine adds at once.
const BLOCK: usize = 16;

/// Outputs that a loop over them takes at once, at most.
const OUTPUTS: usize = 8;

/// The work of an FFN; the reason if it is not known.
pub(super) fn ffn(op: &Ffn, image: &Image, lists: &Lists, seen: Option<&OpTrace>) -> Result<Work, String> {
    let mut work = Work::default();
    work.add("ffn", 1);
    work.add(if op.list.is_some() { "ffn.listed" } else { "ffn.all" }, 1);
    if !op.start_acc {
        work.line_by(if op.shared_bias.is_some() { "ffn.bias" } else { "ffn.zero" }, op.rows, OUTPUTS, 1);
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
        let name = if op.handed_z { "ffn.handed" } else { "ffn.named" };
        work.line(name, if op.handed_z { 0 } else { op.cols }, 1);
        work.add(format!("{name}.plain"), usize::from(range.key_bias.is_none()));
    } else if range.keys_at.is_some() && n > 0 {
        work.dot("ffn.key", n, op.cols, 1, range.key_bias.is_some());
    } else {
        work.add("ffn.keyless", n);
        work.add("ffn.keyless.plain", if range.key_bias.is_none() { n } else { 0 });
    }
    let each = key_records(range);
    if range.output_major {
        if n > 0 {
            work.dot("ffn.value", op.rows, n, 1, range.value_bias_at.is_some());
        }
        work.add("ffn.valueless", if n > 0 { 0 } else { op.rows });
        work.add("ffn.valueless.plain", if n > 0 || range.value_bias_at.is_some() { 0 } else { op.rows });
        work.add(format!("ffn.add.{}.{shift}", if is_direct { "direct" } else { "scaled" }), op.rows);
    } else {
        if range.value_bias_at.is_some() {
            work.line_by("ffn.start", op.rows, OUTPUTS, 1);
        }
        if !is_direct {
            work.line_by("ffn.partial", op.rows, OUTPUTS, 1);
            work.add(format!("ffn.add.partial.{shift}"), op.rows);
        }
    }
    match seen {
        Some(seen) => {
            let gives = seen.gives.iter().filter(|gives| **gives).count();
            let zeros = seen.gives.len() - gives - seen.skipped as usize;
            work.add("ffn.skipped", seen.skipped as usize);
            work.add(format!("ffn.kept.{each}"), gives + zeros);
            work.add("ffn.zero_row", zeros);
            if !range.output_major {
                for block in seen.gives.chunks(BLOCK) {
                    value_rows(&mut work, op.rows, block.len(), block.iter().filter(|gives| **gives).count());
                }
            }
        }
        None if range.output_major => work.choose(n, 1, neuron(op, image, range, None)),
        None => {
            let block = |size: usize| {
                let of = |gives: usize| {
                    let mut block = Work::default();
                    value_rows(&mut block, op.rows, size, gives);
                    block.choose(gives, 1, neuron(op, image, range, Some(true)));
                    block.choose(size - gives, 1, neuron(op, image, range, Some(false)));
                    block
                };
                (0..=size).map(of).collect()
            };
            work.choose(n / BLOCK, 1, block(BLOCK));
            work.choose(usize::from(!n.is_multiple_of(BLOCK)), 1, block(n % BLOCK));
        }
    }
    work
}

/// The value rows of some neurons in a row, of which some give something other than 0. Kernels take up to four rows at once, or all of them where there
/// are more.
fn value_rows(work: &mut Work, rows: usize, neurons: usize, gives: usize) {
    work.add("ffn.rows", 1);
    work.add("ffn.rows.none", usize::from(gives == 0));
    work.add("ffn.rows.zero", neurons - gives);
    match gives {
        0 => {}
        1..=4 => work.line_by(&format!("ffn.rows.few{gives}"), rows, OUTPUTS, 1),
        _ => {
            work.line_by("ffn.rows.many", rows, OUTPUTS, 1);
            work.line_by("ffn.rows.four", rows, OUTPUTS, gives / 4);
            if !gives.is_multiple_of(4) {
                work.line_by(&format!("ffn.rows.left{}", gives % 4), rows, OUTPUTS, 1);
            }
        }
    }
}

/// What a neuron may meet, that gives something or nothing, if that is said: its requantisation and activation, unless it is skipped.
fn neuron(op: &Ffn, image: &Image, range: &Range, gives: Option<bool>) -> Vec<Work> {
    let mut of = Vec::new();
    let mut kept = |is_zero: bool| {
        let mut one = Work::default();
        one.add(format!("ffn.kept.{}", key_records(range)), 1);
        one.add("ffn.zero_row", usize::from(is_zero));
        let Some(rq) = range.key_rq else { return of.push(one) };
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
        of.push(one);
    };
    if gives != Some(false) {
        kept(false);
    }
    if gives != Some(true) {
        kept(true);
        if op.keep_positive {
            let mut skipped = Work::default();
            skipped.add("ffn.skipped", 1);
            of.push(skipped);
        }
    }
    of
}

fn key_records(range: &Range) -> &'static str {
    range.key_rq.map_or("", |rq| if rq.count() == 1 { "shared" } else { "each" })
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
