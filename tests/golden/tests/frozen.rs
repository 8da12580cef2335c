//! Every frozen image gives what it gave when it was frozen.

use leafgate::{Model, Session};
use leafgate_convert::host::{AlignedBytes, HostEngine};
use leafgate_convert::reference::{self, Crc};
use leafgate_image::CRC32;
use leafgate_tests_golden::{Expected, INPUTS, folder, images, input};
use leafgate_tests_laws::layout;
use leafgate_tests_laws::samples::{Sample, zoo};

/// The images that should be frozen: the zoo's, and those laid out by hand, with the names of their files.
fn candidates() -> Vec<(String, Vec<u8>)> {
    let by_hand = layout::all().into_iter().map(|(name, image)| (format!("by-hand-{name}"), image));
    let all = zoo().into_iter().map(|Sample { name, image }| (name, image)).chain(by_hand);
    all.map(|(name, image)| (format!("{name}-{:08x}.leaf", CRC32.checksum(&image)), image)).collect()
}

/// By the reference, so that what is frozen does not come from the engine.
fn expected(image: &[u8]) -> Expected {
    let judge = reference::read(image, Crc::Check).expect("the reference accepts the image");
    let len = judge.tensors[judge.header.input].bytes();
    let run = |number| {
        let outcome =
            reference::run_bytes(&judge, &input(number, len)).expect("the input is as long as the image says");
        let bytes: Vec<u8> = outcome.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (CRC32.checksum(&bytes), outcome.classes)
    };
    Expected((0..INPUTS).map(run).collect())
}

fn by_engine(image: &[u8]) -> Expected {
    let len = reference::read(image, Crc::Check).map(|judge| judge.tensors[judge.header.input].bytes());
    let len = len.expect("the reference accepts the image");
    let mut engine = HostEngine::new(image).expect("the engine accepts the image");
    let run = |number| {
        let output = engine.run_one(&input(number, len)).expect("the input is as long as the image says");
        (output.crc32, output.classes.iter().map(|&class| class as u32).collect())
    };
    Expected((0..INPUTS).map(run).collect())
}

#[test]
fn every_image_is_frozen() {
    let bless = std::env::var_os("LEAFGATE_BLESS").is_some();
    for (name, image) in candidates() {
        let path = folder().join(&name);
        if path.exists() {
            continue;
        }
        assert!(
            bless,
            "{name} is not frozen yet: add it by\n  LEAFGATE_BLESS=1 cargo test --package leafgate-tests-golden"
        );
        let text = expected(&image).to_text();
        // Only a new file: what is there is never written to, whoever else may be blessing.
        let add = |path: std::path::PathBuf, bytes: &[u8]| {
            use std::io::Write;
            std::fs::File::create_new(path).and_then(|mut file| file.write_all(bytes)).expect("a new file can be made");
        };
        add(path.with_extension("expected"), text.as_bytes());
        add(path, &image);
        println!("{name} is frozen");
    }
}

#[test]
fn frozen_images_give_what_they_gave() {
    let images = images();
    if std::env::var_os("LEAFGATE_BLESS").is_none() {
        assert!(images.len() >= layout::all().len(), "only {} images are frozen", images.len());
    }
    for (path, image) in images {
        let name = path.file_stem().expect("an image has a name").to_string_lossy().into_owned();
        // The name holds the checksum of the whole file: a frozen image is not replaced.
        assert!(
            name.ends_with(&format!("-{:08x}", CRC32.checksum(&image))),
            "{name} is no longer the image that it was"
        );
        let text =
            std::fs::read_to_string(path.with_extension("expected")).expect("expected outputs lie beside the image");
        let want = Expected::from_text(&text).expect("the expected outputs can be read");
        assert_eq!(want.0.len(), INPUTS);
        assert_eq!(by_engine(&image), want, "{name}: the engine");
        assert_eq!(expected(&image), want, "{name}: the reference");

        let aligned = AlignedBytes::copy_of(&image);
        let model = Model::parse(aligned.as_slice()).expect("the engine accepts the image");
        let mut arena = AlignedBytes::filled(model.arena_bytes(), 0xA5);
        let mut session = Session::new(&model, arena.as_mut_slice()).expect("the arena is as large as it must be");
        let vectors = session.self_test().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(vectors > 0 || name.starts_with("by-hand"), "{name} has no golden vectors");
        println!("{name}: {INPUTS} inputs, {vectors} golden vectors");
    }
}

#[test]
fn the_generator_never_changes() {
    assert_eq!(input(0, 12), [193, 92, 2, 137, 236, 45, 10, 145, 103, 236, 142, 101]);
}

#[test]
fn a_wrong_output_is_noticed() {
    let (_, image) = candidates().remove(0);
    let right = expected(&image);
    let mut wrong = right.clone();
    wrong.0[INPUTS - 1].0 ^= 1;
    assert_ne!(by_engine(&image), wrong);
    assert_eq!(Expected::from_text(&right.to_text()), Ok(right));
    assert!(Expected::from_text("0 12345678\n2 12345678\n").is_err());
    assert!(Expected::from_text("0 xyz\n").is_err());
}
