//! Bits: GATES, GROUPSUM, and MAP's kind Bits.
//!
//! A layer in straight-line code reads its operands at constant places and rotates them by constants. Its masks stay in an array, which
//! the optimiser is kept from looking into: two or more are loaded by one instruction, and as immediates each would take two.

use super::error::EmitError;
use super::linear::place;
use super::prelude::Helper;
use super::source::Source;
use super::value::Value;
use crate::reference::{Gates, GroupSum, Map, MapKind};

/// Estimated code of a word of 32 gates with word wiring, in bytes, above what a table takes.
const WORD_BYTES: usize = 56;
/// Of an operand bit that is gathered.
const BIT_BYTES: usize = 10;
/// Of a threshold.
const THRESHOLD_BYTES: usize = 10;

impl Source<'_> {
    /// Whether `words` words that take so much code are unrolled.
    fn unrolls(&mut self, words: usize, bytes: usize) -> bool {
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
    wires: Vec<u32>,
}

impl Word {
    /// Lanes whose gate depends on operand A, and on B.
    fn reads(&self) -> [u32; 2] {
        let [_, c1, c2, c3] = self.masks;
        [c1 | c3, c2 | c3]
    }
}

/// 32 gates to an output word.
pub(super) fn gates(source: &mut Source<'_>, index: usize, op: &Gates) -> Result<(), EmitError> {
    let entries = if op.gathered { 36 } else { 5 };
    source.count(4 * (op.words * entries) as u64)?;
    let table: Vec<u32> = source.constants().all(op.table).collect();
    let word = |words: &[u32]| {
        let (masks, wires) = if op.gathered { words.split_at(4) } else { (&words[1..], &words[..1]) };
        Word { masks: [masks[0], masks[1], masks[2], masks[3]], wires: wires.to_vec() }
    };
    let words: Vec<Word> = table.chunks_exact(entries).map(word).collect();
    let bits = |word: &Word| word.reads().iter().map(|lanes| lanes.count_ones() as usize).sum::<usize>();
    let bytes = if op.gathered { words.iter().map(bits).sum::<usize>() * BIT_BYTES } else { words.len() * WORD_BYTES };
    source.need(Helper::Gates);
    let body = match (source.unrolls(op.words, bytes), op.gathered) {
        (true, true) => gathered(source, index, &words)?,
        (true, false) => wired(source, index, &words)?,
        (false, true) => gathered_loop(source, index, &words)?,
        (false, false) => wired_loop(source, index, &words)?,
    };
    let input = source.image.tensors[op.input].row_words();
    let parameters = [("x", format!("&[u32; {input}]")), ("y", format!("&mut [u32; {}]", op.words))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let (fun, wiring) = (format!("op{index}_gates"), if op.gathered { "gathered bits" } else { "rotated words" });
    source.function(&format!("GATES: {} gates of {wiring}.", 32 * op.words), &fun, &parameters, &body);
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
        let wires = word.wires[0];
        let arguments = [operand(wires & 0xFFFF), operand(wires >> 16), format!("masks[{}]", i % BLOCK)];
        body += &super::source::call(4, &format!("y[{i}] = gates"), &arguments, ";");
    }
    Ok(body)
}

