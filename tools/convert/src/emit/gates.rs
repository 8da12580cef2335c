//! Bits: GATES with word wiring, GROUPSUM, and MAP's kind Bits.
//!
//! A layer in straight-line code reads its operands at constant places and rotates them by constants. Its masks stay in an array, which
//! the optimiser is kept from looking into: two or more are loaded by one instruction, and as immediates each would take two.

use super::error::EmitError;
use super::linear::place;
use super::netlist::signal_bytes;
use super::prelude::Helper;
use super::source::Source;
use super::value::Value;
use crate::reference::{Gates, GroupSum, Map, MapKind, Wiring};

/// Estimated code of a word of 32 gates with word wiring, in bytes, above what a table takes.
const WORD_BYTES: usize = 56;
/// Of a threshold.
const THRESHOLD_BYTES: usize = 10;

impl Source<'_> {
    /// Whether `words` words that take so much code are unrolled.
    pub(super) fn unrolls(&mut self, words: usize, bytes: usize) -> bool {
        let fits = self.unrolled_bytes + bytes <= self.options.unroll_bytes;
        self.unrolled_words.1 += words;
        if fits {
            self.unrolled_bytes += bytes;
            self.unrolled_words.0 += words;
        }
        fits
    }
}

/// Words of a block: its masks are within reach of one pointer on every core, and after it operands are read again, where the optimiser
/// would otherwise hold every operand that is read twice in a register, that is, on the stack.
const BLOCK: usize = 8;
/// One pointer for all words, where the optimiser would otherwise make the address of each.
const HIDE_OUTPUT: &str = "    let y = core::hint::black_box(y);\n";

/// A word of gates.
struct Word {
    masks: [u32; 4],
    wires: u32,
}

