//! The independent integer reference.
