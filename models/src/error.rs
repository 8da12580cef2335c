//! What can go wrong while a network is trained, one variant per cause; each message says what, where and what to do.

use std::path::PathBuf;

/// A recipe that cannot be read or that contradicts itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The recipe file cannot be read.
    #[error("cannot read the recipe {path}: {source}")]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML, lacks a key, or has a key that no recipe knows.
    #[error("the recipe {path} is not valid: {source}")]
    Invalid {
        /// The file the text came from.
        path: PathBuf,
        /// Where in the text, and what was expected there.
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range, or two values contradict each other.
    #[error("recipe: `{key}` is {have}, but must be {want}")]
    Value {
        /// The key at fault, with its table.
        key: &'static str,
        /// What the recipe says.
        have: String,
        /// What is admissible.
        want: String,
    },
}

/// A data file that is missing or does not hold what the recipe says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No such file under the data folder.
    #[error(
        "no data file {path}: fetch the data set named in the model card, then point LEAFGATE_DATA (or the data folder \
         given on the command line) at the folder that holds it"
    )]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// The file is there, but is not readable as comma-separated values.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file at fault.
        path: PathBuf,
        /// Where and why.
        source: csv::Error,
    },
    /// The file is there, but cannot be read, or what is compressed in it is damaged.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file at fault.
        path: PathBuf,
        /// What the system or the decompressor said.
        source: std::io::Error,
    },
    /// The file is no idx file of the kind and size that the recipe says.
    #[error("{path}: {what}")]
    Idx {
        /// The file at fault.
        path: PathBuf,
        /// What was expected and what is there.
        what: String,
    },
    /// A row has too few or too many columns.
    #[error("{path}, row {row}: {have} columns, but `data.features` and the label make {want}")]
    Columns {
        /// The file at fault.
        path: PathBuf,
        /// The row, counted from 1.
        row: usize,
        /// Columns found.
        have: usize,
        /// Columns expected: the features and the label.
        want: usize,
    },
    /// A feature is not an integer of the range in the recipe's `input`.
    #[error(
        "{path}, row {row}, column {column}: `{have}` is no integer of {min}..={max}, the range that `input` states"
    )]
    Feature {
        /// The file at fault.
        path: PathBuf,
        /// The row, counted from 1.
        row: usize,
        /// The column, counted from 1.
        column: usize,
        /// The text found.
        have: String,
        /// Smallest admissible value.
        min: i8,
        /// Largest admissible value.
        max: i8,
    },
    /// A label is not a class.
    #[error("{path}, row {row}: label `{have}` is no class of 0..{classes}; `labels` in the recipe names {classes}")]
    Label {
        /// The file at fault.
        path: PathBuf,
        /// The row, counted from 1.
        row: usize,
        /// The text found.
        have: String,
        /// How many classes the recipe names.
        classes: usize,
    },
    /// Too few rows to train on and to validate.
    #[error("{path}: {have} rows are too few to split into training and validation rows; at least {want} are needed")]
    TooFewRows {
        /// The file at fault.
        path: PathBuf,
        /// Rows found.
        have: usize,
        /// Rows needed.
        want: usize,
    },
}

/// A training run that did not end in a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The recipe is at fault.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The data is at fault.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A checkpoint is at fault, of the run or of its teacher.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file of the run's folder could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The run was told to end.
    #[error("interrupted{}", checkpoint.as_ref().map_or(String::new(), |path| format!("; {} goes on from here", path.display())))]
    Interrupted {
        /// Where it can be resumed from, if it has a folder.
        checkpoint: Option<PathBuf>,
    },
    /// The loss left the finite numbers.
    #[error(
        "the loss became {loss} in phase `{phase}`, epoch {epoch}, batch {batch}: lower that phase's `lr` or the weight \
         of its losses"
    )]
    Diverged {
        /// Name of the phase.
        phase: String,
        /// Epoch within the phase, counted from 1.
        epoch: usize,
        /// Batch within the epoch, counted from 1.
        batch: usize,
        /// The loss: NaN or infinite.
        loss: f32,
    },
    /// The device did not hand a tensor back.
    #[error("the {backend} device failed: {message}")]
    Device {
        /// Name of the backend.
        backend: &'static str,
        /// What Burn said.
        message: String,
    },
}

/// A checkpoint that a run cannot go on from, or begin beside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// There is no such file, or it cannot be read.
    #[error("cannot read the checkpoint {path}: {source}")]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no checkpoint, or not whole.
    #[error("{path} is no checkpoint that this version can read: {what}")]
    Damaged {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It is of another recipe or other data.
    #[error("{path} belongs to a run {what}")]
    Other {
        /// The file at fault.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// The folder holds a run that was interrupted, and nobody said what to do about it.
    #[error("{path} is of a run that was interrupted: resume or replace it, or choose another folder")]
    Unfinished {
        /// The checkpoint found.
        path: PathBuf,
    },
}

/// A trained network that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The system refused to write, to flush or to rename the file; what was there before is untouched.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file to be written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The weights do not make a safetensors file.
    #[error("cannot lay {path} out as safetensors: {source}")]
    Layout {
        /// The file to be written.
        path: PathBuf,
        /// Which tensor, and why.
        source: safetensors::SafeTensorError,
    },
}

impl WriteError {
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
