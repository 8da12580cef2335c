//! The reference stands alone, and is fast enough to judge whole test sets.

use std::fs;
use std::path::{Path, PathBuf};

use leafgate_convert::reference::{Crc, Input, Op, prove, read, run};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The reference uses nothing of the engine, of its image and kernel crates, or of the rest of this crate.
#[test]
fn imports_nothing_that_it_judges() {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reference"));
    assert!(files.len() > 20);
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.trim_start();
            let alone = code.starts_with("//")
                || ["leafgate", "crate::", "extern ", "include!", "#[path"].iter().all(|word| !code.contains(word));
            assert!(
                alone,
                "{}:{}: {line}: the reference may import only std, thiserror, crc and itself",
                file.display(),
                number + 1
            );
        }
    }
}

/// One dense layer of (`rows`, `cols`) and a READOUT, laid out by the format document.
fn dense(rows: u32, cols: u32) -> Vec<u8> {
    let put = |bytes: &mut [u8], at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let weights = rows * cols;
    let parts = [(1u32, 64u32, 2u32), (2, 32, 2), (4, 0, 0)];
    let offsets = [112, 240, 304];
    let lengths = [128, 64, weights];
    let total = (304 + weights).next_multiple_of(16);
    let mut image = vec![0u8; total as usize];
    image[..4].copy_from_slice(b"LEAF");
    let header = [
        (4, 64 << 16 | 1),
        (8, total),
        (16, 1 << 1 | 1 << 7),
        (24, 4 * rows),
        (32, 1 << 16),
        (36, 3),
        (40, rows * cols),
        (56, rows * cols),
    ];
    for (at, value) in header {
        put(&mut image, at, value);
    }
    for (i, (kind, record_bytes, count)) in parts.into_iter().enumerate() {
        for (field, value) in [kind | record_bytes << 16, offsets[i], lengths[i], count].into_iter().enumerate() {
            put(&mut image, 64 + 16 * i + 4 * field, value);
        }
    }
    let linear = [(0, 1), (4, 1 << 16), (8, rows), (12, cols), (16, 0), (20, u32::MAX), (24, u32::MAX), (28, 1)];
    for (at, value) in linear {
        put(&mut image, 112 + at, value);
    }
    for (at, value) in [(0, 7), (4, 0xFFFF_0001)] {
        put(&mut image, 176 + at, value);
    }
    for (at, value) in [(0, 1), (8, 1), (12, cols), (32, 2 | 1 << 8), (40, 1), (44, rows)] {
        put(&mut image, 240 + at, value);
    }
    for (i, weight) in image[304..].iter_mut().take(weights as usize).enumerate() {
        *weight = (i * 37 % 251) as u8;
    }
    image
}

#[test]
fn a_test_set_of_1797_inputs_is_evaluated() {
    let image = read(&dense(100, 100), Crc::Skip).unwrap();
    assert!(matches!(image.ops[..], [Op::Linear(_), Op::Readout(_)]));
    assert_eq!(prove(&image, None).unwrap().rows_checked, 100);
    for n in 0..1797usize {
        let x: Vec<i8> = (0..100).map(|c| ((n * 31 + c * 17) % 256) as u8 as i8).collect();
        let outcome = run(&image, Input::I8(&x)).unwrap();
        let row_0: i32 = (0..100).map(|c| i32::from((c * 37 % 251) as u8 as i8) * i32::from(x[c])).sum();
        assert_eq!((outcome.values[0], outcome.trace[0].macs), (row_0, 10_000));
    }
}
