//! Models to update to.

use leafgate::image::image_crc32;
use std::path::Path;

/// Reads a file of the repository, padded to nothing: images are multiples of 16 bytes.
fn read(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A small image with golden vectors.
#[must_use]
pub fn small() -> Vec<u8> {
    read("tests/fuzz/corpus/experts-one.leaf")
}

/// Another, larger one.
#[must_use]
pub fn other() -> Vec<u8> {
    read("tests/fuzz/corpus/tree-and-master.leaf")
}

/// A third.
#[must_use]
pub fn third() -> Vec<u8> {
    read("tests/fuzz/corpus/forest.leaf")
}

/// An image of the zoo.
#[must_use]
pub fn zoo(name: &str) -> Vec<u8> {
    read(&format!("models/zoo/{name}/{name}.leaf"))
}

/// The image with one golden output changed, and the checksum of that: everything about it is right, but it does not do what it says.
///
/// # Panics
/// If it has no golden vectors.
#[must_use]
pub fn failing(mut image: Vec<u8>) -> Vec<u8> {
    let entries = (0..usize::from(u16::from_le_bytes([image[36], image[37]]))).map(|i| 64 + 16 * i);
    let word = |image: &[u8], at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    let golden = entries.into_iter().find(|&at| image[at] == 7).expect("a section of golden vectors");
    // The last word of the section is the last output of the last vector.
    let at = word(&image, golden + 4) + word(&image, golden + 8) - 4;
    image[at] ^= 1;
    let crc32 = image_crc32(&image);
    image[12..16].copy_from_slice(&crc32.to_le_bytes());
    image
}
