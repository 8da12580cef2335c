//! The corpus of the fuzz targets, through the same functions.
//!
//! `LEAFGATE_BLESS=1` adds the small images to it that are not there yet, and changes nothing else.

use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::fuzzing::{differential, graph, onnx, parse, parse_run};
use leafgate_tests_laws::samples::{small, workspace};
use leafgate_tests_laws::trial::Bench;

/// Together; a corpus is seed, not archive.
const MOST_BYTES: usize = 100_000;

#[test]
fn the_corpus_keeps_the_laws() {
    let folder = workspace().join("tests/fuzz/corpus");
    if std::env::var_os("LEAFGATE_BLESS").is_some() {
        for sample in small() {
            let path = folder.join(format!("{}.leaf", sample.name));
            if !path.exists() {
                std::fs::write(path, sample.image).expect("the corpus can be written");
            }
        }
    }
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("there is a corpus").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    assert!(paths.len() >= 14, "only {} files in {}", paths.len(), folder.display());
    let (mut bench, mut total) = (Bench::default(), 0);
    for path in paths {
        let bytes = std::fs::read(&path).expect("a file of the corpus can be read");
        println!("{}: {} bytes", path.display(), bytes.len());
        total += bytes.len();
        parse(&bytes);
        parse_run(&mut bench, &bytes);
        differential(&bytes);
        for length in 0..bytes.len().min(200) {
            parse(&bytes[..length]);
        }
    }
    assert!(total <= MOST_BYTES, "the corpus has {total} bytes, wanted at most {MOST_BYTES}");
}

/// Small networks of every family of operators, whole, cut off at each length, and with bytes changed at random.
#[test]
fn onnx_files_keep_the_laws() {
    let folder = workspace().join("tests/fuzz/corpus-onnx");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("there is a corpus").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    assert!(paths.len() >= 12, "only {} files in {}", paths.len(), folder.display());
    let mut draw = Draw::new(7);
    for path in paths {
        let bytes = std::fs::read(&path).expect("a file of the corpus can be read");
        onnx(&bytes);
        (0..bytes.len()).for_each(|length| onnx(&bytes[..length]));
        for _ in 0..2000 {
            let mut changed = bytes.clone();
            for _ in 0..=draw.below(3) {
                let at = draw.below(changed.len());
                changed[at] = draw.below(256) as u8;
            }
            onnx(&changed);
        }
    }
}

#[test]
fn the_corpus_of_model_files_is_imported_or_refused() {
    let folder = workspace().join("tests/fuzz/corpus-graph");
    let paths: Vec<_> =
        std::fs::read_dir(&folder).expect("there is a corpus").flatten().map(|entry| entry.path()).collect();
    assert!(paths.len() >= 3, "only {} files in {}", paths.len(), folder.display());
    for path in paths {
        let bytes = std::fs::read(&path).expect("a file of the corpus can be read");
        assert!(bytes.len() <= 10_000, "{} has {} bytes: a corpus is seed", path.display(), bytes.len());
        graph(&bytes);
        for length in 0..bytes.len() {
            graph(&bytes[..length]);
        }
    }
}
