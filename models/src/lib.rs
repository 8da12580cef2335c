//! Trainable architectures, losses and recipes of Leafgate.
//!
//! A [`Recipe`] says everything about a run; [`train`] turns it and a folder of data into a [`Trained`] network, which
//! [writes](Trained::write) the graph file that the converter imports. The networks of the zoo are made this way: each
//! folder under `zoo/` holds a recipe, the weights it gave, the summary of the run and a card.
//!
//! Architectures: a fast feedforward layer with a master leaf, logic gates in word wiring, and routed experts with a
//! shared one. They are written on [Burn](https://burn.dev), which stays inside this crate: no public item names it.
//!
//! A run repeats bit for bit on one machine: all random numbers come from the recipe's seed and are drawn on the host,
//! and the CPU backend is built without threads, so that no sum is taken in another order.

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
mod summary;
mod train;

pub use device::Backend;
pub use error::{DataError, RecipeError, TrainError, WriteError};
pub use progress::{Bar, Progress, Silent};
pub use recipe::Recipe;
pub use summary::{Chosen, EpochReport, Evaluation, Summary};
pub use train::{Options, Trained, train, train_with};
