//! The worked example of `docs/image-format.md` is an image: the bytes printed there run, and are what the writer writes.

use leafgate_convert::host::{HostEngine, input_bytes};
use leafgate_convert::pack::{Extras, pack};
use leafgate_convert::plan::plan;
use leafgate_convert::quantize::integer::{Dtype, IntGraph, IntOp, IntTensor, TensorId};
use leafgate_convert::reference::{Crc, read, run_bytes};

/// Bytes of the lines `offset: hex | text` in the document's example.
fn documented() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/image-format.md");
    let document = std::fs::read_to_string(path).unwrap();
    let block = document.split("```hex\n").nth(1).expect("the document has an example").split("```").next().unwrap();
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (offset, rest) = line.split_once(": ").unwrap();
        assert_eq!(usize::from_str_radix(offset, 16).unwrap(), bytes.len(), "{line}");
        let hex = rest.split('|').next().unwrap();
        bytes.extend(hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

/// Two outputs, `y = W x + b` with W = [[1, 2], [-3, 4]] and b = [5, 0], and the class of the larger.
fn written() -> Vec<u8> {
    let mut graph = IntGraph::default();
    let mut tensor = |dtype, cols, scale| {
        graph.add(IntTensor { name: String::new(), dtype, cols, scale, zero_point: 0.0, lo: -128, hi: 127 })
    };
    let (input, output, classes) = (tensor(Dtype::I8, 2, 0.5), tensor(Dtype::I32, 2, 0.25), tensor(Dtype::I32, 1, 1.0));
    assert_eq!((input, output), (TensorId(0), TensorId(1)));
    let (weights, bias) = (vec![1, 2, -3, 4], vec![5, 0]);
    graph.ops.push((
        String::new(),
        IntOp::Linear { input, output, weights, bias, rq: Vec::new(), prepared: None, low_bit: None },
    ));
    graph.ops.push((String::new(), IntOp::Readout { input: output, output: Some(classes), kind: 1, k: 1 }));
    pack(&graph, &plan(&graph).unwrap(), &Extras::default()).unwrap()
}

#[test]
fn the_documented_bytes_are_the_written_ones() {
    let bytes = written();
    let dump: String = bytes
        .chunks(16)
        .enumerate()
        .map(|(i, line)| {
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{:04x}: {}\n", 16 * i, hex.join(" "))
        })
        .collect();
    assert_eq!(documented(), bytes, "the example should be:\n{dump}");
}

#[test]
fn the_documented_bytes_run() {
    let image = documented();
    let input = input_bytes(&[3, -1]).to_vec();
    let output = HostEngine::new(&image).unwrap().run_one(&input).unwrap();
    assert_eq!((output.values.as_slice(), output.class()), ([6, -13].as_slice(), Some(0)));
    let judge = read(&image, Crc::Check).unwrap();
    assert_eq!(run_bytes(&judge, &input).unwrap().values, [6, -13]);
}
