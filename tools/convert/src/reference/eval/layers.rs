//! LINEAR, GATES, GROUPSUM, MAP and MOVE.

use super::super::image::{Array, Dtype, Image};
use super::super::ops::{Gates, GroupSum, Linear, Map, MapKind, Move, Weights, Wiring};
use super::super::pairs;
use super::memory::Memory;
use super::watch::{Running, Sum, Watch};

pub(super) fn linear(op: &Linear, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    let constants = &image.constants;
    let x = memory.numbers(op.input);
    let samples = image.tensors[op.output].rows;
    let before = if op.accumulate { memory.numbers(op.output) } else { Vec::new() };
    let mut y = Vec::with_capacity(samples * op.rows);
    for t in 0..samples {
        for r in 0..op.rows {
            let x = |c: usize| if op.transposed { x[c * samples + t] } else { x[t * op.cols + c] };
            let mut a = Running::from(constants.bias(op.bias, r));
            match op.weights {
                Weights::Rows(weights) => {
                    for (c, w) in constants.part(weights, r * op.cols, op.cols).enumerate() {
                        a.add(i64::from(w) * x(c));
                    }
                }
                Weights::Pairs { matrix, .. } => {
                    let row = pairs::row(constants, matrix, r, op.cols);
                    let mut sum = Running::from(row.start);
                    for (c, w) in row.weights.iter().enumerate() {
                        sum.add(256 * w * x(c));
                    }
                    a.add(i64::from(watch.close(sum, Sum::Row { row: r }) >> 8));
                }
                Weights::LowBit(matrix) => {
                    for (c, w) in matrix.row(constants, r, op.cols).into_iter().enumerate() {
                        a.add(w * x(c));
                    }
                }
            }
            watch.trace.macs += op.cols as u64;
            let a = watch.close(a, Sum::Row { row: r });
            y.push(if op.accumulate {
                let mut sum = Running::from(before[t * op.rows + r]);
                sum.add(a.into());
                watch.close(sum, Sum::Row { row: r })
            } else {
                a
            });
        }
    }
    match op.rq {
        Some(rq) => {
            let y: Vec<i8> =
                y.iter().enumerate().map(|(i, &a)| watch.output(constants.rq(rq, i % op.rows), a)).collect();
            memory.set_i8s(op.output, y);
        }
        None => memory.set_i32s(op.output, y),
    }
}

pub(super) fn gates(op: &Gates, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    let words = memory.words(op.input);
    watch.trace.gates += op.count() as u64;
    match op.wiring {
        Wiring::Words { words: count, table } => {
            let mut out = Vec::with_capacity(count);
            for word in 0..count {
                let entry: Vec<u32> = image.constants.part(table, 5 * word, 5).collect();
                let (wire, c) = (entry[0], &entry[1..]);
                let a = words[(wire & 0x7FF) as usize].rotate_right(wire >> 11 & 0x1F);
                let b = words[(wire >> 16 & 0x7FF) as usize].rotate_right(wire >> 27);
                out.push(c[0] ^ (c[1] & a) ^ (b & (c[2] ^ (c[3] & a))));
            }
            memory.set_words(op.output, out);
        }
        Wiring::Netlist { wires, series } => {
            let mut signals = memory.signals(op.output);
            for (i, signal) in signals.iter_mut().take(32 * words.len()).enumerate() {
                let (word, four, byte) = (i / 32, i % 32 / 4, i % 4);
                *signal = words[word] >> (8 * byte + four) & 1 == 1;
            }
            netlist(&mut signals, image, wires, series);
            memory.set_signals(op.output, &signals);
        }
    }
}

/// Gate by gate; a series ends with the signals.
fn netlist(signals: &mut [bool], image: &Image, wires: Array<u32>, series: Array<u32>) {
    let mut begin = 0;
    for s in 0..series.count() / 2 {
        let [end, first] = [0, 1].map(|i| image.constants.get(series, 2 * s + i));
        let (end, function) = ((end & 0x0FFF_FFFF) as usize, end >> 28);
        for gate in begin..end {
            let to = first as usize + (gate - begin);
            if to >= signals.len() {
                break;
            }
            let wire = image.constants.get(wires, gate);
            let [a, b] = [wire & 0xFFFF, wire >> 16].map(|from| u32::from(signals[from as usize]));
            signals[to] = function >> (3 - 2 * a - b) & 1 == 1;
        }
        begin = end;
    }
}

