//! The float reference evaluator.
