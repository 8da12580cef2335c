//! Every image cut at every length and with every single bit flipped, with and without repair: refused or run, never worse.

use std::path::Path;

use leafgate::{Defect, Place};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::parts::{repair_cut, repair_in_place, seal};
use leafgate_tests_laws::samples::{Sample, all};
use leafgate_tests_laws::trial::{Bench, Outcome};
use leafgate_tests_laws::workers::{Tally, trials};

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(_) => "refused".into(),
        Outcome::TooCostly => "accepted, too costly to run".into(),
        Outcome::Ran => "accepted, ran".into(),
    }
}

fn each(
    what: &str,
    count: impl Fn(&[u8]) -> usize,
    attempt: impl Fn(&mut Bench, &[u8], usize, &mut Draw, &mut Vec<u8>) -> String + Sync,
) {
    let samples = all();
    for Sample { name, image } in &samples {
        let places: Vec<Sample> =
            (0..count(image)).map(|i| Sample { name: format!("{name} {what} {i}"), image: Vec::new() }).collect();
        let tally: Tally = trials(
            "totality",
            Path::new(env!("CARGO_TARGET_TMPDIR")),
            &places,
            places.len(),
            |bench: &mut Bench, place, draw, bytes| {
                let i = place.name.rsplit(' ').next().and_then(|i| i.parse().ok()).expect("the name ends in a number");
                attempt(bench, image, i, draw, bytes)
            },
        );
        println!("{name}, every {what}: {tally:?}");
    }
}

#[test]
fn every_truncation() {
    each(
        "length",
        |image| image.len(),
        |bench, image, length, draw, bytes| {
            image[..length].clone_into(bytes);
            let Outcome::Refused(error) = bench.attempt(bytes, draw) else { panic!("a cut image was accepted") };
            // The first 64 bytes say how long the rest is.
            assert_eq!((error.defect, error.place), (Defect::Truncated, Place::Header));
            repair_cut(bytes);
            let cut = describe(&bench.attempt(bytes, draw));
            repair_in_place(bytes);
            format!("{cut}; figures repaired: {}", describe(&bench.attempt(bytes, draw)))
        },
    );
}

#[test]
fn every_bit_flipped() {
    each(
        "bit",
        |image| 8 * image.len(),
        |bench, image, bit, draw, bytes| {
            image.clone_into(bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Outcome::Refused(_) = bench.attempt(bytes, draw) else { panic!("a flipped bit was not noticed") };
            seal(bytes);
            let sealed = bench.attempt(bytes, draw);
            let figures = matches!(&sealed, Outcome::Refused(error) if matches!(error.defect, Defect::Features | Defect::Arena | Defect::Cost));
            if !figures {
                return format!("checksum repaired: {}", describe(&sealed));
            }
            repair_in_place(bytes);
            format!("checksum and figures repaired: {}", describe(&bench.attempt(bytes, draw)))
        },
    );
}
