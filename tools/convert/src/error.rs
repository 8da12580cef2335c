//! What can go wrong between a model file and an image. Each error names the tensor or record, the figure wanted and had, and
//! what to do; the command line shows them with a code, a place and a hint.

use std::path::PathBuf;

/// A conversion failed; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is of a kind that no importer knows, or is damaged.
    #[error("{path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A tensor the layer needs is not in the file.
    #[error("{} is missing from the file", named(tensor, layer.as_deref()))]
    MissingTensor {
        /// Its full name.
        tensor: String,
        /// The layer that it belongs to, if it is known.
        layer: Option<String>,
    },
    /// Tensors that no layer uses.
    #[error("tensors that no layer uses: {}", tensors.join(", "))]
    ExtraTensors {
        /// Their full names.
        tensors: Vec<String>,
    },
    /// Tensors that two files have, which are read together.
    #[error("tensors that both the state dict and the graph file have: {}", tensors.join(", "))]
    DuplicateTensors {
        /// Their full names.
        tensors: Vec<String>,
    },
    /// The state dict of a network of logic gates, without what says how its layers follow each other.
    #[error("a state dict of logic gates ({tensors}), which does not say how its layers follow each other")]
    NoDescription {
        /// Some of its tensors.
        tensors: String,
    },
    /// A layer of logic gates that nothing says the wiring of.
    #[error("{}: nothing says which bits its gates read", layer_named(layer))]
    NoWiring {
        /// The layer.
        layer: String,
    },
    /// A tensor has the wrong shape.
    #[error("{} has shape {have:?}, wanted {want}", named(tensor, layer.as_deref()))]
    Shape {
        /// Its full name.
        tensor: String,
        /// The layer that it belongs to, if it is known.
        layer: Option<String>,
        /// In words or figures.
        want: String,
        /// As found.
        have: Vec<usize>,
    },
    /// A weight is not a finite number.
    #[error("{} holds {value} at index {index}, wanted finite numbers", named(tensor, layer.as_deref()))]
    NotFinite {
        /// Its full name.
        tensor: String,
        /// The layer that it belongs to, if it is known.
        layer: Option<String>,
        /// Position in row-major order.
        index: usize,
        /// NaN or infinity.
        value: f32,
    },
    /// A name (op, activation, wiring, gate) or key that this version does not know.
    #[error("{}: unknown {what} `{have}`, wanted one of: {want}", layer_named(layer))]
    Unknown {
        /// The layer.
        layer: String,
        /// What the word is.
        what: &'static str,
        /// As found.
        have: String,
        /// Those known.
        want: String,
    },
    /// A number is outside what the layer can mean.
    #[error("{place}: {what} is {have}, wanted {want}")]
    Range {
        /// Layer, tensor or record.
        place: String,
        /// The quantity.
        what: String,
        /// Its bounds.
        want: String,
        /// As found.
        have: String,
    },
    /// A file does not say what the network needs, and nothing else did.
    #[error("{place}: {what} must be given, wanted {want}")]
    Unsaid {
        /// The layer.
        place: String,
        /// The quantity.
        what: String,
        /// What is enough.
        want: String,
    },
    /// The table of calibrated ranges does not belong to the model, or holds what no calibration gives.
    #[error("the calibration table does not fit the model: {what} is {have}, wanted {want}")]
    Calibration {
        /// The entry.
        what: String,
        /// As the model needs it.
        want: String,
        /// As found.
        have: String,
    },
    /// Operators of the file that no image can express, all of them.
    #[error("the network cannot be imported: {}", operators.join("; "))]
    Unsupported {
        /// Each with its place in the file and the reason.
        operators: Vec<String>,
    },
    /// An accumulator could leave 32 bits.
    #[error("{place}: the accumulator of row {row} could reach {have}, wanted at most {want}")]
    Overflow {
        /// Op or layer.
        place: String,
        /// The row.
        row: usize,
        /// 2^31 - 1.
        want: i64,
        /// Worst case over all admissible inputs.
        have: i128,
    },
    /// The image cannot describe or hold the model.
    #[error("{place}: {what} is {have}, the limit is {want}")]
    TooLarge {
        /// Layer, record or board.
        place: String,
        /// The quantity, with its unit.
        what: String,
        /// The limit.
        want: u64,
        /// As needed.
        have: u64,
    },
    /// The image that was made does not pass its own checks; this is a defect of the converter.
    #[error("the finished image fails its check: {why}")]
    Check {
        /// What the check said.
        why: String,
    },
}

/// A tensor with its layer: tensor `fc.weight` of layer 2 (linear).
pub(crate) fn named(tensor: &str, layer: Option<&str>) -> String {
    let layer = layer.map_or_else(String::new, |layer| format!(" of {}", layer_named(layer)));
    format!("tensor `{tensor}`{layer}")
}

/// A layer in a sentence; one without a name of its own is called `layer 3 (fff)` already.
pub fn layer_named(layer: &str) -> String {
    if layer.starts_with("layer ") { layer.into() } else { format!("layer `{layer}`") }
}

impl ConvertError {
    /// A stable code, shown by the command line and explained in the documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "E0101",
            Self::Unreadable { .. } => "E0102",
            Self::MissingTensor { .. } => "E0103",
            Self::ExtraTensors { .. } => "E0104",
            Self::Shape { .. } => "E0105",
            Self::NotFinite { .. } => "E0106",
            Self::Unknown { .. } => "E0107",
            Self::Range { .. } => "E0108",
            Self::Calibration { .. } => "E0109",
            Self::Unsupported { .. } => "E0110",
            Self::Unsaid { .. } => "E0140",
            Self::NoDescription { .. } => "E0150",
            Self::NoWiring { .. } => "E0151",
            Self::DuplicateTensors { .. } => "E0152",
            Self::Overflow { .. } => "E0201",
            Self::TooLarge { .. } => "E0202",
            Self::Check { .. } => "E0901",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check the path and its permissions",
            Self::Unreadable { .. } => {
                "give a .safetensors file with a `leafgate.graph` description, a PyTorch state dict (.pt), or a .tflite or .onnx file"
            }
            Self::MissingTensor { .. } => "check the layer's prefix, and that the whole state dict was saved",
            Self::ExtraTensors { .. } => "name the layer that uses them, or remove them from the file",
            Self::Shape { .. } => "check the layer's sizes; docs/graph-format.md lists the shape of every tensor",
            Self::NotFinite { .. } => "the training diverged: take an earlier checkpoint",
            Self::Unknown { .. } => "docs/graph-format.md lists what is known",
            Self::Range { .. } => "docs/graph-format.md lists the admissible figures",
            Self::Calibration { .. } => "calibrate this very file again: `--calib FILE --save-calibration TABLE`",
            Self::Unsupported { .. } => {
                "replace these operators and export again, or cut the network where dense layers begin and compute the rest before it"
            }
            Self::Unsaid { .. } => "give `--trees N`, `--depth N`, or `--config config.json`, which says both",
            Self::NoDescription { .. } => {
                "describe it in a graph file (`--graph FILE`), or write the model with leafgate_export.py: docs/importing.md"
            }
            Self::NoWiring { .. } => {
                "difflogic keeps the wiring in the module, not in the state dict: give it in the graph file, or write the model with leafgate_export.py: docs/importing.md"
            }
            Self::DuplicateTensors { .. } => "leave them out of one of the two files",
            Self::Overflow { .. } => "scale the layer's weights or bias down, or split the layer",
            Self::TooLarge { .. } => "make the model smaller, or choose a board with more room",
            Self::Check { .. } => "please report this with the model file: it is a defect of the converter",
        }
    }
}
