//! The configuration that the transformers library writes beside a checkpoint (`config.json`), as far as it tells what the weights of
//! UltraFastBERT's layer do not: `intermed_size` trees of depth `intermed_depth`, and `nonlin`, the activation. The model's own writer puts
//! them into `arch`.

use super::graph_file::activation_word;
use super::{ImportOptions, unreadable};
use crate::error::ConvertError;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// A configuration is some kilobytes.
const MAX_BYTES: u64 = 1 << 20;

impl ImportOptions {
    /// Takes what is not given yet from a `config.json`.
    ///
    /// # Errors
    /// If the file cannot be read, is no JSON object, says nothing of a fast feedforward layer, or says it in a way that makes no sense.
    pub fn take_config(&mut self, path: &Path) -> Result<(), ConvertError> {
        let io = |source| ConvertError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        std::fs::File::open(path).map_err(io)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(unreadable(path, "larger than any model configuration"));
        }
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| unreadable(path, &format!("not a model configuration: {error}")))?;
        let arch = value.get("arch").unwrap_or(&value);
        if arch.get("intermed_type").is_some_and(|kind| kind != "fff") {
            return Err(unreadable(path, "a model configuration whose `intermed_type` is not `fff`"));
        }
        let figure = |key: &str| {
            let found =
                arch.get(key).ok_or_else(|| unreadable(path, &format!("a model configuration without `{key}`")))?;
            found.as_u64().and_then(|figure| usize::try_from(figure).ok()).ok_or_else(|| ConvertError::Range {
                place: path.display().to_string(),
                what: format!("`{key}`"),
                want: "a whole number".into(),
                have: found.to_string(),
            })
        };
        let (trees, depth) = (figure("intermed_size")?, figure("intermed_depth")?);
        self.trees.get_or_insert(trees);
        self.depth.get_or_insert(depth);
        if let (None, Some(word)) = (self.activation, arch.get("nonlin").and_then(Value::as_str)) {
            self.activation = Some(activation_word(&word.to_ascii_lowercase(), "nonlin")?);
        }
        Ok(())
    }
}
