//! ONNX files (`.onnx`): multilayer perceptrons and routed experts, in real numbers or quantised with QuantizeLinear and DequantizeLinear.
//!
//! The float graph is made of any file ([`float`]). One that is quantised throughout keeps its own integers: weights, biases, scales and zero
//! points become those of the image ([`integer`]).
//!
//! The file is protobuf; [`wire`] bounds what decoding may take before it is done. What a network keeps in other files is read from the model's own folder
//! only ([`external`]).

mod arithmetic;
mod chain;
mod constant;
mod curve;
mod experts;
mod external;
mod file;
mod float;
mod integer;
mod node;
mod quantised;
/// Made from `schema/onnx.proto` by `protoc --prost_out=src/import/onnx --prost_opt=bytes=. schema/onnx.proto` (protoc-gen-prost of
/// prost 0.14; the output is renamed to `schema.rs`).
#[allow(clippy::all, missing_docs)]
mod schema;
mod shape;
mod view;
mod walk;
mod wire;

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{ImportOptions, Imported, refuse_state_dict_options, unreadable};
use crate::error::ConvertError;
use external::Folder;
use file::Refusal;

/// A file larger than this is no model for a microcontroller.
const MAX_BYTES: usize = 1 << 26;

/// Makes the graph of a file, and the integer graph of a quantised one. `place` is where the file was read from, if it was.
pub(super) fn read(
    bytes: &[u8],
    path: &Path,
    place: Option<&Path>,
    options: &ImportOptions,
) -> Result<Imported, ConvertError> {
    if bytes.len() > MAX_BYTES {
        return Err(ConvertError::TooLarge {
            place: path.display().to_string(),
            what: "the file, in bytes".into(),
            want: MAX_BYTES as u64,
            have: bytes.len() as u64,
        });
    }
    let mut folder = Folder::of(place);
    let mut file = file::read(bytes, &mut folder).map_err(|refusal| match refusal {
        Refusal::Damaged(why) => unreadable(path, &why),
        Refusal::Said(error) => error,
    })?;
    let (mut chain, listing) = walk::walk(&mut file, &mut folder)?;
    let mut assumptions = std::mem::take(&mut chain.notes);
    let is_given = chain.states_input();
    if is_given && (options.input.is_some() || options.activation.is_some()) {
        refuse_state_dict_options(options)?;
    }
    let mut integer = None;
    if chain.has_steps() {
        match integer::read(&chain)? {
            Ok(graph) => integer = Some(graph),
            Err(why) => assumptions.push(format!(
                "the file is quantised in part ({why}): its weights are kept, and activations are quantised anew, from samples"
            )),
        }
    }
    let mut graph = float::read(&chain, path, options, &mut assumptions)?;
    if let Some(outside) = folder.digest() {
        // What stands in other files belongs to the source.
        let digest = Sha256::new().chain_update(bytes).chain_update(outside).finalize();
        graph.source_sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    }
    Ok(Imported { graph, integer, listing, assumptions })
}
