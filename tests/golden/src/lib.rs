//! Old images run forever.
//!
//! Format 1 is frozen, and so is what an image of it computes. Each image in `format-1` was once made by the converter or laid out for
//! a feature that the converter does not use; beside it stands what it must give, for inputs from a generator that is written out
//! here and never changes. Engine and reference must both give exactly that, and the golden vectors inside the image must hold.
//!
//! To freeze what the zoo holds now:
//!
//! ```text
//! LEAFGATE_BLESS=1 cargo test --package leafgate-tests-golden
//! ```
//!
//! That only ever **adds**: an image is named by its content (`name-checksum.leaf`), and what is there is neither changed nor removed.
//! A difference on an old image is a defect of the runtime; there is no step that makes it right.

use std::path::{Path, PathBuf};

/// Inputs that each image is run on, beside its own golden vectors.
pub const INPUTS: usize = 64;

/// Where the images are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format-1")
}

/// The bytes of input `number`: SplitMix64 from a state of its own, eight bytes a step, least significant first.
pub fn input(number: usize, len: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut bytes = Vec::with_capacity(len + 7);
    while bytes.len() < len {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(&(z ^ z >> 31).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// What an image must give: for each input the CRC-32 over all values as little-endian i32, and the classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(pub Vec<(u32, Vec<u32>)>);

impl Expected {
    /// As a file: a line per input, the checksum and the classes.
    pub fn to_text(&self) -> String {
        let line = |(number, (crc, classes)): (usize, &(u32, Vec<u32>))| {
            let classes: String = classes.iter().map(|class| format!(" {class}")).collect();
            format!("{number} {crc:08x}{classes}\n")
        };
        self.0.iter().enumerate().map(line).collect()
    }

    /// From a file.
    ///
    /// # Errors
    /// The line that does not read.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let line = |(number, line): (usize, &str)| {
            let mut words = line.split(' ');
            let counts = words.next().is_some_and(|word| word == number.to_string());
            let crc = words.next().and_then(|word| u32::from_str_radix(word, 16).ok()).filter(|_| counts);
            let classes = words.map(str::parse).collect::<Result<Vec<u32>, _>>().ok();
            crc.zip(classes).ok_or_else(|| format!("line {number}: {line}"))
        };
        text.lines().enumerate().map(line).collect::<Result<_, _>>().map(Self)
    }
}

/// The images in the folder with their paths, in order.
///
/// # Panics
/// If the folder cannot be read.
pub fn images() -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder()).expect("the folder of frozen images is part of the repository");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "leaf"));
    paths.sort();
    let read = |path: PathBuf| {
        let image = std::fs::read(&path).expect("an image can be read");
        (path, image)
    };
    paths.into_iter().map(read).collect()
}
