//! What values the activations of a graph take on samples.

use leafgate_convert::ir::eval::{Evaluator, Observer};
use leafgate_convert::ir::{Graph, ValueId};
use nalgebra::DMatrix;

/// The value `id` on each input: a row for each sample.
pub fn of(graph: &Graph, id: ValueId, inputs: &[Vec<i8>]) -> DMatrix<f64> {
    let mut watch = Watch { id, rows: Vec::new() };
    let mut evaluator = Evaluator::new(graph);
    for input in inputs {
        evaluator.run(input, &mut watch);
    }
    DMatrix::from_row_slice(inputs.len(), graph.value(id).len, &watch.rows)
}

struct Watch {
    id: ValueId,
    rows: Vec<f64>,
}

impl Observer for Watch {
    fn value(&mut self, id: ValueId, value: &[f32]) {
        if id == self.id {
            self.rows.extend(value.iter().map(|&number| f64::from(number)));
        }
    }
}
