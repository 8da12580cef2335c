//! Trainable architectures, losses and recipes of Leafgate.
//!
//! A [`Recipe`] says everything about a run; [`train`] turns it and a folder of data into a [`Trained`] network, which
//! [writes](Trained::write) the graph file that the converter imports. The networks of the zoo are made this way: each
//! folder under `zoo/` holds a recipe, the weights it gave, the summary of the run and a card.
//!
//! Architectures: a fast feedforward layer with a master leaf, logic gates, routed experts with a shared one, and dense
//! layers to compare with. They are written on [Burn](https://burn.dev), which stays inside this crate: no public item names it.
//!
//! A run repeats bit for bit on one machine: all random numbers come from the recipe's seed and are drawn on the host,
//! the CPU backend is built without threads, and what does run on all cores adds its parts in a fixed order. A run that was
//! interrupted goes on from its checkpoint to the same bits.

mod arch;
pub mod data;
mod device;
mod error;
mod evaluate;
mod export;
mod loss;
mod progress;
pub mod recipe;
mod seed;
mod seeds;
mod summary;
mod train;

pub use device::Backend;
pub use error::{CheckpointError, DataError, RecipeError, TrainError, WriteError};
pub use progress::{Bar, Progress, Silent};
pub use recipe::Recipe;
pub use seeds::{Seeds, Spread, train_seeds};
pub use summary::{Chosen, EpochReport, Evaluation, Logged, Summary};
pub use train::{Existing, Options, Trained, train, train_with};
