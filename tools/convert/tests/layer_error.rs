//! The comparison layer by layer: its figures against those worked out here from the engine's outputs, and that it finds the layer at fault.

mod perceptron;
mod places;

use leafgate_convert::accuracy::{LARGEST, accuracy};
use leafgate_convert::data::load_csv;
use leafgate_convert::host::{HostEngine, input_bytes};
use leafgate_convert::import::{ImportOptions, import};
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::{Graph, InputSpec};
use leafgate_convert::layer_error::{LayerErrors, MAX_SAMPLES, layer_errors};
use leafgate_convert::quantize::calibrate::{Calibration, Interval};
use leafgate_convert::quantize::weights::{WeightChoice, WeightRule};
use leafgate_convert::{Conversion, Options, Ranges, convert};
use perceptron::Perceptron;
use places::workspace;

fn zoo(name: &str) -> Graph {
    import(&workspace().join("models/zoo").join(name).join("weights.safetensors"), &ImportOptions::default()).unwrap()
}

fn digits(input: &InputSpec) -> (Vec<Vec<i8>>, Vec<u32>) {
    let samples = load_csv(&workspace().join("models/zoo/digits.csv.gz"), input, 0).unwrap();
    (samples.inputs, samples.labels.unwrap())
}

/// Output of each sample by the engine, as real numbers, and by the float network.
fn outputs(conversion: &Conversion, inputs: &[Vec<i8>]) -> Vec<[Vec<f64>; 2]> {
    let mut engine = HostEngine::new(&conversion.image).unwrap();
    let name = &conversion.graph.value(conversion.graph.output).name;
    let tensor = conversion.integer.tensors.iter().find(|tensor| tensor.name == *name).unwrap();
    let real = |q: &i32| tensor.scale * (f64::from(*q) - tensor.zero_point);
    let pair = |input: &Vec<i8>| {
        let float = evaluate(&conversion.graph, input).scores.iter().map(|&score| f64::from(score)).collect();
        [engine.run_one(input_bytes(input)).unwrap().values.iter().map(real).collect(), float]
    };
    inputs.iter().map(pair).collect()
}

fn decibels(signal: f64, noise: f64) -> f64 {
    10.0 * (signal / noise).log10()
}

#[test]
fn the_last_layer_and_the_farthest_samples_are_those_of_the_engine() {
    for name in ["digits-fff", "digits-moe"] {
        let graph = zoo(name);
        let (inputs, labels) = digits(&graph.input);
        let conversion = convert(graph, Ranges::Samples(&inputs[..500]), &Options::default()).unwrap();
        let (inputs, labels) = (&inputs[..MAX_SAMPLES], &labels[..MAX_SAMPLES]);
        let pairs = outputs(&conversion, inputs);

        let errors = layer_errors(&conversion, inputs);
        assert_eq!((errors.samples, errors.layers.len()), (MAX_SAMPLES, conversion.graph.nodes.len()));
        let last = errors.layers.last().unwrap();
        let all = || pairs.iter().flat_map(|[image, float]| image.iter().zip(float));
        let (signal, noise) = all().fold((0.0, 0.0), |(signal, noise), (image, float)| {
            (signal + float * float, noise + (image - float).powi(2))
        });
        let peak = all().map(|(image, float)| (image - float).abs()).fold(0.0, f64::max);
        println!("{name}: {last:?}");
        assert_eq!(last.outputs, (10 * MAX_SAMPLES) as u64);
        assert!((last.snr_db.unwrap() - decibels(signal, noise)).abs() < 1e-6, "{last:?}");
        assert!((last.max_error - peak).abs() < 1e-9);
        assert!(last.snr_db.unwrap() > 20.0, "{last:?}");

        let result = accuracy(&conversion.graph, &conversion.image, inputs, labels).unwrap();
        let mut farthest: Vec<(f64, usize)> = (pairs.iter().enumerate())
            .map(|(i, [image, float])| {
                (image.iter().zip(float).map(|(image, float)| (image - float).abs()).fold(0.0, f64::max), i)
            })
            .collect();
        farthest.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        assert_eq!(result.largest.len(), LARGEST);
        for (have, (magnitude, sample)) in result.largest.iter().zip(farthest) {
            // The image holds its output's scale in single precision.
            assert_eq!((have.sample, have.label), (sample, Some(labels[sample])));
            assert!((have.magnitude() - magnitude).abs() < 1e-5 * (1.0 + have.float.abs()), "{have:?} {magnitude}");
        }
        assert_eq!(errors, layer_errors(&conversion, inputs), "whatever thread is first");
    }
}

