//! Samples on every core, in blocks or not, give what they give one by one.

mod places;

use leafgate::{InputError, InputShape};
use leafgate_convert::host::{HostEngine, HostError, HostOutput};

/// What looks random, of so many bytes.
fn inputs(count: usize, bytes: usize) -> Vec<Vec<u8>> {
    let byte = |i: usize| (i.wrapping_mul(0x9E37_79B9) >> 13) as u8 % 17;
    (0..count).map(|s| (0..bytes).map(|i| byte(s * bytes + i)).collect()).collect()
}

#[test]
fn every_core_gives_the_same_outputs_in_order() {
    for name in ["digits-fff", "digits-gates", "digits-moe"] {
        let path = places::workspace().join(format!("models/zoo/{name}/{name}.leaf"));
        let mut engine = HostEngine::new(&std::fs::read(path).unwrap()).unwrap();
        let inputs = inputs(1300, 64);
        let want: Vec<HostOutput> = inputs.iter().map(|input| engine.run_one(input).unwrap()).collect();
        // Networks of gates run in blocks from a number of samples on, and the last block need not be full.
        for count in [0, 1, 33, 255, 256, 512, 513, 1300] {
            let mut have = Vec::new();
            let mut each = |i: usize, output: HostOutput| {
                assert_eq!(i, have.len());
                have.push(output);
            };
            engine.run(&inputs[..count], &mut each).unwrap();
            assert_eq!(have, want[..count], "{name}, {count} samples");
        }
    }
}

#[test]
fn nothing_runs_if_an_input_is_refused() {
    let path = places::workspace().join("models/zoo/digits-gates/digits-gates.leaf");
    let engine = HostEngine::new(&std::fs::read(path).unwrap()).unwrap();
    let mut inputs = inputs(600, 64);
    inputs[599].pop();
    let refused = engine.run(&inputs, |i, _| panic!("input {i} has run"));
    let (want, have) = (InputShape::I8(64), InputShape::Bytes(63));
    assert_eq!(refused, Err(HostError::Input(InputError { want, have })));
}
