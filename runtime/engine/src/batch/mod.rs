//! Networks of gates on many samples at once: for windows of a stream, and off line.
//!
//! A [`Batch`] reads the same image as a [`Session`](crate::Session) and gives the same integers. It works in planes, a bit of every
//! sample in each, so that one instruction does what a gate does for 32 samples or more: see [`leafgate_kernels::batch`]. It takes the arena of
//! a session as often as it takes samples. Where gates are wired one by one it is many times as fast a sample; in word wiring, where a
//! session does 32 gates with an instruction as well, hardly.
//!
//! ```
//! use leafgate::Model;
//! use leafgate::batch::{Batch, BatchError};
//!
//! /// The class of each of up to 32 windows.
//! fn classify(model: &Model<'_>, memory: &mut [u32], windows: &[&[i8]], classes: &mut [i32]) -> Result<(), BatchError> {
//!     let mut batch = Batch::<1>::new(model, memory)?;
//!     for (class, output) in classes.iter_mut().zip(batch.run(windows)?.iter()) {
//!         *class = output.class().map_or(-1, |class| class as i32);
//!     }
//!     Ok(())
//! }
//! ```

mod error;
mod memory;
mod ops;
mod outputs;
mod plan;

use leafgate_image::{NO_TENSOR, OpRecord, TensorRecord, View, group_sum, map, op, place, wiring};
use leafgate_kernels::batch::Plane;
use zerocopy::{IntoBytes, transmute_ref};

pub use error::BatchError;
pub use memory::words;
pub use outputs::Outputs;
pub use plan::Plan;

use crate::input::{Input, InputError};
use crate::model::Model;

/// A network of gates with working memory for `32 * N` samples.
#[derive(Debug)]
pub struct Batch<'m, 'a, 'w, const N: usize = 1> {
    model: &'m Model<'a>,
    planes: &'w mut [Plane<N>],
    plan: Option<Plan<'m>>,
}

impl<'m, 'a, 'w, const N: usize> Batch<'m, 'a, 'w, N> {
    /// Samples of a run, at most.
    pub const SAMPLES: usize = 32 * N;

    /// Words of memory for a model; [`words`] for a constant.
    pub fn words(model: &Model<'_>) -> usize {
        memory::planes(model.view()).saturating_mul(N)
    }

    /// Takes memory of at least [`Batch::words`]. Its content does not matter.
    ///
    /// # Errors
    /// If the network is not made of bits of its input, gates, group sums and a readout, or the memory is too small. What it costs grows with
    /// the ops, and with their square where an op reads not what the one before it has written.
    pub fn new(model: &'m Model<'a>, memory: &'w mut [u32]) -> Result<Self, BatchError> {
        let view = model.view();
        for (at, record) in view.ops().iter().enumerate() {
            if !is_supported(record) {
                return Err(BatchError::NotGates { at, op: record.op, kind: record.kind });
            }
            if !reads_what_is_written(view, view.ops().get(..at).unwrap_or(&[]), record) {
                return Err(BatchError::ReadsUnwritten { at });
            }
        }
        let (want, have) = (Self::words(model), memory.len());
        let memory = memory.get_mut(..want).ok_or(BatchError::TooSmall { want, have })?;
        Ok(Self { model, planes: memory.as_chunks_mut().0, plan: None })
    }

    /// Runs with the gates of a plan.
    ///
    /// # Errors
    /// If it is the plan of another model.
    pub fn with_plan(mut self, plan: &Plan<'m>) -> Result<Self, BatchError> {
        if !plan.is_of(self.model) {
            return Err(BatchError::OtherPlan);
        }
        self.plan = Some(*plan);
        Ok(self)
    }

    /// Runs the network on up to [`Batch::SAMPLES`] inputs; a run takes as long with fewer. Never allocates, panics or recurses.
    ///
    /// # Errors
    /// If there are more, or one is not of the image's type and length; nothing has run then.
    // Where the compiler has been told of wider vectors, all of it must be compiled for them.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub fn run<'i, I: Copy + Into<Input<'i>>>(&mut self, inputs: &[I]) -> Result<Outputs<'_>, BatchError> {
        let (want, have) = (Self::SAMPLES, inputs.len());
        if have > want {
            return Err(BatchError::TooMany { want, have });
        }
        let want = self.model.input_shape();
        for (at, &input) in inputs.iter().enumerate() {
            let have = input.into().shape();
            if want != have {
                return Err(BatchError::Input { at, error: InputError { want, have } });
            }
        }
        // Sample `32 * c + r` in `rows[r][c]`, as words of samples are transposed. An input that is not there reads as zeros.
        let mut rows = [[&[][..]; N]; 32];
        for (inputs, c) in inputs.chunks(32).zip(0..) {
            for (&input, row) in inputs.iter().zip(&mut rows) {
                if let Some(bytes) = row.get_mut(c) {
                    *bytes = input.into().as_bytes();
                }
            }
        }
        ops::run(self.model.view(), self.planes, self.plan, &rows);
        Ok(Outputs::new(self.model.view(), self.planes, have))
    }
}

/// Whether an op is one of a network of gates.
fn is_supported(record: &OpRecord) -> bool {
    match record.op {
        op::GATES => matches!(record.kind, wiring::WORD | wiring::NETLIST),
        op::MAP => record.kind == map::BITS && record.flags == 0,
        op::GROUPSUM => matches!(record.kind, group_sum::BITS | group_sum::SIGNALS) && record.flags == 0,
        op::READOUT => true,
        _ => false,
    }
}

/// Tensors that an op reads and writes: every op of a network of gates has these.
fn tensors(record: &OpRecord) -> [u16; 2] {
    let halves: &[u16; 32] = transmute_ref!(record);
    [halves[2], halves[3]]
}

/// Whether an op reads the network's input, or what the last of the ops before it to write there has written as a whole.
fn reads_what_is_written(view: &View<'_>, before: &[OpRecord], record: &OpRecord) -> bool {
    let [x, _] = tensors(record);
    let Some(tensor) = view.tensor(x) else { return false };
    if tensor.place == place::INPUT {
        return true;
    }
    for record in before.iter().rev() {
        let [_, y] = tensors(record);
        if y == x {
            return true;
        }
        if y != NO_TENSOR && view.tensor(y).is_some_and(|other| overlap(tensor, other)) {
            return false;
        }
    }
    false
}

/// Whether two tensors of the arena share bytes.
fn overlap(a: &TensorRecord, b: &TensorRecord) -> bool {
    let end = |tensor: &TensorRecord| tensor.offset.saturating_add(tensor.bytes().unwrap_or(0));
    a.offset < end(b) && b.offset < end(a)
}

/// Word `i` of an input; zeros follow its end.
#[inline(always)]
fn word(bytes: &[u8], i: usize) -> u32 {
    match bytes.get(4 * i..4 * i + 4).and_then(<[u8]>::as_array) {
        Some(&bytes) => u32::from_le_bytes(bytes),
        None => last_word(bytes.get(4 * i..).unwrap_or(&[])),
    }
}

#[cold]
#[inline(never)]
fn last_word(bytes: &[u8]) -> u32 {
    let mut word = 0u32;
    for (to, &from) in word.as_mut_bytes().iter_mut().zip(bytes) {
        *to = from;
    }
    word
}
