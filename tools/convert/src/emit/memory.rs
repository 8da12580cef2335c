//! The arena as fields of a struct: one field for each array that must live, shared by those of one type that never live at once.
//!
//! A compiled network needs no bytes that are now one type and now another: each tensor is an array of its own type. That is the same
//! network as long as every op reads what was written to the very tensor, which is checked here byte by byte, as ops run in a fixed order.
//! Tensors of one place, type and size are one array (a matrix read as a row).

use std::collections::{BTreeMap, BTreeSet};

use super::error::EmitError;
use super::netlist::signal_bytes;
use crate::reference::{Dtype, Image, Op, Place, Wiring};

/// A field of the state.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its type.
    pub kind: String,
    /// Its size.
    pub bytes: usize,
    /// What it holds, for its doc.
    pub holds: Vec<String>,
    /// The last op of its present content.
    busy_until: usize,
}

/// Arrays in the arena that are one: place, type and size.
type Slot = (u32, u8, usize);

/// The type of signals in a slot, as no tensor has it.
const SIGNALS: u8 = u8::MAX;

/// The fields, handed out in the order of the ops.
pub(super) struct Memory<'i> {
    image: &'i Image,
    /// Tensors that hold signals of netlists: bytes, not numbers.
    signals: BTreeSet<usize>,
    /// The last op that uses each slot.
    last_use: BTreeMap<Slot, usize>,
    /// The field of each slot that has one.
    placed: BTreeMap<Slot, usize>,
    pub fields: Vec<Field>,
}

impl<'i> Memory<'i> {
    /// Checks that every op reads what was written to the very tensor.
    pub fn new(image: &'i Image) -> Result<Self, EmitError> {
        let mut memory = Self {
            image,
            signals: image.ops.iter().filter_map(signals).collect(),
            last_use: BTreeMap::new(),
            placed: BTreeMap::new(),
            fields: Vec::new(),
        };
        let mut written: Vec<Option<Slot>> = vec![None; image.header.arena_bytes as usize];
        for (index, op) in image.ops.iter().enumerate() {
            memory.check_signals(index, op)?;
            for tensor in op.reads() {
                memory.check_read(index, op, tensor, &written)?;
                memory.used(tensor, index);
            }
            let scratch = scratch(op);
            for tensor in op.writes() {
                let content = (!scratch.contains(&tensor)).then(|| memory.slot(tensor));
                if let Op::Move(op) = op {
                    // What is not copied keeps its content, which is as before that of another tensor or of none.
                    let (start, size) = (memory.bytes(tensor).start, memory.element_bytes(tensor));
                    let rows = (0..op.rows).map(|r| start + size * (op.to + r * op.to_row));
                    rows.for_each(|at| written[at..at + size * op.cols].fill(content));
                } else {
                    written[memory.bytes(tensor)].fill(content);
                }
                memory.used(tensor, index);
            }
        }
        Ok(memory)
    }

    fn slot(&self, tensor: usize) -> Slot {
        let kind = if self.signals.contains(&tensor) { SIGNALS } else { self.image.tensors[tensor].dtype as u8 };
        let tensor = &self.image.tensors[tensor];
        (tensor.offset, kind, tensor.bytes())
    }

    /// Only netlists write signals, and only sums of signals read them.
    fn check_signals(&self, index: usize, op: &Op) -> Result<(), EmitError> {
        let other = op.reads().into_iter().chain(op.writes()).find(|tensor| {
            let is_input = self.image.tensors[*tensor].place == Place::Input;
            self.signals.contains(tensor) && (signals(op) != Some(*tensor) || is_input)
        });
        let Some(tensor) = other else { return Ok(()) };
        let what = format!("tensor {tensor}, both signals of a netlist and numbers,");
        Err(EmitError::Unsupported { op: index, name: op.name(), what })
    }

    fn bytes(&self, tensor: usize) -> std::ops::Range<usize> {
        let tensor = &self.image.tensors[tensor];
        tensor.offset as usize..tensor.offset as usize + tensor.bytes()
    }