pub(super) fn group_sum(op: &GroupSum, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    let ones: Vec<bool> = if op.signals {
        memory.signals(op.input)
    } else {
        let words = memory.words(op.input);
        (0..32 * words.len()).map(|i| words[i / 32] >> (i % 32) & 1 == 1).collect()
    };
    let mut y = Vec::with_capacity(op.groups);
    for k in 0..op.groups {
        let [from, to] = [k, k + 1].map(|i| image.constants.get(op.bounds, i) as usize);
        let mut sum = Running::from(image.constants.bias(op.bias, k));
        for &one in &ones[from..to] {
            sum.add(one.into());
        }
        y.push(watch.close(sum, Sum::Row { row: k }));
    }
    memory.set_i32s(op.output, y);
}

pub(super) fn map(op: &Map, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    let constants = &image.constants;
    let x = memory.numbers(op.input);
    let y: Vec<i8> = match op.kind {
        MapKind::Lut(table) => x.iter().map(|&x| constants.get(table, (x + 128) as usize)).collect(),
        MapKind::Affine { table, bias, rq } => {
            watch.trace.macs += x.len() as u64;
            let cols = image.tensors[op.input].cols;
            let mut y = Vec::with_capacity(x.len());
            for (i, &x) in x.iter().enumerate() {
                let c = i % cols;
                let mut a = Running::from(constants.bias(bias, c));
                a.add(i64::from(constants.get(table, c)) * x);
                let a = watch.close(a, Sum::Row { row: c });
                y.push(watch.output(constants.rq(rq, c), a));
            }
            y
        }
        MapKind::Add { second, m1, m2, shift, zero_point, lo, hi, z1, z2 } => {
            let mut add = |(&x, &x2): (&i64, &i64)| {
                let first = i128::from(x - i64::from(z1)) * i128::from(m1);
                let second = i128::from(x2 - i64::from(z2)) * i128::from(m2);
                let rounded = (first + second + (1i128 << (shift - 1))) >> shift;
                watch.sum(shift, rounded, zero_point, lo, hi)
            };
            x.iter().zip(&memory.numbers(second)).map(&mut add).collect()
        }
        MapKind::Mul { second, m1, shift, zero_point, lo, hi, z1, z2 } => {
            let mut multiply = |(&x, &x2): (&i64, &i64)| {
                let product = i128::from(x - i64::from(z1)) * i128::from(x2 - i64::from(z2)) * i128::from(m1);
                watch.sum(shift, (product + (1i128 << (shift - 1))) >> shift, zero_point, lo, hi)
            };
            x.iter().zip(&memory.numbers(second)).map(&mut multiply).collect()
        }
        MapKind::Bits(tests) => {
            let mut words = vec![0u32; tests.count().div_ceil(32)];
            for (i, test) in constants.all(tests).enumerate() {
                let one = x[usize::from(test.feature)] > i64::from(test.threshold);
                words[i / 32] |= u32::from(one) << (i % 32);
            }
            return memory.set_words(op.output, words);
        }
        MapKind::Clamp { lo, hi } => x.iter().map(|&x| watch.clamped(x, lo, hi)).collect(),
    };
    memory.set_i8s(op.output, y);
}

pub(super) fn copy(op: &Move, image: &Image, memory: &mut Memory<'_>) {
    let (x, mut y) = (memory.numbers(op.input), memory.numbers(op.output));
    for (from, to) in op.pairs() {
        y[to] = x[from];
    }
    if image.tensors[op.output].dtype == Dtype::I8 {
        memory.set_i8s(op.output, y.into_iter().map(|y| y as i8));
    } else {
        memory.set_i32s(op.output, y.into_iter().map(|y| y as i32));
    }
}
