//! The layers against their definition, and the gradients against differences.

use super::*;
use crate::seed::Purpose;

/// A layer of 32 gates of which gate `g` has id `g % 16`, on two words of input.
fn all_ids(form: GateForm) -> Gates {
    let logit = |on: bool| if on { 1.0 } else { -1.0 };
    let (rows, columns): (Vec<f32>, usize) = match form {
        GateForm::Softmax => ((0..32).flat_map(|g| (0..16).map(move |id| logit(g % 16 == id))).collect(), 16),
        GateForm::Table => ((0..32).flat_map(|g| [8, 4, 2, 1].map(|row| logit((g % 16) & row != 0))).collect(), 4),
    };
    let operand = |word| Operand { source: vec![word], rot: vec![0], candidates: 1 };
    let wiring = Wiring { lanes: 32, a: operand(0), b: operand(1) };
    let bits = [&wiring.a, &wiring.b].map(|operand| Arc::new(operand.bits(32)));
    let logits = Param::from_tensor(tensor(rows, [32, columns], &Device::flex()));
    let layers = vec![Layer { logits, a: None, b: None, wiring, bits }];
    Gates { layers, features: (0..64).collect(), thresholds: vec![0.5; 64], classes: 32, tau: 1.0 }
}

#[test]
fn a_gate_id_is_its_truth_table() {
    for form in [GateForm::Softmax, GateForm::Table] {
        let gates = all_ids(form);
        assert_eq!(gates.layers[0].gate_ids().expect("read"), (0..32).map(|g| g % 16).collect::<Vec<u8>>());
        for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let bits = [vec![a as f32; 32], vec![b as f32; 32]].concat();
            let pass = gates.pass(tensor(bits, [1, 64], &Device::flex()), Decisions::Hard, None).expect("passes");
            let want: Vec<f32> = (0..32).map(|g| (((g % 16) >> (3 - (2 * a + b))) & 1) as f32).collect();
            assert_eq!(read(pass.scores).expect("read"), want, "{form:?} of {a}, {b}");
        }
    }
}

const SHAPES: [&str; 4] = [
    "gate = \"table\"\nlayers = [64, 32]",
    "gate = \"softmax\"\nlayers = [64, 32]\ncandidates = 3",
    "gate = \"table\"\nlayers = [40, 20]\nwiring = \"random\"\ncandidates = 2",
    "gate = \"softmax\"\nlayers = [64, 32]\nlocal_width = 8",
];

/// A network on 32 features, and 40 rows of them: more than a block.
fn network(text: &str, device: &Device) -> (Gates, Tensor<2>) {
    let rest = "thresholds = [0.3, 0.6]\ntau = 3.0\nresidual = 0.5\nnoise = 1.0";
    let shape: GatesShape = toml::from_str(&format!("{text}\n{rest}")).expect("a shape");
    let input = Input { scale: 1.0, zero_point: 0.0, min: 0, max: 1 };
    let stream = |purpose| Stream::new(9, purpose);
    let (mut wiring, mut weights) = (stream(Purpose::Wiring), stream(Purpose::Weights));
    let streams = Streams { wiring: &mut wiring, weights: &mut weights };
    let gates = Gates::new(&shape, &input, &[vec![0.3; 32], vec![0.6; 32]], 2, streams, device);
    let mut draw = stream(Purpose::Shuffle);
    let x = tensor((0..40 * 32).map(|_| draw.unit()).collect(), [40, 32], device);
    (gates, x)
}

/// A smooth loss of the scores.
fn loss(scores: Tensor<2>) -> Tensor<1> {
    let [rows, classes] = scores.dims();
    let weights = (0..rows * classes).map(|at| ((at * 7 + 3) % 11) as f32 - 5.0).collect();
    let weights = tensor(weights, [rows, classes], &scores.device());
    (scores.clone() * scores * weights).mean()
}

#[test]
fn gradients_are_what_differences_say() {
    let device = Device::flex().autodiff();
    for text in SHAPES {
        let (gates, x) = network(text, &device);
        let mut pass = gates.pass(x.clone(), Decisions::Soft, None).expect("passes");
        let tape = pass.tape.take().expect("gates have a tape");
        let value = loss(pass.scores.clone());
        let scores = pass.scores.grad(&value.backward()).expect("scores are tracked");
        let gradients = tape.surrogate(scores).expect("differentiated").backward();
        for depth in 0..gates.layers.len() {
            let layer = &gates.layers[depth];
            for (name, param) in [("logits", Some(&layer.logits)), ("a", layer.a.as_ref()), ("b", layer.b.as_ref())] {
                let Some(param) = param else { continue };
                let have = read(param.val().grad(&gradients).expect("a gradient")).expect("read");
                let dims = param.val().dims();
                for at in (0..have.len()).step_by((have.len() / 7).max(1)) {
                    let moved = |step: f32| {
                        let mut values = read(param.val()).expect("read");
                        values[at] += step;
                        let mut gates = gates.clone();
                        let param = Param::from_tensor(tensor(values, dims, &device));
                        match name {
                            "logits" => gates.layers[depth].logits = param,
                            "a" => gates.layers[depth].a = Some(param),
                            _ => gates.layers[depth].b = Some(param),
                        }
                        let pass = gates.pass(x.clone(), Decisions::Soft, None).expect("passes");
                        read(loss(pass.scores)).expect("read")[0]
                    };
                    let want = (moved(0.05) - moved(-0.05)) / 0.1;
                    let error = (have[at] - want).abs();
                    assert!(error < 2e-3 + 0.02 * want.abs(), "{text}, layer {depth} {name} {at}: {} {want}", have[at]);
                }
            }
        }
    }
}

#[test]
fn a_hard_pass_counts_whole_bits_and_noise_changes_what_is_picked() {
    for text in SHAPES {
        let (gates, x) = network(text, &Device::flex());
        let counts = |noise: Option<&mut Stream>| {
            let pass = gates.pass(x.clone(), Decisions::Hard, noise).expect("passes");
            read(pass.scores.mul_scalar(3.0)).expect("read")
        };
        let plain = counts(None);
        assert!(plain.iter().all(|count| (count - count.round()).abs() < 1e-4), "{plain:?}");
        assert_ne!(plain, counts(Some(&mut Stream::new(1, Purpose::Noise))), "{text}");
    }
}

#[test]
fn padding_is_never_read_as_one() {
    let shape = "gate = \"table\"\nlayers = [320, 160]\nlocal_width = 5\nthresholds = [0.5]\ntau = 1.0\nresidual = 1.0\n\
                 noise = 0.0";
    let shape: GatesShape = toml::from_str(shape).expect("a shape");
    let input = Input { scale: 1.0, zero_point: 0.0, min: 0, max: 1 };
    // Five columns of eight bits a row: six rows are 48 bits, two words.
    let (features, thresholds) = input_bits(&shape, &input, &[vec![0.5; 30]]);
    assert_eq!((features.len(), thresholds.len()), (64, 64));
    assert_eq!(thresholds.iter().filter(|&&threshold| threshold < 1.0).count(), 30);
    assert_eq!(features[8..13], [5, 6, 7, 8, 9]);
    assert!(thresholds[5..8].iter().all(|&threshold| threshold > 1.0));
}
