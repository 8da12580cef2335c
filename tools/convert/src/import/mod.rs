//! Readers of model files.
//!
//! [`open`] recognises a file by its content, never by its name, and makes the float graph of [`crate::ir`]. Three doors
//! lead in: a safetensors file that describes its network (`docs/graph-format.md`), the bare state dict of a fast
//! feedforward network, as PyTorch or safetensors saves it, and a TensorFlow Lite file. A file of any other kind is refused by name.
//!
//! A file is untrusted: every size is checked before it is used, nothing in it is executed, and damaged bytes are an error, never a panic.

mod dict;
mod ffn;
mod graph_file;
mod layers;
mod recognise;
mod table;
mod tensors;
mod tflite;
mod torch;

pub(crate) use ffn::gate_word;
pub(crate) use graph_file::activation_word;

use crate::error::ConvertError;
use crate::ir::{Activation, Graph, InputSpec};
use crate::quantize::integer::IntGraph;
use recognise::Kind;
use sha2::{Digest, Sha256};
use std::path::Path;
use tensors::Tensors;

/// A file larger than this is no model for a microcontroller; it is refused before it is read.
pub const MAX_FILE_BYTES: u64 = 1 << 31;

/// What a file may leave unsaid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// Name of the network; otherwise the file's own, or its file name.
    pub name: Option<String>,
    /// Names of the outputs; otherwise the file's own. Their number must be that of the outputs.
    pub labels: Option<Vec<String>>,
    /// Of the hidden neurons of a state dict, which does not say it; [`Activation::Relu`] if not given. A graph file says
    /// it itself and refuses it here.
    pub activation: Option<Activation>,
    /// Input of a state dict; otherwise pixels 0 to 255 on -1 to 1, `q = p - 128`. A graph file says it itself and refuses it here.
    pub input: Option<InputSpec>,
    /// Leave out the output bias of the leaves of a state dict, as `eval_forward` of the `fastfeedforward` package 0.2.1
    /// does by mistake; training and every other version add it. Only for comparing with that version.
    pub match_eval_0_2_1: bool,
}

/// A graph and what had to be assumed to make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The network.
    pub graph: Graph,
    /// The network in the integers of a file that is quantised itself; it is converted as it stands, and needs no samples.
    pub integer: Option<IntGraph>,
    /// The operators of the file, a line each, where it is a graph of some framework's operators.
    pub listing: Vec<String>,
    /// One sentence for each thing that the file does not say and no option did.
    pub assumptions: Vec<String>,
}

/// Reads a model file; [`open`] without the assumptions.
///
/// # Errors
/// As [`open`].
pub fn import(path: &Path, options: &ImportOptions) -> Result<Graph, ConvertError> {
    open(path, options).map(|imported| imported.graph)
}

/// Reads a model file of any known kind.
///
/// # Errors
/// If the file cannot be read, is of another kind or damaged, or describes no network that can be converted: a tensor is missing, unused,
/// of the wrong shape or not finite, a word is unknown, a figure out of its bounds.
pub fn open(path: &Path, options: &ImportOptions) -> Result<Imported, ConvertError> {
    let io = |source| ConvertError::Io { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(unreadable(path, "not a regular file"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(ConvertError::TooLarge {
            place: path.display().to_string(),
            what: "the file, in bytes".into(),
            want: MAX_FILE_BYTES,
            have: metadata.len(),
        });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    parse(&bytes, path, options)
}

/// As [`open`], of bytes that are already in memory; `path` names the network and the place of errors, and is not read.
///
/// # Errors
/// As [`open`].
pub fn parse(bytes: &[u8], path: &Path, options: &ImportOptions) -> Result<Imported, ConvertError> {
    let mut imported = match recognise::kind(bytes) {
        Kind::Safetensors => {
            let (tensors, description) = Tensors::from_safetensors(bytes).map_err(|why| unreadable(path, &why))?;
            match description {
                Some(text) => {
                    refuse_state_dict_options(options)?;
                    let graph = graph_file::read(&text, tensors, path)?;
                    Imported { graph, integer: None, listing: Vec::new(), assumptions: Vec::new() }
                }
                None => dict::read(tensors, path, options)?,
            }
        }
        Kind::Zip => {
            let tensors = torch::read(bytes).map_err(|why| unreadable(path, &why))?;
            dict::read(tensors, path, options)?
        }
        Kind::TfLite => tflite::read(bytes, path, options)?,
        Kind::Other(what) => {
            return Err(unreadable(
                path,
                &format!(
                    "{what} cannot be imported; what can: a .safetensors file with a `leafgate.graph` description, the state \
                     dict of a fast feedforward network as .safetensors or .pt, and a .tflite file of dense layers"
                ),
            ));
        }
    };
    let graph = &mut imported.graph;
    graph.source_sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(name) = &options.name {
        graph.name.clone_from(name);
    }
    if let Some(labels) = &options.labels {
        graph.labels.clone_from(labels);
    }
    check_labels(graph)?;
    Ok(imported)
}

fn refuse_state_dict_options(options: &ImportOptions) -> Result<(), ConvertError> {
    let given = [
        ("input", options.input.is_some()),
        ("activation", options.activation.is_some()),
        ("match_eval_0_2_1", options.match_eval_0_2_1),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((what, _)) => Err(ConvertError::Range {
            place: "import options".into(),
            what: (*what).into(),
            want: "nothing: the file describes its network itself".into(),
            have: "given".into(),
        }),
    }
}

/// A label is at most 255 bytes of UTF-8 in the image.
fn check_labels(graph: &Graph) -> Result<(), ConvertError> {
    let outputs = graph.value(graph.output).len;
    if !graph.labels.is_empty() && graph.labels.len() != outputs {
        return Err(ConvertError::Range {
            place: "labels".into(),
            what: "the number of labels".into(),
            want: format!("{outputs}, one per output, or none"),
            have: graph.labels.len().to_string(),
        });
    }
    match graph.labels.iter().position(|label| label.len() > 255) {
        None => Ok(()),
        Some(index) => Err(ConvertError::TooLarge {
            place: format!("label {index}"),
            what: "its length, in bytes of UTF-8".into(),
            want: 255,
            have: graph.labels[index].len() as u64,
        }),
    }
}

/// Checks an input description against the bounds of `docs/graph-format.md`.
fn check_input(input: &InputSpec) -> Result<(), ConvertError> {
    let bad = |what: &str, want: &str, have: String| {
        Err(ConvertError::Range { place: "input".into(), what: what.into(), want: want.into(), have })
    };
    if input.len == 0 || input.len > 1 << 30 {
        return bad("len", "1 to 2^30", input.len.to_string());
    }
    // The image carries both as f32.
    let scale = input.scale as f32;
    if !scale.is_normal() || scale < 0.0 {
        return bad("scale", "a finite number above 0", input.scale.to_string());
    }
    if !input.zero_point.is_finite() || input.zero_point.abs() > 65536.0 {
        return bad("zero_point", "a finite number from -65536 to 65536", input.zero_point.to_string());
    }
    if input.min > input.max {
        return bad("min", "at most max", format!("{} with max {}", input.min, input.max));
    }
    Ok(())
}

/// The file's name without its last extension.
fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned())
}

fn unreadable(path: &Path, why: &str) -> ConvertError {
    ConvertError::Unreadable { path: path.to_owned(), why: why.into() }
}
