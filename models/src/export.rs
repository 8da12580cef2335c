//! The graph file: one safetensors file with the weights and, in its metadata, the layers as JSON.
//!
//! The format is specified in `docs/graph-format.md`. The file is laid out in memory, written beside its destination
//! and renamed, so that a reader finds the old file or the new one, never a part; the same weights give the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use burn::tensor::Tensor;
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;

use crate::error::WriteError;
use crate::recipe::Recipe;

/// The version of the format written.
const FORMAT: &str = "leafgate.graph/1";
/// The metadata key of the graph.
const KEY: &str = "leafgate.graph";

#[derive(Debug, Clone, Serialize)]
struct Graph {
    format: &'static str,
    name: String,
    input: InputSpec,
    labels: Vec<String>,
    layers: Vec<LayerSpec>,
}

#[derive(Debug, Clone, Serialize)]
struct InputSpec {
    len: usize,
    scale: f32,
    zero_point: f32,
    min: i8,
    max: i8,
}

/// A layer of the graph, as the format spells it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum LayerSpec {
    Linear { prefix: String, activation: &'static str },
    Fff { prefix: String, activation: &'static str },
    Moe { prefix: String, activation: &'static str, top_k: usize, gate: &'static str },
    Thermometer { prefix: String },
    Gates { prefix: String, wiring: &'static str },
    GroupSum { groups: usize, tau: f32 },
    Argmax,
}

#[derive(Debug, Clone)]
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// A graph file in the making.
#[derive(Debug, Clone)]
pub(crate) struct GraphBuilder {
    graph: Graph,
    tensors: BTreeMap<String, Stored>,
}

impl GraphBuilder {
    /// A graph without layers, with the recipe's name, input and labels.
    pub(crate) fn new(recipe: &Recipe) -> Self {
        let input = &recipe.input;
        let (scale, zero_point, min, max) = (input.scale, input.zero_point, input.min, input.max);
        let input = InputSpec { len: recipe.data.features, scale, zero_point, min, max };
        let (name, labels) = (recipe.name.clone(), recipe.labels.clone());
        Self { graph: Graph { format: FORMAT, name, input, labels, layers: Vec::new() }, tensors: BTreeMap::new() }
    }

    pub(crate) fn layer(&mut self, layer: LayerSpec) {
        self.graph.layers.push(layer);
    }

    /// Adds a tensor of the device as F32.
    pub(crate) fn float<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) -> Result<(), String> {
        let shape = tensor.dims().to_vec();
        let values = tensor.try_into_vec_as::<f32>().map_err(|error| error.to_string())?;
        self.insert(name, Dtype::F32, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect());
        Ok(())
    }

    /// Adds the one value of `tensor` as an F32 of shape `()`.
    pub(crate) fn scalar(&mut self, name: &str, tensor: Tensor<1>) -> Result<(), String> {
        let value = tensor.try_into_scalar::<f32>().map_err(|error| error.to_string())?;
        self.insert(name, Dtype::F32, Vec::new(), value.to_le_bytes().to_vec());
        Ok(())
    }

    /// Adds a vector of F32.
    pub(crate) fn floats(&mut self, name: &str, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.insert(name, Dtype::F32, vec![values.len()], bytes);
    }

    /// Adds a vector of I32.
    pub(crate) fn integers(&mut self, name: &str, values: &[i32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.insert(name, Dtype::I32, vec![values.len()], bytes);
    }

    /// Adds a vector of U8.
    pub(crate) fn bytes(&mut self, name: &str, values: &[u8]) {
        self.insert(name, Dtype::U8, vec![values.len()], values.to_vec());
    }

    fn insert(&mut self, name: &str, dtype: Dtype, shape: Vec<usize>, bytes: Vec<u8>) {
        self.tensors.insert(name.to_owned(), Stored { dtype, shape, bytes });
    }

    /// The bytes of the file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let views = self
            .tensors
            .iter()
            .map(|(name, stored)| Ok((name, TensorView::new(stored.dtype, stored.shape.clone(), &stored.bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        let graph = serde_json::to_string(&self.graph)?;
        // One key only: a map of several would have no fixed order, and so the file no fixed bytes.
        safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), graph)])))
    }

    /// Writes the file whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), WriteError> {
        let bytes = self.to_bytes().map_err(|source| WriteError::Layout { path: path.to_owned(), source })?;
        write_whole(path, &bytes)
    }
}

/// Writes `bytes` beside `path`, then renames: `path` holds what it held before, or all of `bytes`.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // As any other new file: the umask decides. A temporary file would be readable by its owner only.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| WriteError::io(path, source))
}
