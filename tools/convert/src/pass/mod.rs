//! Passes over the float graph.
