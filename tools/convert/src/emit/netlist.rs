//! Netlists: gates of any two signals, a byte a signal, and GROUPSUM of them.
//!
//! Signals are bytes of an array whose length is made a power of two, so that a loop bounds an index by a mask. Straight-line code reads and
//! writes them at constant places. Rejected: a local for each signal, which the optimiser would hold on the stack, four bytes each.

use super::error::EmitError;
use super::linear::place;
use super::prelude::{Helper, function_name};
use super::source::{Source, call};
use super::value::Value;
use crate::reference::{Array, Gates, Image};

/// Estimated code of a gate in bytes, the constants of its place included.
const GATE_BYTES: usize = 16;
/// Gates after which operands are read again from the array.
const BLOCK: usize = 16;
/// One pointer for all signals, that the optimiser cannot look through.
const HIDE: &str = "    let y = core::hint::black_box(y);\n";
/// Estimated code of the call of a series.
const SERIES_BYTES: u64 = 16;

/// Bytes of the array of a tensor of signals, a power of two.
pub(super) fn signal_bytes(words: usize) -> usize {
    (4 * words).next_power_of_two()
}

/// Gates of one function that follow each other.
struct Series {
    function: u32,
    first: usize,
    wires: Vec<u32>,
}

/// As the image has them, without gates that would write where no signal is, and without what is not run.
fn all_series(image: &Image, signals: usize, wires: Array<u32>, series: Array<u32>) -> Vec<Series> {
    let wires: Vec<u32> = image.constants.all(wires).collect();
    let words: Vec<u32> = image.constants.all(series).collect();
    let mut begin = 0;
    let mut all = Vec::new();
    for &[end, first] in words.as_chunks().0 {
        let (function, end, first) = (end >> 28, (end & 0x0FFF_FFFF) as usize, first as usize);
        let gates = (end - begin).min(signals.saturating_sub(first));
        if gates > 0 {
            all.push(Series { function, first, wires: wires[begin..begin + gates].to_vec() });
        }
        begin = end;
    }
    all
}

/// The bits of the input as signals, then the gates in order.
pub(super) fn netlist(
    source: &mut Source<'_>,
    index: usize,
    op: &Gates,
    wires: Array<u32>,
    series: Array<u32>,
) -> Result<(), EmitError> {
    let words = source.image.tensors[op.output].elements();
    let series = all_series(source.image, 4 * words, wires, series);
    let gates: usize = series.iter().map(|series| series.wires.len()).sum();
    source.need(Helper::SignalsOf);
    series.iter().for_each(|series| source.need(Helper::Function(series.function as u8)));
    let mut body = "    signals_of(x, y);\n".to_owned();
    if source.unrolls(gates.div_ceil(32), gates * GATE_BYTES) {
        body += &wired(&series);
    } else {
        source.need(Helper::Series);
        body += &looped(source, index, &series)?;
    }
    let input = source.image.tensors[op.input].row_words();
    let parameters = [("x", format!("&[u32; {input}]")), ("y", format!("&mut [u8; {}]", signal_bytes(words)))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let fun = format!("op{index}_gates");
    source.function(&format!("GATES: a netlist of {gates} gates."), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

/// A statement for each gate.
fn wired(series: &[Series]) -> String {
    let mut body = String::new();
    let mut gates = 0;
    for Series { function, first, wires } in series {
        let name = function_name(*function as u8);
        for (i, wire) in wires.iter().enumerate() {
            if gates % BLOCK == 0 {
                body += HIDE;
            }
            body += &format!("    y[{}] = {name}(y[{}], y[{}]);\n", first + i, wire & 0xFFFF, wire >> 16);
            gates += 1;
        }
    }
    body
}

/// A call for each series.
fn looped(source: &mut Source<'_>, index: usize, series: &[Series]) -> Result<String, EmitError> {
    source.count(SERIES_BYTES * series.len() as u64)?;
    let wires: Vec<u32> = series.iter().flat_map(|series| series.wires.iter().copied()).collect();
    let (name, count) = (format!("OP{index}_WIRES"), wires.len());
    if count > 0 {
        source.constant(&name, &format!("[u32; {count}]"), 4 * count, &Value::masks(wires))?;
    }
    let (mut body, mut begin) = (String::new(), 0);
    for series in series {
        let end = begin + series.wires.len();
        let function = function_name(series.function as u8).to_owned();
        let arguments = ["y".into(), series.first.to_string(), format!("&{name}[{begin}..{end}]"), function];
        body += &call(4, "series", &arguments, ";");
        begin = end;
    }
    Ok(body)
}
