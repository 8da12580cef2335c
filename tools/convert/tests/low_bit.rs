//! Dense layers with weights of four and of two bits, on networks trained here: what the image computes is the float network within the
//! error of the stored weights, whatever kernels it is laid out for, and what that does to the accuracy is measured.
//!
//! The digits are part of the repository. MNIST is not: `LEAFGATE_DATA`, or `../shared/data` beside the workspace; without it that test says that
//! it is skipped.

use leafgate_convert::accuracy::accuracy;
use leafgate_convert::data::{Samples, default_offset, load_csv, load_idx};
use leafgate_convert::host::{HostEngine, input_bytes};
use leafgate_convert::ir::InputSpec;
use leafgate_convert::quantize::weights::{WeightChoice, WeightFormat, WeightRule};
use leafgate_convert::{Conversion, ConvertError, Kernels, Options, Ranges, convert};

mod perceptron;
mod places;

use perceptron::Perceptron;

const DIGITS: InputSpec = InputSpec { len: 64, scale: 1.0 / 16.0, zero_point: 0.0, min: 0, max: 16 };

/// Odd and even samples: to train on, and to test with.
fn digits() -> [Samples; 2] {
    let all = load_csv(&places::workspace().join("models/zoo/digits.csv.gz"), &DIGITS, 0).unwrap();
    let labels = all.labels.unwrap();
    [1, 0].map(|part| Samples {
        inputs: all.inputs.iter().skip(part).step_by(2).cloned().collect(),
        labels: Some(labels.iter().skip(part).step_by(2).copied().collect()),
    })
}

fn options(weights: &str, kernels: Kernels) -> Options {
    let weights = weights.split(',').map(|rule| rule.parse::<WeightRule>().unwrap()).collect::<WeightChoice>();
    Options { weights, kernels, ..Options::default() }
}

/// Share of the test samples that the image classifies as they are labelled.
fn measure(net: &Perceptron, [train, test]: &[Samples; 2], options: &Options) -> (f64, f64, Conversion) {
    let calibration = &train.inputs[..train.len().min(2000)];
    let conversion = convert(net.graph(), Ranges::Samples(calibration), options).unwrap();
    let labels = test.labels.as_ref().unwrap();
    let result = accuracy(&conversion.graph, &conversion.image, &test.inputs, labels).unwrap();
    (result.float, result.integer, conversion)
}

/// Prints a table; what is lost must be within `limits`: by four bits, by three values, and by these where the network was trained for them.
fn compare(samples: &[Samples; 2], input: &InputSpec, hidden: usize, (epochs, rate): (usize, f32), limits: [f64; 3]) {
    let mut net = Perceptron::new(input, hidden, 10);
    net.train(&samples[0], epochs, rate, WeightFormat::W8);
    let (float, eight, whole) = measure(&net, samples, &Options::default());
    println!("| weights | image bytes | accuracy | rms error of `hidden` |\n|---|---|---|---|");
    println!("| float | | {:.2} % | |", 100.0 * float);
    let line = |what: &str, accuracy: f64, made: &Conversion| {
        let share = 100.0 * made.dense[0].rms_error / made.dense[0].rms;
        println!("| {what} | {} | {:.2} % | {share:.1} % |", made.image.len(), 100.0 * accuracy);
    };
    line("w8", eight, &whole);
    let mut aware = net.clone();
    // A step of 64 samples at a time.
    aware.train(&samples[0], epochs, rate / 16.0, WeightFormat::T2);
    aware.train(&samples[0], epochs, rate / 64.0, WeightFormat::T2);
    let cases = [
        (WeightFormat::W4, "w4", &net, limits[0]),
        (WeightFormat::W4Groups, "w4g32", &net, limits[0]),
        (WeightFormat::T2, "t2", &net, limits[1]),
        (WeightFormat::T2Groups, "t2g32", &net, limits[1]),
        (WeightFormat::T2, "t2, trained for it", &aware, limits[2]),
    ];
    for (format, what, net, most) in cases {
        let (_, low, conversion) = measure(net, samples, &options(format.name(), Kernels::Portable));
        line(what, low, &conversion);
        assert!(conversion.image.len() < whole.image.len(), "{what}");
        assert!(low >= float - most, "{what}: {low}, float {float}");
    }
}

#[test]
fn a_network_of_few_bits_reads_digits() {
    compare(&digits(), &DIGITS, 32, (30, 0.05), [0.02, 0.3, 0.04]);
}

const MNIST: InputSpec = InputSpec { len: 784, scale: 1.0 / 255.0, zero_point: -128.0, min: -128, max: 127 };

#[test]
fn a_network_of_few_bits_reads_mnist() {
    let Some(data) = places::data("mnist", "a_network_of_few_bits_reads_mnist") else { return };
    let load = |part: &str| {
        let file = |kind: &str| data.join(format!("mnist/{part}-{kind}-ubyte.gz"));
        let offset = default_offset(&MNIST);
        load_idx(&file("images-idx3"), Some(&file("labels-idx1")), &MNIST, offset).unwrap()
    };
    let mut samples = [load("train"), load("t10k")];
    samples[0].truncate(15_000);
    compare(&samples, &MNIST, 64, (3, 0.02), [0.01, 0.3, 0.03]);
}

/// The scores differ from those of the float network by what the stored weights differ, and the rounding of activations.
#[test]
fn scores_are_those_of_the_stored_weights() {
    let samples = digits();
    let mut net = Perceptron::new(&DIGITS, 24, 10);
    net.train(&samples[0], 10, 0.05, WeightFormat::W8);
    for format in ["w8", "w4", "w4g32", "t2", "w4,head=w8", "w8,hidden=t2", "t2g32,head=w4g32"] {
        // The same integers for all kernels.
        let outputs = Kernels::NAMES.map(|(_, kernels)| {
            let (_, _, conversion) = measure(&net, &samples, &options(format, kernels));
            let mut engine = HostEngine::new(&conversion.image).unwrap();
            let run = |input: &Vec<i8>| engine.run_one(input_bytes(input)).unwrap().values;
            samples[1].inputs.iter().take(50).map(run).collect::<Vec<_>>()
        });
        assert!(outputs.iter().all(|other| *other == outputs[0]), "{format}");
    }
}

#[test]
fn a_layer_that_is_not_there_is_refused() {
    let net = Perceptron::new(&DIGITS, 4, 10);
    let error = convert(net.graph(), Ranges::Random, &options("w4,haed=w8", Kernels::Portable)).unwrap_err();
    let ConvertError::Range { have, want, .. } = error else { panic!("{error}") };
    assert_eq!((have.as_str(), want.as_str()), ("`haed`", "hidden, head"));
}
