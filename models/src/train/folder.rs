//! The folder of a run: the checkpoint, the network so far, the log, and the learning curve as a picture.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::checkpoint::{self, Checkpoint};
use super::curve;
use super::state::State;
use crate::error::{TrainError, WriteError};
use crate::export::{GraphBuilder, write_whole};
use crate::recipe::Recipe;
use crate::summary::Logged;

/// A folder that one run writes.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// The log, as JSON has it.
#[derive(Serialize)]
struct Log<'a> {
    schema: &'static str,
    name: &'a str,
    seed: u64,
    backend: &'a str,
    finished: bool,
    epochs: &'a [Logged],
}

impl Folder {
    /// Makes the folder if it is not there.
    pub(super) fn new(path: &Path) -> Result<Self, WriteError> {
        std::fs::create_dir_all(path).map_err(|source| WriteError::io(path, source))?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }

    /// The checkpoint in the folder, if there is one.
    pub(super) fn read(&self) -> Result<Option<Checkpoint>, TrainError> {
        let path = self.checkpoint();
        if path.exists() { Ok(Some(Checkpoint::read(&path)?)) } else { Ok(None) }
    }

    /// Writes everything.
    pub(super) fn save(&self, state: &State, recipe: &Recipe, data: &str, backend: &str) -> Result<(), TrainError> {
        checkpoint::write(&self.checkpoint(), state, recipe, data)?;
        let mut graph = GraphBuilder::new(recipe);
        let (network, _) = state.outcome(recipe);
        network.export(&mut graph).map_err(|message| TrainError::Device { backend: "export", message })?;
        graph.write(&self.0.join("weights.safetensors"))?;
        let finished = state.place.phase >= recipe.phases.len();
        let (name, seed, epochs) = (recipe.name.as_str(), recipe.seed, state.log.as_slice());
        let log = Log { schema: "leafgate.training-log/1", name, seed, backend, finished, epochs };
        let path = self.0.join("log.json");
        let mut text = serde_json::to_string_pretty(&log).map_err(|source| WriteError::io(&path, source.into()))?;
        text.push('\n');
        write_whole(&path, text.as_bytes())?;
        let path = self.0.join("curve.svg");
        let title = format!("{}, seed {}", recipe.name, recipe.seed);
        let picture =
            curve::draw(&title, &state.log).map_err(|what| WriteError::io(&path, std::io::Error::other(what)))?;
        Ok(write_whole(&path, picture.as_bytes())?)
    }
}
