//! Networks of gates on the host: 512 samples at once, with the vector instructions that the machine has.

use leafgate::batch::{Batch, BatchError, Outputs};
use leafgate::{Input, Model};
use multiversion::multiversion;

/// Words of a plane: with half as many a gate's operands weigh more than its planes, with twice as many two layers of 8000 gates leave a cache of
/// 2 MiB (`docs/bench/host.md`).
pub const WORDS: usize = 16;
/// Samples of a block.
pub const SAMPLES: usize = 32 * WORDS;
/// Bytes that the cores of larger machines fetch at once: what a plane has.
const LINE: usize = 64;

/// A network of gates with its memory for one thread.
pub type WideBatch<'m, 'a, 'w> = Batch<'m, 'a, 'w, WORDS>;

/// Words of memory that begin where a plane should: a plane in two lines takes two loads.
#[derive(Clone, Debug)]
pub struct Words {
    words: Vec<u32>,
    from: usize,
    len: usize,
}

impl Words {
    /// `len` zeros.
    pub fn new(len: usize) -> Self {
        let words = vec![0u32; len + LINE / size_of::<u32>()];
        let from = words.as_ptr().align_offset(LINE).min(words.len() - len);
        Self { words, from, len }
    }

    /// The words.
    pub fn as_mut_slice(&mut self) -> &mut [u32] {
        &mut self.words[self.from..][..self.len]
    }
}

/// [`Batch::run`], compiled for what the processor turns out to have. Vectors of 512 bits are left out: gates wait for the cache and gain little,
/// and the compiler takes them as a reason to gather the words of a transposition one by one.
///
/// # Errors
/// As [`Batch::run`].
#[multiversion(targets("x86_64+avx2"))]
pub fn run<'b>(batch: &'b mut WideBatch<'_, '_, '_>, inputs: &[Input<'_>]) -> Result<Outputs<'b>, BatchError> {
    batch.run(inputs)
}

/// Whether a network is made of gates alone.
pub(super) fn is_gates(model: &Model<'_>) -> bool {
    // A model that is not is refused before the memory is.
    matches!(WideBatch::new(model, &mut []), Err(BatchError::TooSmall { .. }))
}
