//! Long work says how far it has come: every stage from none to all of its samples, one by one.

mod places;

use leafgate_convert::accuracy::{accuracy, accuracy_with};
use leafgate_convert::import::{ImportOptions, import};
use leafgate_convert::{Options, Ranges, Stage, convert, convert_with};
use places::workspace;

/// The stages in order, each with its number of samples.
fn stages(steps: &[(Stage, usize, usize)]) -> Vec<(Stage, usize)> {
    let mut stages = Vec::new();
    let mut steps = steps.iter().peekable();
    while let Some(&(stage, first, total)) = steps.next() {
        assert_eq!(first, 0, "{stage:?} begins with none done");
        for want in 1..=total {
            assert_eq!(steps.next(), Some(&(stage, want, total)));
        }
        stages.push((stage, total));
    }
    stages
}

#[test]
fn every_stage_counts_its_samples() {
    let weights = workspace().join("models/zoo/digits-fff/weights.safetensors");
    let graph = import(&weights, &ImportOptions::default()).unwrap();
    let samples: Vec<Vec<i8>> = (0..20).map(|i| vec![(i % 16) as i8; 64]).collect();
    let labels: Vec<u32> = (0..20).map(|i| i % 10).collect();
    let options = Options { golden_vectors: 3, ..Options::default() };
    let ranges = Ranges::Samples(&samples);

    let mut steps = Vec::new();
    let mut note = |stage, done, total| steps.push((stage, done, total));
    let conversion = convert_with(graph.clone(), ranges, &options, &mut note).unwrap();
    let accurate = accuracy_with(&conversion.graph, &conversion.image, &samples, &labels, &mut note).unwrap();
    let want = [(Stage::Calibration, 20), (Stage::Golden, 3), (Stage::Check, 3 + 256), (Stage::Accuracy, 20)];
    assert_eq!(stages(&steps), want);

    // Being watched changes nothing.
    let unwatched = convert(graph, ranges, &options).unwrap();
    assert_eq!(unwatched.image, conversion.image);
    assert_eq!(accuracy(&unwatched.graph, &unwatched.image, &samples, &labels).unwrap(), accurate);
}
