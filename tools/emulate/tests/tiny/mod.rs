//! The smallest network that a device can prove itself with, written from `docs/image-format.md`: four numbers are clamped
//! to -4..=5, and the largest is the class.
#![allow(dead_code, reason = "each test program uses a part")]

use crc::{CRC_32_ISO_HDLC, Crc};

/// Inputs of the golden vectors.
const VECTORS: [[i8; 4]; 2] = [[1, -7, 9, 3], [-1, -2, -3, -128]];
/// Where the sections lie.
const OPS: usize = 112;
const TENSORS: usize = OPS + 2 * 64;
const GOLDEN: usize = TENSORS + 3 * 32;
const TOTAL: usize = GOLDEN + 64;
const NONE: [u8; 4] = [0xFF; 4];

/// What the network gives.
pub fn outputs(input: [i8; 4]) -> [i32; 4] {
    input.map(|x| i32::from(x.clamp(-4, 5)))
}

/// The class that it gives.
pub fn class(input: [i8; 4]) -> usize {
    let outputs = outputs(input);
    (0..4).rev().max_by_key(|&i| outputs[i]).unwrap()
}

/// The fingerprint of what it gives.
pub fn crc32(input: [i8; 4]) -> u32 {
    Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&outputs(input).map(i32::to_le_bytes).concat())
}

/// The input as the device reads it.
pub fn bytes(input: [i8; 4]) -> Vec<u8> {
    input.map(|x| x as u8).to_vec()
}

/// The image.
pub fn image() -> Vec<u8> {
    image_with_class_at(4)
}

/// The image, with the class at this offset of the arena, which ends after it.
pub fn image_with_class_at(offset: u32) -> Vec<u8> {
    let mut image = vec![0; TOTAL];
    put(&mut image, 0, b"LEAF");
    put(&mut image, 4, &[1, 0, 64, 0]);
    put_u32(&mut image, 8, TOTAL as u32);
    put_u32(&mut image, 16, 1 << 6 | 1 << 7);
    put_u32(&mut image, 24, offset + 4);
    put(&mut image, 32, &[0, 0, 1, 0, 3, 0]);
    // Four numbers clamped, four compared.
    put_u32(&mut image, 56, 4 + 4);
    let sections = [(1, 64, OPS, 128, 2), (2, 32, TENSORS, 96, 3), (7, 0, GOLDEN, 16 + 2 * 20, 0)];
    for (i, (kind, record_bytes, at, bytes, count)) in sections.into_iter().enumerate() {
        for (j, word) in [kind | record_bytes << 16, at as u32, bytes, count].into_iter().enumerate() {
            put_u32(&mut image, 64 + 16 * i + 4 * j, word);
        }
    }
    // MAP.Clamp from tensor 0 to tensor 1, then READOUT.Argmax from tensor 1 to tensor 2.
    put(&mut image, OPS, &[6, 4, 0, 0, 0, 0, 1, 0, 0xFF, 0xFF]);
    put(&mut image, OPS + 12, &[NONE; 3].concat());
    put(&mut image, OPS + 34, &[-4_i8 as u8, 5]);
    put(&mut image, OPS + 64, &[7, 1, 0, 0, 1, 0, 2, 0, 1]);
    for (i, (dtype, place, offset, cols)) in [(1, 0, 0, 4), (1, 1, 0, 4), (2, 1, offset, 1)].into_iter().enumerate() {
        let at = TENSORS + 32 * i;
        put(&mut image, at, &[dtype, place]);
        for (j, word) in [offset, 1, cols, 1.0_f32.to_bits()].into_iter().enumerate() {
            put_u32(&mut image, at + 4 + 4 * j, word);
        }
    }
    for (j, word) in [2, 4, 4, 20].into_iter().enumerate() {
        put_u32(&mut image, GOLDEN + 4 * j, word);
    }
    for (i, input) in VECTORS.into_iter().enumerate() {
        let at = GOLDEN + 16 + 20 * i;
        put(&mut image, at, &bytes(input));
        put(&mut image, at + 4, &outputs(input).map(i32::to_le_bytes).concat());
    }
    sealed(image)
}

/// The image with a golden vector that expects something else.
pub fn image_with_wrong_vector() -> Vec<u8> {
    let mut image = image();
    image[GOLDEN + 16 + 20 + 4] ^= 1;
    sealed(image)
}

/// With the right checksum.
fn sealed(mut image: Vec<u8>) -> Vec<u8> {
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    digest.update(&image[..12]);
    digest.update(&image[16..]);
    put_u32(&mut image, 12, digest.finalize());
    image
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_u32(image: &mut [u8], at: usize, word: u32) {
    put(image, at, &word.to_le_bytes());
}