    fn element_bytes(&self, tensor: usize) -> usize {
        if self.image.tensors[tensor].dtype == Dtype::I8 { 1 } else { 4 }
    }

    fn used(&mut self, tensor: usize, op: usize) {
        if self.image.tensors[tensor].place == Place::Arena {
            self.last_use.insert(self.slot(tensor), op);
        }
    }

    fn check_read(&self, index: usize, op: &Op, tensor: usize, written: &[Option<Slot>]) -> Result<(), EmitError> {
        if self.image.tensors[tensor].place == Place::Input {
            return Ok(());
        }
        let want = self.slot(tensor);
        let Some(other) = written[self.bytes(tensor)].iter().find(|&&slot| slot != Some(want)) else { return Ok(()) };
        let holds = match other {
            Some((offset, ..)) => format!("another tensor, at byte {offset} of the arena"),
            None => "what no op has written, or what served as scratch".into(),
        };
        Err(EmitError::Overlap { op: index, name: op.name(), tensor, holds })
    }

    /// The expression for a tensor that op `index` names: `input`, or a field.
    pub fn place(&mut self, tensor: usize, index: usize) -> String {
        let record = &self.image.tensors[tensor];
        if record.place == Place::Input {
            return "input".into();
        }
        let slot = self.slot(tensor);
        let field = match self.placed.get(&slot) {
            Some(&field) => field,
            None => {
                let (kind, bytes) = if self.signals.contains(&tensor) {
                    let bytes = signal_bytes(record.elements());
                    (format!("[u8; {bytes}]"), bytes)
                } else {
                    array(record.dtype, record.elements(), record.rows * record.row_words())
                };
                let until = self.last_use.get(&slot).copied().unwrap_or(index);
                let field = self.take(&kind, bytes, index, until, format!("tensor {tensor}"));
                self.placed.insert(slot, field);
                field
            }
        };
        format!("state.f{field}")
    }

    /// The expression for an array that lives from op `from` to op `until`.
    pub fn array(&mut self, kind: &str, count: usize, from: usize, until: usize, what: String) -> String {
        let bytes = count
            * if kind == "i8" {
                1
            } else if kind == "u16" {
                2
            } else {
                4
            };
        let field = self.take(&format!("[{kind}; {count}]"), bytes, from, until, what);
        format!("state.f{field}")
    }

    /// The last op that uses a tensor.
    pub fn last_use(&self, tensor: usize) -> usize {
        self.last_use.get(&self.slot(tensor)).copied().unwrap_or(0)
    }

    fn take(&mut self, kind: &str, bytes: usize, from: usize, until: usize, what: String) -> usize {
        let free = self.fields.iter().position(|field| field.kind == kind && field.busy_until < from);
        let index = free.unwrap_or_else(|| {
            self.fields.push(Field { kind: kind.into(), bytes, holds: Vec::new(), busy_until: 0 });
            self.fields.len() - 1
        });
        let field = &mut self.fields[index];
        field.busy_until = until;
        field.holds.push(what);
        index
    }
}

fn array(dtype: Dtype, elements: usize, words: usize) -> (String, usize) {
    match dtype {
        Dtype::I8 => (format!("[i8; {elements}]"), elements),
        Dtype::I32 => (format!("[i32; {elements}]"), 4 * elements),
        // Lists have no field of this kind.
        Dtype::Bits | Dtype::List => (format!("[u32; {words}]"), 4 * words),
    }
}

/// The tensor that an op writes or reads as signals.
fn signals(op: &Op) -> Option<usize> {
    match op {
        Op::Gates(op) => matches!(op.wiring, Wiring::Netlist { .. }).then_some(op.output),
        Op::GroupSum(op) => op.signals.then_some(op.input),
        _ => None,
    }
}

/// Tensors of an op whose content after it is not said.
fn scratch(op: &Op) -> Vec<usize> {
    match op {
        Op::Linear(_) => op.writes().into_iter().skip(1).collect(),
        Op::Ffn(op) => op.hidden.into_iter().chain(op.partial).collect(),
        _ => Vec::new(),
    }
}
