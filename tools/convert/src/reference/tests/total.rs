//! Bytes that are no image, or no longer the image that they were: refused or safe to run, never a panic.

use super::super::{Crc, prove, read, run_bytes};
use super::images;

/// Whatever is accepted can be run and looked at.
fn try_out(bytes: &[u8], crc: Crc) {
    let Ok(image) = read(bytes, crc) else { return };
    let input_bytes = image.tensors[image.header.input].bytes();
    if image.header.arena_bytes < 1 << 16 && input_bytes < 1 << 16 {
        run_bytes(&image, &vec![0x5A; input_bytes]).unwrap();
        let _ = prove(&image, None);
    }
}

#[test]
fn no_cut_image_is_accepted() {
    for bytes in images::all() {
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], Crc::Skip).is_err());
        }
    }
}

#[test]
fn no_flipped_bit_is_missed_and_none_panics() {
    for bytes in images::all() {
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped, Crc::Check).is_err(), "bit {bit}");
            try_out(&flipped, Crc::Skip);
        }
    }
}

#[test]
fn no_words_panic() {
    let words = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x8000_0000, 0x7FFF_FFFF, u32::MAX - 3, u32::MAX];
    let mut random = 7u32;
    let mut next = move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize
    };
    for bytes in images::all() {
        for at in (0..bytes.len()).step_by(4) {
            for word in words {
                let mut changed = bytes.clone();
                changed[at..at + 4].copy_from_slice(&word.to_le_bytes());
                try_out(&changed, Crc::Skip);
                let second = next() % (bytes.len() / 4) * 4;
                changed[second..second + 4].copy_from_slice(&words[next() % words.len()].to_le_bytes());
                try_out(&changed, Crc::Skip);
            }
        }
    }
}
