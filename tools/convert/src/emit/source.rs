//! A module in the making: what its ops have written so far.

use std::collections::BTreeSet;

use super::error::EmitError;
use super::memory::Memory;
use super::prelude::Helper;
use super::value::{Value, WIDTH};
use super::{EmitOptions, Rows};
use crate::reference::{Array, Constants, Image, Rq};

/// Most bytes of constants: no microcontroller has more flash, and records that share constants must not make a small image huge.
const MAX_CONSTANT_BYTES: u64 = 1 << 24;

/// The parts of the module.
pub(super) struct Source<'i> {
    pub image: &'i Image,
    pub options: &'i EmitOptions,
    pub memory: Memory<'i>,
    pub helpers: BTreeSet<Helper>,
    /// Constants and functions of the ops, in order.
    pub items: String,
    /// The statements of `run`.
    pub body: String,
    pub constant_bytes: u64,
    /// Where the classes are, if there are any.
    pub classes: Option<String>,
    /// Estimated bytes of straight-line code.
    pub unrolled_bytes: usize,
    /// Words of gates and thresholds in straight-line code, and all.
    pub unrolled_words: (usize, usize),
}

/// The requantise records of some rows as source: what each row's record is.
pub(super) struct Records {
    /// The expression of row `r`'s record, where `r` is a variable in scope.
    pub of_row: String,
}

impl<'i> Source<'i> {
    pub fn new(image: &'i Image, options: &'i EmitOptions) -> Result<Self, EmitError> {
        Ok(Self {
            image,
            options,
            memory: Memory::new(image)?,
            helpers: BTreeSet::new(),
            items: String::new(),
            body: String::new(),
            constant_bytes: 0,
            classes: None,
            unrolled_bytes: 0,
            unrolled_words: (0, 0),
        })
    }

    pub fn constants(&self) -> &'i Constants {
        &self.image.constants
    }

    /// Has a helper written, and what it needs.
    pub fn need(&mut self, helper: Helper) {
        let helper = match helper {
            Helper::Products if self.options.rows == Rows::One => Helper::ProductsByRow,
            Helper::Dot if self.options.rows == Rows::One => Helper::DotOfVectors,
            Helper::Axpy if self.options.rows == Rows::One => Helper::AxpyOfVectors,
            other => other,
        };
        if self.helpers.insert(helper) {
            helper.needs().iter().for_each(|&needed| self.need(needed));
        }
    }

    /// Takes note of constants.
    pub fn count(&mut self, bytes: u64) -> Result<(), EmitError> {
        self.constant_bytes += bytes;
        if self.constant_bytes <= MAX_CONSTANT_BYTES {
            return Ok(());
        }
        Err(EmitError::TooLarge { want: MAX_CONSTANT_BYTES, have: self.constant_bytes })
    }

    /// An array or struct in flash.
    pub fn constant(&mut self, name: &str, kind: &str, bytes: usize, value: &Value) -> Result<(), EmitError> {
        self.count(bytes as u64)?;
        let head = format!("static {name}: {kind} = ");
        let mut text = String::new();
        value.write(&mut text, head.len(), 0);
        self.items += &format!("\n#[rustfmt::skip]\n{head}{text};\n");
        Ok(())
    }

    /// A bias array of `rows`, by its name. `None` if there is no bias.
    pub fn bias(&mut self, name: &str, bias: Option<Array<i32>>, rows: usize) -> Result<bool, EmitError> {
        let Some(bias) = bias else { return Ok(false) };
        // What is counted beforehand is not first written out in memory.
        self.count(4 * rows as u64)?;
        self.constant(name, &format!("[i32; {rows}]"), 0, &Value::numbers(self.constants().all(bias)))?;
        Ok(true)
    }

    /// The records of `rows` rows, 1 or as many.
    pub fn records(&mut self, name: &str, records: Array<Rq>, rows: usize) -> Result<Records, EmitError> {
        self.need(Helper::Apply);
        let all: Vec<Rq> = self.constants().all(records).collect();
        let first = all[0];
        let alike = |rq: &Rq| (rq.s, rq.zero_point, rq.lo, rq.hi) == (first.s, first.zero_point, first.lo, first.hi);
        if !all.iter().all(alike) {
            let kind = format!("[Rounding; {rows}]");
            self.constant(name, &kind, 20 * rows, &Value::Array(all.iter().map(rounding).collect()))?;
            return Ok(Records { of_row: format!("{name}[r]") });
        }
        let mut text = String::new();
        rounding(&first).write(&mut text, WIDTH, 0);
        self.items += &format!("\nconst {name}: Rounding = {text};\n");
        if all.iter().all(|rq| rq.m == first.m) {
            return Ok(Records { of_row: name.into() });
        }
        self.need(Helper::With);
        let multipliers = Value::numbers(all.iter().map(|rq| rq.m));
        self.constant(&format!("{name}_M"), &format!("[i32; {rows}]"), 4 * rows, &multipliers)?;
        Ok(Records { of_row: format!("{name}.with({name}_M[r])") })
    }

    /// A function with parameters (name, type).
    pub fn function(&mut self, doc: &str, name: &str, parameters: &[(&str, String)], body: &str) {
        let one: Vec<String> = parameters.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let flat = format!("fn {name}({}) {{", one.join(", "));
        let head = if flat.len() <= WIDTH {
            flat
        } else {
            let lines: String = one.iter().map(|parameter| format!("    {parameter},\n")).collect();
            format!("fn {name}(\n{lines}) {{")
        };
        let many = if parameters.len() > 7 { "#[allow(clippy::too_many_arguments)]\n" } else { "" };
        self.items += &format!("\n/// {doc}\n{many}{head}\n{body}}}\n");
    }

    /// A call in `run`.
    pub fn call(&mut self, name: &str, arguments: &[String]) {
        self.body += &call(4, name, arguments, ";");
    }
}

/// The record as a struct.
pub(super) fn rounding(rq: &Rq) -> Value {
    let fields = [
        ("m", i64::from(rq.m)),
        ("shift", rq.s.into()),
        ("zero_point", rq.zero_point.into()),
        ("lo", rq.lo.into()),
        ("hi", rq.hi.into()),
    ];
    Value::Struct("Rounding".into(), fields.map(|(name, value)| (name, Value::Number(value))).to_vec())
}

/// A call as a statement, broken as rustfmt would.
pub(super) fn call(indent: usize, name: &str, arguments: &[String], end: &str) -> String {
    let all = arguments.join(", ");
    if all.len() <= 60 && indent + name.len() + all.len() + 2 + end.len() <= WIDTH {
        return format!("{:indent$}{name}({all}){end}\n", "");
    }
    let lines: String = arguments.iter().map(|argument| format!("{:1$}{argument},\n", "", indent + 4)).collect();
    format!("{:indent$}{name}(\n{lines}{:indent$}){end}\n", "", "")
}