/// 32 gates to an output word.
pub(super) fn gates(source: &mut Source<'_>, index: usize, op: &Gates) -> Result<(), EmitError> {
    let (count, table) = match op.wiring {
        Wiring::Words { words, table } => (words, table),
        Wiring::Netlist { wires, series } => return super::netlist::netlist(source, index, op, wires, series),
    };
    source.count(4 * 5 * count as u64)?;
    let table: Vec<u32> = source.constants().all(table).collect();
    let words: Vec<Word> =
        table.as_chunks().0.iter().map(|&[wires, c0, c1, c2, c3]| Word { masks: [c0, c1, c2, c3], wires }).collect();
    source.need(Helper::Gates);
    let body = if source.unrolls(count, count * WORD_BYTES) {
        wired(source, index, &words)?
    } else {
        wired_loop(source, index, &words)?
    };
    let input = source.image.tensors[op.input].row_words();
    let parameters = [("x", format!("&[u32; {input}]")), ("y", format!("&mut [u32; {count}]"))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let fun = format!("op{index}_gates");
    source.function(&format!("GATES: {} gates of rotated words.", 32 * count), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

/// The masks in an array.
fn masks(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<(), EmitError> {
    let masks = words.iter().map(|word| Value::masks(word.masks)).collect();
    source.constant(&format!("OP{index}_MASKS"), &format!("[[u32; 4]; {}]", words.len()), 0, &Value::Array(masks))
}

/// An operand of word wiring.
fn operand(half: u32) -> String {
    let (word, rotation) = (half & 0x7FF, half >> 11 & 31);
    if rotation == 0 { format!("x[{word}]") } else { format!("x[{word}].rotate_right({rotation})") }
}

/// The masks in an array of blocks, and of those left over. Gives what begins the block of word `i`, if one begins there.
fn blocks(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<impl Fn(usize) -> String, EmitError> {
    let value = |words: &[Word]| Value::Array(words.iter().map(|word| Value::masks(word.masks)).collect());
    let (blocks, rest) = words.as_chunks::<BLOCK>();
    let kind = format!("[[[u32; 4]; {BLOCK}]; {}]", blocks.len());
    if !blocks.is_empty() {
        let all = Value::Array(blocks.iter().map(|block| value(block)).collect());
        source.constant(&format!("OP{index}_MASKS"), &kind, 0, &all)?;
    }
    if !rest.is_empty() {
        source.constant(&format!("OP{index}_MASKS_REST"), &format!("[[u32; 4]; {}]", rest.len()), 0, &value(rest))?;
    }
    let count = blocks.len();
    Ok(move |i: usize| {
        let block = i / BLOCK;
        let masks = if block < count { format!("&OP{index}_MASKS[{block}]") } else { format!("&OP{index}_MASKS_REST") };
        let hint = |name: &str, value: &str| format!("    let {name} = core::hint::black_box({value});\n");
        if i.is_multiple_of(BLOCK) { hint("x", "x") + &hint("masks", &masks) } else { String::new() }
    })
}

fn wired(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<String, EmitError> {
    let block = blocks(source, index, words)?;
    let mut body = HIDE_OUTPUT.to_owned();
    for (i, word) in words.iter().enumerate() {
        body += &block(i);
        let wires = word.wires;
        let arguments = [operand(wires & 0xFFFF), operand(wires >> 16), format!("masks[{}]", i % BLOCK)];
        body += &super::source::call(4, &format!("y[{i}] = gates"), &arguments, ";");
    }
    Ok(body)
}

fn wired_loop(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<String, EmitError> {
    masks(source, index, words)?;
    let wires = Value::masks(words.iter().map(|word| word.wires));
    source.constant(&format!("OP{index}_WIRES"), &format!("[u32; {}]", words.len()), 0, &wires)?;
    let mut body = "    // The word in the lower 11 bits, then the rotation.\n".to_owned();
    body +=
        "    let operand = |wire: u32| {\n        let word = x.get((wire & 0x7FF) as usize).copied().unwrap_or(0);\n";
    body += "        word.rotate_right(wire >> 11 & 31)\n    };\n";
    body += &format!("    let wires = OP{index}_WIRES.iter().zip(&OP{index}_MASKS);\n");
    body += "    for (y, (&wires, &masks)) in y.iter_mut().zip(wires) {\n";
    Ok(body + "        *y = gates(operand(wires), operand(wires >> 16), masks);\n    }\n")
}

/// Bit i is `x[feature_i] > threshold_i`.
pub(super) fn thresholds(source: &mut Source<'_>, index: usize, op: &Map) -> Result<(), EmitError> {
    let MapKind::Bits(tests) = op.kind else { return Ok(()) };
    let tests: Vec<_> = source.constants().all(tests).collect();
    let words = tests.len().div_ceil(32);
    let mut body = String::new();
    if source.unrolls(words, tests.len() * THRESHOLD_BYTES) {
        source.need(Helper::Above);
        for (i, tests) in tests.chunks(32).enumerate() {
            let bit = |test: &crate::reference::BitTest| format!("above(x[{}], {})", test.feature, test.threshold);
            if i > 0 {
                body += "    let x = core::hint::black_box(x);\n";
            }
            let mutable = if tests.len() > 1 { "mut " } else { "" };
            body += &format!("    let {mutable}word = {};\n", tests.first().map(bit).unwrap_or_default());
            for test in &tests[1..] {
                body += &format!("    word = word >> 1 | {};\n", bit(test));
            }
            let shift = 32 - tests.len();
            let word = if shift == 0 { "word".into() } else { format!("word >> {shift}") };
            body += &format!("    y[{i}] = {word};\n");
        }
    } else {
        let fields = |test: &crate::reference::BitTest| {
            Value::Array(vec![Value::Number(test.feature.into()), Value::Number(test.threshold.into())])
        };
        let rows = Value::Array(tests.iter().map(fields).collect());
        source.constant(
            &format!("OP{index}_TESTS"),
            &format!("[[i32; 2]; {}]", tests.len()),
            8 * tests.len(),
            &rows,
        )?;
        body += &format!("    for (y, tests) in y.iter_mut().zip(OP{index}_TESTS.chunks(32)) {{\n");
        body += "        let mut word = 0u32;\n        for &[feature, threshold] in tests {\n";
        body += "            let value = x.get(feature as usize).copied().unwrap_or(0);\n";
        body += "            word = word >> 1 | threshold.wrapping_sub(value.into()) as u32 & 1 << 31;\n        }\n";
        body += "        *y = word.wrapping_shr(32 - tests.len() as u32);\n    }\n";
    }
    let count = source.image.tensors[op.input].elements();
    let parameters = [("x", format!("&[i8; {count}]")), ("y", format!("&mut [u32; {words}]"))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let fun = format!("op{index}_map");
    source.function(&format!("MAP Bits: {} thresholds.", tests.len()), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

/// `y[k] = bias[k] +` the ones among the bits or signals `bounds[k] .. bounds[k+1]`.
pub(super) fn group_sum(source: &mut Source<'_>, index: usize, op: &GroupSum) -> Result<(), EmitError> {
    let bounds: Vec<u32> = source.constants().all(op.bounds).collect();
    // How many are in a word, how far apart, and which of its bits they are.
    let (per_word, apart, all) = if op.signals { (4, 8, 0x0101_0101) } else { (32, 1, u32::MAX) };
    let (from_on, up_to) = (
        |from: u32| all & u32::MAX << (apart * (from % per_word)),
        |to: u32| all & u32::MAX >> (apart * (per_word - to % per_word)),
    );
    let masked = |word: u32, mask: u32| {
        let word = if op.signals { format!("u32::from_le_bytes(x[{word}])") } else { format!("x[{word}]") };
        format!("({word} & {mask:#010x}).count_ones() as i32")
    };
    let (count, helper) =
        if op.signals { ("count_signals", Helper::CountSignals) } else { ("count_ones", Helper::CountOnes) };
    let mut body = String::new();
    for k in 0..op.groups {
        let (from, to) = (bounds[k], bounds[k + 1]);
        let mut terms = Vec::new();
        // Whole words are counted together, those that a group begins or ends in by themselves.
        let (first, last) = (from.div_ceil(per_word), to / per_word);
        if from < to && first > last {
            terms.push(masked(from / per_word, from_on(from) & up_to(to)));
        } else if from < to {
            if !from.is_multiple_of(per_word) {
                terms.push(masked(from / per_word, from_on(from)));
            }
            if first < last {
                source.need(helper);
                terms.push(format!("{count}(&x[{first}..{last}])"));
            }
            if !to.is_multiple_of(per_word) {
                terms.push(masked(last, up_to(to)));
            }
        }
        let bias = source.constants().bias(op.bias, k) as i32;
        let terms = match &terms[..] {
            [first, rest @ ..] if bias == 0 => {
                body += &format!("    y[{k}] = {first};\n");
                rest
            }
            all => {
                body += &format!("    y[{k}] = {bias};\n");
                all
            }
        };
        terms.iter().for_each(|term| body += &format!("    y[{k}] = y[{k}].wrapping_add({term});\n"));
    }
    let input = source.image.tensors[op.input];
    let kind = if op.signals {
        format!("&[u8; {}]", signal_bytes(input.elements()))
    } else {
        format!("&[u32; {}]", input.row_words())
    };
    // All groups may be empty.
    let x = if body.contains("x[") { "x" } else { "_x" };
    if op.signals && x == "x" {
        body.insert_str(0, "    let (x, _) = x.as_chunks::<4>();\n");
    }
    let parameters = [(x, kind), ("y", format!("&mut [i32; {}]", op.groups))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let fun = format!("op{index}_groupsum");
    source.function(&format!("GROUPSUM: {} groups.", op.groups), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}
