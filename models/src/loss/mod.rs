//! Losses, each a function of what a forward pass hands out.

mod balance;
mod cross_entropy;
mod hardening;

pub(crate) use balance::balance;
pub(crate) use cross_entropy::{cross_entropy, soft_cross_entropy};
pub(crate) use hardening::mean_entropy;
