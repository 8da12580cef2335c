//! `check` finds an engine that is wrong: every planted error makes it report a difference, and the engine as it is passes.
//!
//! Errors are planted in the source of a copy, one or more in every op and kernel, each behind a switch that is read at run time, so that
//! one build serves all. A text that is no longer found fails the test: an error that is not planted proves nothing.

mod copy;
mod errors;

use std::collections::BTreeMap;
use std::process::Command;

use errors::ERRORS;
use leafgate_tests_laws::samples::small;

#[test]
fn check_finds_every_planted_error() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted-images");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let samples = small();
    let paths = samples.iter().map(|sample| {
        let path = folder.join(format!("{}.leaf", sample.name));
        std::fs::write(&path, &sample.image).expect("the image can be written");
        path
    });
    let paths: Vec<_> = paths.collect();
    let output = Command::new(copy::build()).arg(ERRORS.len().to_string()).args(&paths).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let said = String::from_utf8_lossy(&output.stdout);
    for line in said.lines() {
        let [number, path, code, why] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let number: usize = number.parse().expect("a number");
        let name = path.rsplit('/').next().unwrap_or(path);
        assert!(number > 0 || code == "passed", "the engine as it is does not pass on {name}: {code} {why}");
        // Only a difference of values counts: a planted error is not to be refused for another reason.
        assert!(code == "passed" || code == "E0305", "{name}: {code} {why}");
        if code != "passed" {
            found.entry(number).or_default().push(format!("{name}: {why}"));
        }
    }
    let mut missed = Vec::new();
    for (i, error) in ERRORS.iter().enumerate() {
        match found.get(&(i + 1)) {
            Some(images) => println!("{:<45} found on {:>2} of {} images", error.name, images.len(), paths.len()),
            None => missed.push(error.name),
        }
    }
    assert!(missed.is_empty(), "not found by `check`: {missed:?}");
    println!("{} planted errors, all found", ERRORS.len());
}