fn wired_loop(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<String, EmitError> {
    masks(source, index, words)?;
    let wires = Value::masks(words.iter().map(|word| word.wires[0]));
    source.constant(&format!("OP{index}_WIRES"), &format!("[u32; {}]", words.len()), 0, &wires)?;
    let mut body = "    // The word in the lower 11 bits, then the rotation.\n".to_owned();
    body +=
        "    let operand = |wire: u32| {\n        let word = x.get((wire & 0x7FF) as usize).copied().unwrap_or(0);\n";
    body += "        word.rotate_right(wire >> 11 & 31)\n    };\n";
    body += &format!("    let wires = OP{index}_WIRES.iter().zip(&OP{index}_MASKS);\n");
    body += "    for (y, (&wires, &masks)) in y.iter_mut().zip(wires) {\n";
    Ok(body + "        *y = gates(operand(wires), operand(wires >> 16), masks);\n    }\n")
}

fn gathered(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<String, EmitError> {
    source.need(Helper::Bit);
    let block = blocks(source, index, words)?;
    let mut body = HIDE_OUTPUT.to_owned();
    for (i, word) in words.iter().enumerate() {
        body += &block(i);
        for (name, lanes, shift) in [("a", word.reads()[0], 0), ("b", word.reads()[1], 16)] {
            let bits: Vec<String> = (0..32)
                .filter(|lane| lanes >> lane & 1 == 1)
                .map(|lane| {
                    let wire = word.wires[lane] >> shift & 0xFFFF;
                    format!("bit(x[{}], {}, {lane})", wire / 32, wire % 32)
                })
                .collect();
            body += &sum(name, &bits);
        }
        body += &format!("    y[{i}] = gates(a, b, masks[{}]);\n", i % BLOCK);
    }
    Ok(body)
}

/// `let name = one | other | ..;`
fn sum(name: &str, terms: &[String]) -> String {
    let all = terms.join(" | ");
    match terms {
        [] => format!("    let {name} = 0;\n"),
        _ if all.len() + name.len() + 12 <= super::value::WIDTH => format!("    let {name} = {all};\n"),
        [first, rest @ ..] => {
            let rest: String = rest.iter().map(|term| format!("\n        | {term}")).collect();
            format!("    let {name} = {first}{rest};\n")
        }
    }
}

fn gathered_loop(source: &mut Source<'_>, index: usize, words: &[Word]) -> Result<String, EmitError> {
    masks(source, index, words)?;
    let wires = words.iter().map(|word| Value::Array(word.wires.iter().map(|&wire| Value::Mask(wire)).collect()));
    let kind = format!("[[u32; 32]; {}]", words.len());
    source.constant(&format!("OP{index}_WIRES"), &kind, 0, &Value::Array(wires.collect()))?;
    let mut body = "    let bit = |wire: u32| {\n".to_owned();
    body += "        let word = x.get((wire >> 5 & 0x7FF) as usize).copied().unwrap_or(0);\n";
    body += "        (word >> (wire & 31)) << 31\n    };\n";
    body += &format!("    let wires = OP{index}_WIRES.iter().zip(&OP{index}_MASKS);\n");
    body += "    for (y, (wires, &masks)) in y.iter_mut().zip(wires) {\n        let (mut a, mut b) = (0, 0);\n";
    body += "        for &wire in wires {\n            a = a >> 1 | bit(wire);\n            b = b >> 1 | bit(wire >> 16);\n";
    Ok(body + "        }\n        *y = gates(a, b, masks);\n    }\n")
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

/// `y[k] = bias[k] +` the ones among the bits `bounds[k] .. bounds[k+1]`.
pub(super) fn group_sum(source: &mut Source<'_>, index: usize, op: &GroupSum) -> Result<(), EmitError> {
    let bounds: Vec<u32> = source.constants().all(op.bounds).collect();
    let mut body = String::new();
    for k in 0..op.groups {
        let (from, to) = (bounds[k], bounds[k + 1]);
        let mut terms = Vec::new();
        // Whole words are counted together, those that a group begins or ends in by themselves.
        let (first, last) = (from.div_ceil(32), to / 32);
        if from < to && first > last {
            let mask = u32::MAX << (from % 32) & u32::MAX >> (32 - to % 32);
            terms.push(format!("(x[{}] & {mask:#010x}).count_ones() as i32", from / 32));
        } else if from < to {
            if !from.is_multiple_of(32) {
                let mask = u32::MAX << (from % 32);
                terms.push(format!("(x[{}] & {mask:#010x}).count_ones() as i32", from / 32));
            }
            if first < last {
                source.need(Helper::CountOnes);
                terms.push(format!("count_ones(&x[{first}..{last}])"));
            }
            if !to.is_multiple_of(32) {
                let mask = u32::MAX >> (32 - to % 32);
                terms.push(format!("(x[{last}] & {mask:#010x}).count_ones() as i32"));
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
    let words = source.image.tensors[op.input].row_words();
    let parameters = [("x", format!("&[u32; {words}]")), ("y", format!("&mut [i32; {}]", op.groups))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let fun = format!("op{index}_groupsum");
    source.function(&format!("GROUPSUM: {} groups.", op.groups), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}