fn perceptron() -> (Graph, Vec<Vec<i8>>) {
    let spec = InputSpec { len: 64, scale: 1.0 / 16.0, zero_point: 0.0, min: 0, max: 16 };
    let samples = load_csv(&workspace().join("models/zoo/digits.csv.gz"), &spec, 0).unwrap();
    let mut net = Perceptron::new(&spec, 32, 10);
    net.train(&samples, 2, 0.02, Default::default());
    (net.graph(), samples.inputs)
}

fn layers(errors: &LayerErrors) -> [&leafgate_convert::layer_error::LayerError; 2] {
    let [hidden, head] = &errors.layers[..] else { panic!("{errors:?}") };
    [hidden, head]
}

#[test]
fn the_layer_with_coarse_weights_is_found() {
    let (graph, inputs) = perceptron();
    for (rule, weakest) in [("hidden=t2", "hidden"), ("head=t2", "head")] {
        let weights: WeightChoice = [rule.parse::<WeightRule>().unwrap()].into_iter().collect();
        let conversion =
            convert(graph.clone(), Ranges::Samples(&inputs), &Options { weights, ..Options::default() }).unwrap();
        let errors = layer_errors(&conversion, &inputs);
        assert_eq!(errors.weakest().unwrap().layer, weakest);
        let [hidden, head] = layers(&errors);
        println!("{rule}: {hidden:?} {head:?}");
        // The first layer reads what the float network reads.
        assert!((hidden.snr_db.unwrap() - hidden.own_snr_db.unwrap()).abs() < 1e-9);
        assert_eq!((hidden.clipped, head.clipped), (0, 0), "calibrated on these very samples");
        let [coarse, fine] = if weakest == "hidden" { [hidden, head] } else { [head, hidden] };
        assert!(coarse.own_snr_db.unwrap() + 10.0 < fine.own_snr_db.unwrap());
        if weakest == "hidden" {
            assert!(head.snr_db.unwrap() + 10.0 < head.own_snr_db.unwrap(), "the noise is not its own");
        }
    }
}

#[test]
fn what_a_range_that_is_too_small_cuts_off_is_counted() {
    let (graph, inputs) = perceptron();
    let mut calibration = Calibration::run(&graph, &inputs).unwrap();
    let whole = calibration.values["hidden"];
    let limit = whole.max / 4.0;
    calibration.values.insert("hidden".into(), Interval { min: whole.min, max: limit });
    let conversion = convert(graph.clone(), Ranges::Table(&calibration), &Options::default()).unwrap();
    let few = &inputs[..100];
    let errors = layer_errors(&conversion, few);
    let [hidden, head] = layers(&errors);
    let tensor = conversion.integer.tensors.iter().find(|tensor| tensor.name == "hidden").unwrap();
    let beyond = tensor.scale * (127.5 - tensor.zero_point);
    assert!((beyond - f64::from(limit)).abs() < tensor.scale, "{beyond} {limit}");
    let above =
        few.iter().flat_map(|q| evaluate(&graph, q).values[1].clone()).filter(|&x| f64::from(x) > beyond).count();
    assert!(above > 0);
    assert_eq!(hidden.clipped, above as u64);
    assert!(hidden.at_hi >= hidden.clipped);
    // ReLU gives zero, the smallest value of its tensor, and cuts nothing off.
    let zeros = few.iter().flat_map(|q| evaluate(&graph, q).values[1].clone()).filter(|&x| x == 0.0).count() as u64;
    assert!(hidden.at_lo >= zeros / 2 && hidden.at_lo <= 2 * zeros, "{} {zeros}", hidden.at_lo);
    assert_eq!((head.clipped, head.at_lo, head.at_hi), (0, 0, 0), "sums of 32 bits have no such bounds");
    assert!(hidden.max_error > f64::from(whole.max - limit) / 2.0);
}

#[test]
fn gates_are_exact_and_more_samples_than_needed_are_spread() {
    let graph = zoo("digits-gates");
    let (inputs, _) = digits(&graph.input);
    assert!(inputs.len() > MAX_SAMPLES);
    let conversion = convert(graph, Ranges::Random, &Options::default()).unwrap();
    let errors = layer_errors(&conversion, &inputs);
    assert_eq!(errors.samples, MAX_SAMPLES);
    let [bits, sums] = &errors.layers[..] else { panic!("thresholds and sums: {errors:?}") };
    assert_eq!(bits.bits_differ, Some(0));
    assert_eq!((sums.bits_differ, sums.snr_db, sums.max_error), (None, None, 0.0), "{sums:?}");
    assert_eq!(errors.weakest(), None);
    // The last sample taken is near the end, not the thousandth.
    let spread: Vec<Vec<i8>> = (0..MAX_SAMPLES).map(|i| inputs[i * inputs.len() / MAX_SAMPLES].clone()).collect();
    assert_eq!(layer_errors(&conversion, &spread), errors);
    assert_eq!(layer_errors(&conversion, &[]).samples, 0);
}
