//! TensorFlow Lite files (`.tflite`): multilayer perceptrons in 8-bit integers or in real numbers.
//!
//! A file quantised to signed bytes keeps its own integers: weights, biases, scales and zero points become those of the image, so that
//! accumulators are equal and outputs differ by a rounding at most ([`integer`]). The graph in real numbers is made of any file
//! ([`float`]); of a quantised one it is what its integers mean, to compare with.

mod chain;
mod file;
mod float;
mod integer;
mod operators;
/// Made from `schema/tflite.fbs` by `planus rust -o src/import/tflite/schema.rs schema/tflite.fbs` (planus-cli 1.3).
#[allow(clippy::all, dead_code, missing_docs, unused_imports)]
mod schema;

use std::path::Path;

use super::{ImportOptions, Imported, refuse_state_dict_options, unreadable};
use crate::error::ConvertError;
use chain::Chain;
use file::{File, Operator};

/// A file larger than this is no model for a microcontroller.
const MAX_BYTES: usize = 1 << 26;

/// Makes the graph of a file, and the integer graph of a quantised one.
pub(super) fn read(bytes: &[u8], path: &Path, options: &ImportOptions) -> Result<Imported, ConvertError> {
    if bytes.len() > MAX_BYTES {
        return Err(ConvertError::TooLarge {
            place: path.display().to_string(),
            what: "the file, in bytes".into(),
            want: MAX_BYTES as u64,
            have: bytes.len() as u64,
        });
    }
    let file = file::read(bytes).map_err(|why| unreadable(path, &why))?;
    let chain = Chain::of(&file)?;
    if chain.is_quantised && (options.input.is_some() || options.activation.is_some()) {
        refuse_state_dict_options(options)?;
    }
    let mut assumptions = Vec::new();
    let graph = float::read(&file, &chain, path, options, &mut assumptions)?;
    let integer = if chain.is_quantised { Some(integer::read(&file, &chain)?) } else { None };
    let listing = file.operators.iter().map(|operator| describe(&file, operator)).collect();
    Ok(Imported { graph, integer, listing, assumptions })
}

/// An operator with the shapes of its operands, in a line.
fn describe(file: &File<'_>, operator: &Operator) -> String {
    let inputs: Vec<String> = operator.inputs.iter().flatten().map(|&id| file.tensors[id].to_string()).collect();
    let outputs: Vec<String> = operator.outputs.iter().map(|&id| file.tensors[id].to_string()).collect();
    format!("{} {} -> {}", operator.name, inputs.join(" "), outputs.join(" "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::schema::tflite::{Buffer, FusedOptions, Model, Operator, OperatorCode, SubGraph, Tensor};
    use crate::import::{ImportOptions, parse};

    /// A thousand layers in a row whose weights are tensors of their own, but of the same bytes.
    #[test]
    fn layers_that_share_their_bytes_are_bounded() {
        let cols = 256;
        let tensor = |rows: i32, buffer| Tensor { shape: Some(vec![rows, cols]), buffer, ..Tensor::default() };
        let layers = 1000;
        let vectors = (0..=layers).map(|_| tensor(1, 0));
        let tensors = vectors.chain((0..layers).map(|_| tensor(cols, 1))).collect();
        let operator = |i: i32| Operator {
            inputs: Some(vec![i, layers + 1 + i]),
            outputs: Some(vec![i + 1]),
            options_type: 8,
            options: Some(Box::new(FusedOptions::default())),
            ..Operator::default()
        };
        let graph = SubGraph {
            tensors: Some(tensors),
            inputs: Some(vec![0]),
            outputs: Some(vec![layers]),
            operators: Some((0..layers).map(operator).collect()),
        };
        let data = vec![0; (4 * cols * cols) as usize];
        let model = Model {
            version: 3,
            operator_codes: Some(vec![OperatorCode { short_code: 9, code: 9, ..OperatorCode::default() }]),
            subgraphs: Some(vec![graph]),
            buffers: Some(vec![Buffer::default(), Buffer { data: Some(data), offset: 0 }]),
            ..Model::default()
        };
        let file = planus::Builder::new().finish(&model, Some(*b"TFL3")).to_vec();
        let error = parse(&file, Path::new("shared.tflite"), &ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains("no more elements than the file has bytes"), "{error}");
    }
}
