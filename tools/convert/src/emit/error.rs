//! Why an image has no compiled form.

/// An image was not written as source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// An op, a kind of it or a weight format that this emitter does not know.
    #[error("op {op} ({name}): {what} has no compiled form")]
    Unsupported {
        /// Index of the op.
        op: usize,
        /// Its name in the format document.
        name: &'static str,
        /// What is not known.
        what: String,
    },
    /// An op reads memory that another tensor's op has written, or none.
    #[error("op {op} ({name}) reads tensor {tensor}, whose memory holds {holds}")]
    Overlap {
        /// Index of the op.
        op: usize,
        /// Its name in the format document.
        name: &'static str,
        /// Index of the tensor.
        tensor: usize,
        /// What was written there last.
        holds: String,
    },
    /// The constants, written out for each record that names them, are too many.
    #[error("the constants of the compiled form take {have} bytes, the limit is {want}")]
    TooLarge {
        /// The limit.
        want: u64,
        /// As needed, so far.
        have: u64,
    },
}

impl EmitError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } | Self::Overlap { .. } => "E0203",
            Self::TooLarge { .. } => "E0202",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => {
                "keep the image and let the runtime interpret it, or convert without that format"
            }
            Self::Overlap { .. } => "the converter writes no such image; keep it and let the runtime interpret it",
            Self::TooLarge { .. } => "keep the image, whose records share constants, and let the runtime interpret it",
        }
    }
}
