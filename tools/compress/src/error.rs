//! What can be wrong with a pipeline, its samples, or a pass on a graph.

/// A pipeline was not applied; the graph is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// The pipeline file does not read.
    #[error("the pipeline does not read: {why}")]
    Pipeline {
        /// What is wrong, with the line.
        why: String,
    },
    /// The samples do not fit the network.
    #[error("{what} samples: wanted {want}, have {have}")]
    Samples {
        /// Calibration or evaluation.
        what: &'static str,
        /// As the network needs them.
        want: String,
        /// As given.
        have: String,
    },
    /// A figure of a pass is not possible.
    #[error("{what} is {have}, wanted {want}")]
    Figure {
        /// The key.
        what: &'static str,
        /// Its bounds.
        want: String,
        /// As given.
        have: String,
    },
    /// The layer that a pass names is not there.
    #[error("there is no layer `{layer}`; there are: {}", layers.join(", "))]
    NoLayer {
        /// As given.
        layer: String,
        /// Those of the graph.
        layers: Vec<String>,
    },
    /// The layer that a pass names is not of the form that the pass works on.
    #[error("layer `{layer}` {why}")]
    Unfit {
        /// The layer.
        layer: String,
        /// What it is not.
        why: String,
    },
    /// The network has fewer blocks than a pass would take.
    #[error("the network has {have} blocks that could be taken out, wanted {want} or more")]
    Blocks {
        /// As needed.
        want: usize,
        /// As found.
        have: usize,
    },
    /// One of the above, in a pass of the pipeline.
    #[error("pass {} (`{pass}`): {error}", index + 1)]
    InPass {
        /// Its place in the pipeline, from 0.
        index: usize,
        /// Its name.
        pass: &'static str,
        /// What is wrong.
        error: Box<CompressError>,
    },
}

impl CompressError {
    pub(crate) fn in_pass(self, index: usize, pass: &'static str) -> Self {
        Self::InPass { index, pass, error: Box::new(self) }
    }

    pub(crate) fn unfit(layer: &str, why: impl Into<String>) -> Self {
        Self::Unfit { layer: layer.into(), why: why.into() }
    }
}
