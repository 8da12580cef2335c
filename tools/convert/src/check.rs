//! `check`: an image is what it claims to be.
//!
//! The engine and the independent reference each read the bytes and run them; neither knows the other. Every value of every output must
//! be equal, on the golden vectors, on random inputs and on any samples given. The reference proves from the image alone that no
//! accumulator overflows.

use leafgate::image::View;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::host::{AlignedBytes, HostEngine, HostError, HostOutput};
use crate::reference::{self, Crc};

/// Random inputs compared when nothing else is asked for.
pub const DEFAULT_RANDOM_INPUTS: usize = 256;

/// An image that did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The engine refuses it.
    #[error(transparent)]
    Engine(#[from] HostError),
    /// The reference refuses it.
    #[error("the reference refuses the image: {0}")]
    Reference(#[from] reference::ReadError),
    /// An accumulator could overflow.
    #[error("{0}")]
    Overflow(#[from] reference::ProofError),
    /// A sample does not fit the network.
    #[error("sample {index} has {have} bytes, the network reads {want}")]
    Sample {
        /// Its index.
        index: usize,
        /// Bytes of the input tensor.
        want: usize,
        /// Bytes given.
        have: usize,
    },
    /// Engine and reference, or engine and golden vector, differ.
    #[error("{what}: output {output} is {have} on the engine, wanted {want}")]
    Difference {
        /// Which input.
        what: String,
        /// Index of the first output that differs; for a class, its rank.
        output: usize,
        /// Of the reference or the golden vector.
        want: i64,
        /// Of the engine.
        have: i64,
    },
}

impl CheckError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine(_) => "E0301",
            Self::Reference(_) => "E0302",
            Self::Overflow(_) => "E0303",
            Self::Sample { .. } => "E0304",
            Self::Difference { .. } => "E0305",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Engine(HostError::Parse(error)) => error.defect.hint(),
            Self::Engine(_) | Self::Sample { .. } => "`leafgate inspect` shows what the network reads",
            Self::Reference(_) => {
                "the image was not written by leafgate, or is damaged; docs/image-format.md has every rule"
            }
            Self::Overflow(_) => "convert the model again: the converter refuses or rescales such rows",
            Self::Difference { .. } => "do not use this image; report it with the model: the runtime is at fault",
        }
    }
}

/// What was found of an image that passed.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CheckReport {
    /// Size of the image.
    pub image_bytes: usize,
    /// Working memory.
    pub arena_bytes: usize,
    /// Rows whose accumulator was proven not to overflow.
    pub rows_proven: u64,
    /// Spare bits of the fullest accumulator.
    pub margin_bits: Option<u32>,
    /// Golden vectors compared.
    pub golden_vectors: usize,
    /// Random inputs compared.
    pub random_inputs: usize,
    /// Samples compared.
    pub samples: usize,
    /// Output values compared, all inputs together.
    pub values_compared: u64,
}

/// Checks `image` with `random` inputs from `seed` and the given `samples` (bytes of the input tensor each).
///
/// # Errors
/// The first thing that is wrong.
pub fn check(image: &[u8], samples: &[Vec<u8>], random: usize, seed: u64) -> Result<CheckReport, CheckError> {
    let mut engine = HostEngine::new(image)?;
    check_with(image, samples, random, seed, |input| engine.run_one(input))
}

/// [`check`] with another engine: how a test shows that a wrong one is found.
///
/// # Errors
/// As [`check`].
pub fn check_with(
    image: &[u8],
    samples: &[Vec<u8>],
    random: usize,
    seed: u64,
    mut engine: impl FnMut(&[u8]) -> Result<HostOutput, HostError>,
) -> Result<CheckReport, CheckError> {
    let aligned = AlignedBytes::copy_of(image);
    let view = View::parse(aligned.as_slice()).map_err(HostError::from)?;
    let judge = reference::read(image, Crc::Check)?;
    let proof = reference::prove(&judge, None)?;
    let input_bytes = view.input().and_then(|tensor| tensor.bytes()).unwrap_or(0) as usize;
    let mut report = CheckReport {
        image_bytes: view.bytes().len(),
        arena_bytes: view.arena_bytes(),
        rows_proven: proof.rows_checked,
        margin_bits: proof.ops.iter().filter_map(reference::OpProof::margin_bits).min(),
        golden_vectors: 0,
        random_inputs: random,
        samples: samples.len(),
        values_compared: 0,
    };

    for (i, (input, wanted)) in view.golden().enumerate() {
        let have = engine(input)?;
        report.values_compared += compare(&format!("golden vector {i}"), wanted, &have.values)?;
        report.golden_vectors += 1;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let random = (0..random).map(|i| {
        let mut input = vec![0; input_bytes];
        rng.fill_bytes(&mut input);
        (format!("random input {i} of seed {seed}"), input)
    });
    let given = samples.iter().enumerate().map(|(i, sample)| (format!("sample {i}"), sample.clone()));
    for (index, (what, input)) in random.chain(given).enumerate() {
        if input.len() != input_bytes {
            let index = index - report.random_inputs;
            return Err(CheckError::Sample { index, want: input_bytes, have: input.len() });
        }
        let Ok(want) = reference::run_bytes(&judge, &input) else {
            return Err(CheckError::Sample { index, want: input_bytes, have: input.len() });
        };
        let have = engine(&input)?;
        report.values_compared += compare(&what, &want.values, &have.values)?;
        compare(&format!("{what}, class"), &want.classes, &have.classes)?;
    }
    Ok(report)
}

/// Compares all values; returns how many.
fn compare<W: Copy + Into<i64>, H: Copy + Into<i64>>(what: &str, want: &[W], have: &[H]) -> Result<u64, CheckError> {
    let difference = |output, want, have| CheckError::Difference { what: what.into(), output, want, have };
    if want.len() != have.len() {
        return Err(difference(want.len().min(have.len()), want.len() as i64, have.len() as i64));
    }
    for (i, (&want, &have)) in want.iter().zip(have).enumerate() {
        if want.into() != have.into() {
            return Err(difference(i, want.into(), have.into()));
        }
    }
    Ok(want.len() as u64)
}
