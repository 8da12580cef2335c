//! Readers of model files.
//!
//! [`open`] recognises a file by its content, never by its name, and makes the float graph of [`crate::ir`]. Four doors
//! lead in: a safetensors file that describes its network (`docs/graph-format.md`), a state dict, as PyTorch or safetensors saves it, of
//! fast feedforward blocks or beside a file that describes it, a TensorFlow Lite file, and an ONNX file. A file of any other kind is refused by name.
//!
//! A file is untrusted: every size is checked before it is used, nothing in it is executed, and damaged bytes are an error, never a panic.

mod config;
mod dict;
mod ffn;
mod graph_file;
mod layers;
mod logic;
mod onnx;
mod recognise;
mod side;
mod table;
mod tensors;
mod tflite;
mod torch;
mod unique;

pub(crate) use ffn::gate_word;
pub(crate) use graph_file::activation_name;

use crate::error::ConvertError;
use crate::ir::{Activation, Graph, InputSpec};
use crate::quantize::integer::IntGraph;
use recognise::Kind;
use sha2::{Digest, Sha256};
pub use side::GraphFile;
use std::path::Path;
use tensors::Tensors;

/// A file larger than this is no model for a microcontroller; it is refused before it is read.
pub const MAX_FILE_BYTES: u64 = 1 << 27;

/// What a file may leave unsaid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// Name of the network; otherwise the file's own, or its file name.
    pub name: Option<String>,
    /// Names of the outputs; otherwise the file's own. Their number must be that of the outputs.
    pub labels: Option<Vec<String>>,
    /// Of the hidden neurons of a state dict; otherwise what the file's metadata calls `activation`, or else [`Activation::Relu`], of
    /// UltraFastBERT's layer [`Activation::Gelu`]. A graph file says it itself and refuses it here.
    pub activation: Option<Activation>,
    /// Input of a state dict; otherwise pixels 0 to 255 on -1 to 1, `q = p - 128`. A graph file says it itself and refuses it here.
    pub input: Option<InputSpec>,
    /// Leave out the output bias of the leaves of a state dict, as `eval_forward` of the `fastfeedforward` package 0.2.1
    /// does by mistake; training and every other version add it. Only for comparing with that version.
    pub match_eval_0_2_1: bool,
    /// Blocks of a state dict by their prefixes without the last dot, in the order they run; the others are left out. Otherwise all blocks, by
    /// prefix.
    pub layers: Vec<String>,
    /// Trees of UltraFastBERT's layer in a state dict; follows from the depth if that is given.
    pub trees: Option<usize>,
    /// Depth of these trees: one less than the nodes visited in each. Follows from their number if that is given.
    pub depth: Option<usize>,
    /// A file that describes the network, of which the model file is the state dict.
    pub graph: Option<GraphFile>,
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
    within(metadata.len(), path, MAX_FILE_BYTES, "the file, in bytes")?;
    let bytes = std::fs::read(path).map_err(io)?;
    read(&bytes, path, Some(path), options)
}

/// As [`open`], of bytes that are already in memory; `path` names the network and the place of errors, and is not read.
///
/// # Errors
/// As [`open`].
pub fn parse(bytes: &[u8], path: &Path, options: &ImportOptions) -> Result<Imported, ConvertError> {
    within(bytes.len() as u64, path, MAX_FILE_BYTES, "the file, in bytes")?;
    read(bytes, path, None, options)
}

/// `place` is where the bytes were read from, if they were: an ONNX file may keep weights in others beside it.
fn read(bytes: &[u8], path: &Path, place: Option<&Path>, options: &ImportOptions) -> Result<Imported, ConvertError> {
    let mut imported = match recognise::kind(bytes) {
        Kind::Safetensors => {
            let (tensors, description) = safetensors(bytes, path)?;
            match description {
                Some(text) => {
                    refuse_graph_option(options)?;
                    refuse_state_dict_options(options)?;
                    described(graph_file::read(&text, tensors, path)?)
                }
                None => state_dict(tensors, path, options)?,
            }
        }
        Kind::Zip => state_dict(torch::read(bytes).map_err(|why| unreadable(path, &why))?, path, options)?,
        Kind::TfLite => {
            refuse_graph_option(options)?;
            tflite::read(bytes, path, options)?
        }
        Kind::Onnx => {
            refuse_graph_option(options)?;
            onnx::read(bytes, path, place, options)?
        }
        Kind::Other(what) => {
            return Err(unreadable(
                path,
                &format!(
                    "{what} cannot be imported; what can: a .safetensors file with a `leafgate.graph` description, the state \
                     dict of a fast feedforward network as .safetensors or .pt, and a .tflite or .onnx file of dense layers"
                ),
            ));
        }
    };
    let graph = &mut imported.graph;
    if graph.source_sha256.is_empty() {
        let side = options.graph.as_ref().map_or(&[][..], |side| &side.bytes);
        let digest = Sha256::new().chain_update(bytes).chain_update(side).finalize();
        graph.source_sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    }
    if let Some(name) = &options.name {
        graph.name.clone_from(name);
    }
    if let Some(labels) = &options.labels {
        graph.labels.clone_from(labels);
    }
    check_labels(graph)?;
    Ok(imported)
}

/// Refuses what is larger than a network that fits a microcontroller has: of a few bytes of text a reader makes many.
fn within(have: u64, path: &Path, want: u64, what: &str) -> Result<(), ConvertError> {
    if have <= want {
        return Ok(());
    }
    Err(ConvertError::TooLarge { place: path.display().to_string(), what: what.into(), want, have })
}

/// The tensors of a safetensors file, and its description if it has one.
fn safetensors<'a>(bytes: &'a [u8], path: &Path) -> Result<(Tensors<'a>, Option<String>), ConvertError> {
    let header = tensors::header(bytes);
    within(header.len() as u64, path, tensors::MAX_HEADER_BYTES, "the header, in bytes")?;
    unique::check(header).map_err(|why| unreadable(path, &format!("in its header {why}")))?;
    Tensors::from_safetensors(bytes).map_err(|why| unreadable(path, &why))
}

/// A network of which the file says everything.
fn described(graph: Graph) -> Imported {
    Imported { graph, integer: None, listing: Vec::new(), assumptions: Vec::new() }
}

/// Tensors without a description: it is in a graph file, or the network is one that is known by its tensors.
fn state_dict<'a>(mut tensors: Tensors<'a>, path: &Path, options: &'a ImportOptions) -> Result<Imported, ConvertError> {
    let Some(side) = &options.graph else { return dict::read(tensors, path, options) };
    refuse_state_dict_options(options)?;
    let (text, others) = side.parts()?;
    tensors.join(others)?;
    Ok(described(graph_file::read(&text, tensors, &side.path)?))
}

fn refuse_graph_option(options: &ImportOptions) -> Result<(), ConvertError> {
    if options.graph.is_none() {
        return Ok(());
    }
    Err(ConvertError::Range {
        place: "import options".into(),
        what: "graph".into(),
        want: "nothing: the file describes its network itself".into(),
        have: "given".into(),
    })
}

fn refuse_state_dict_options(options: &ImportOptions) -> Result<(), ConvertError> {
    let given = [
        ("input", options.input.is_some()),
        ("activation", options.activation.is_some()),
        ("match_eval_0_2_1", options.match_eval_0_2_1),
        ("layers", !options.layers.is_empty()),
        ("trees", options.trees.is_some()),
        ("depth", options.depth.is_some()),
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
