//! The published checkpoints in integers: on the full test set they lose at most 0.3 points against the float reference,
//! engine and independent reference agree in every value, and converting twice gives the same bytes.
//!
//! Ranges are calibrated on training images. Without the data folder the test says that it is skipped.

use std::path::{Path, PathBuf};

use leafgate_convert::accuracy::accuracy;
use leafgate_convert::check::check;
use leafgate_convert::data::{Samples, default_offset, load_idx};
use leafgate_convert::host::input_bytes;
use leafgate_convert::import::{ImportOptions, import};
use leafgate_convert::ir::Graph;
use leafgate_convert::{Options, Ranges, convert};

mod places;

const CALIBRATION_SAMPLES: usize = 2000;

fn load(data: &Path, name: &str, part: &str, graph: &Graph) -> Samples {
    let folder = data.join(if name.starts_with("fashion") { "fashion_mnist" } else { "mnist" });
    let file = |kind: &str| folder.join(format!("{part}-{kind}-ubyte.gz"));
    let (images, labels) = (file("images-idx3"), file("labels-idx1"));
    load_idx(&images, Some(&labels), &graph.input, default_offset(&graph.input)).unwrap()
}

#[test]
fn checkpoints_lose_little_in_integers() {
    let Some(data) = places::data("fff_checkpoints", "checkpoints_lose_little_in_integers") else { return };
    let mut names: Vec<PathBuf> = std::fs::read_dir(data.join("fff_checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pt"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 6);
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let graph = import(&path, &ImportOptions::default()).unwrap();
        let mut calibration = load(&data, &name, "train", &graph);
        calibration.truncate(CALIBRATION_SAMPLES);
        let options = Options::default();
        let conversion = convert(graph.clone(), Ranges::Samples(&calibration.inputs), &options).unwrap();
        let again = convert(graph, Ranges::Table(&conversion.calibration), &options).unwrap();
        assert_eq!(conversion.image, again.image, "{name}: not the same bytes from the saved calibration");

        let test = load(&data, &name, "t10k", &conversion.graph);
        let labels = test.labels.as_ref().unwrap();
        let result = accuracy(&conversion.graph, &conversion.image, &test.inputs, labels).unwrap();
        println!(
            "{name}: float {:.2} %, integer {:.2} %, agreement {:.2} %, leaf flips {:.2} %, {} bytes, arena {}",
            100.0 * result.float,
            100.0 * result.integer,
            100.0 * result.agreement,
            100.0 * result.route_flips.unwrap(),
            conversion.image.len(),
            conversion.plan.arena_bytes,
        );
        assert!(result.float - result.integer <= 0.003, "{name}: {result:?}");

        let samples: Vec<Vec<u8>> = test.inputs.iter().take(200).map(|input| input_bytes(input).to_vec()).collect();
        let report = check(&conversion.image, &samples, 50, 7).unwrap();
        assert_eq!((report.samples, report.golden_vectors), (200, options.golden_vectors));
        assert!(report.margin_bits.unwrap() >= 1, "{report:?}");
    }
}
