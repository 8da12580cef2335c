//! What a run costs on every emulated machine, in executed instructions; what it may cost; how it grows.
//!
//! - [`items`] is the catalogue: images of one op each with random weights from a fixed seed, and the networks of the zoo.
//! - [`measure`] runs an item on a machine and takes the figures that the application reports of itself. The outputs must be the
//!   host's, so that nothing wrong is ever called fast.
//! - [`record`] is a dated file of all figures, `docs/bench/<date>.json`; [`table`] renders it as Markdown beside the figures of
//!   others ([`peers`]).
//! - [`budgets`] are recorded figures that a test holds every change against: `cargo xtask bench --bless` records them again.
//! - [`growth`] measures how cost grows with depth, gates and experts; [`plot`] draws it.
//!
//! Instructions are not cycles: a core takes one to three cycles for most of them, and flash may make it wait. They are exact and
//! the same on every host, so that a change of one in a thousand is seen; a clock shows neither. What only a clock can measure, samples a
//! second on the host, is a benchmark of its own: `cargo bench -p leafgate-tests-bench --bench host`.

pub mod budgets;
pub mod costs;
pub mod error;
pub mod growth;
pub mod images;
pub mod items;
pub mod measure;
pub mod peers;
pub mod plot;
pub mod record;
pub mod table;

pub use error::BenchError;
