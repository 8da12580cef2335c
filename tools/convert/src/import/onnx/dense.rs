//! Dense layers, and the normalisation that belongs to one.

use std::rc::Rc;

use super::chain::{Dense, Kind};
use super::constant::Constant;
use super::schema::NodeProto;
use super::shape::{self, Shape};
use super::walk::{Operands, Value, Walk, real};

impl Walk<'_> {
    pub(super) fn gemm(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let (a, b) = (self.vector(x, 0)?, self.constant_at(x, 1)?);
        let flag = |name| Ok::<_, String>(node.int(name, 0)? != 0);
        let (&[m, k], &[.., _, _]) = (&a.shape[..], &b.shape[..]) else {
            return Err(format!("of {} and {b}, wanted two dimensions each", shape::show(&a.shape)));
        };
        let (m, k) = if flag("transA")? { (k, m) } else { (m, k) };
        if m != 1 {
            return Err(batch(m));
        }
        let weights = self.weights(b, flag("transB")?)?;
        let bias = self.optional(x, 2)?.cloned();
        let dense = Dense { weights, alpha: node.float("alpha", 1.0)?, bias, beta: node.float("beta", 1.0)? };
        self.dense(a.id, k, dense, |rows| vec![1, rows])
    }

    pub(super) fn matmul(&mut self, x: Operands<'_>) -> Result<Value, String> {
        if let (Value::Constant(w), Value::View(column)) = (self.operand(x, 0)?, self.operand(x, 1)?) {
            self.vector(x, 1)?;
            let (cols, rank) = (self.chain.vectors[column.id].len, column.shape.len());
            if column.shape.get(rank.saturating_sub(2)) != Some(&cols) {
                return Err(format!("of {w} and {}, wanted one column", shape::show(&column.shape)));
            }
            let dense = Dense { weights: self.weights(w, true)?, alpha: 1.0, bias: None, beta: 1.0 };
            return self.dense(column.id, cols, dense, |rows| if rank == 1 { vec![rows] } else { vec![rows, 1] });
        }
        let (a, b) = (self.vector(x, 0)?, self.constant_at(x, 1)?);
        let k = a.shape.last().copied().ok_or("its input is one number")?;
        let len = self.chain.vectors[a.id].len;
        if len != k {
            return Err(batch(len / k));
        }
        let mut to = vec![1; b.shape.len().saturating_sub(a.shape.len())];
        to.extend_from_slice(&a.shape[..a.shape.len() - 1]);
        let dense = Dense { weights: self.weights(b, false)?, alpha: 1.0, bias: None, beta: 1.0 };
        self.dense(a.id, k, dense, |rows| to.into_iter().chain([rows]).collect())
    }

    /// A matrix as `(rows, cols)`; other dimensions before it must be 1. It has `(cols, rows)` unless `is_transposed`.
    fn weights(&mut self, b: &Rc<Constant>, is_transposed: bool) -> Result<Rc<Constant>, String> {
        let Some((before, &[r, c])) = b.shape.split_last_chunk() else {
            return Err(format!("its weights are {b}, wanted two dimensions"));
        };
        if before.iter().any(|&size| size != 1) {
            return Err(format!("its weights are {b}: one matrix is wanted"));
        }
        if b.shape.len() == 2 && is_transposed {
            return Ok(Rc::clone(b));
        }
        self.budget.take(b.data.bytes())?;
        let matrix = b.reshaped(vec![r, c]).ok_or("its scales do not lie along a dimension of the matrix")?;
        Ok(Rc::new(if is_transposed { matrix } else { matrix.transposed(&[1, 0]) }))
    }

    fn dense(
        &mut self,
        input: usize,
        k: usize,
        dense: Dense,
        to: impl FnOnce(usize) -> Shape,
    ) -> Result<Value, String> {
        let (rows, cols) = (dense.weights.shape[0], dense.weights.shape[1]);
        if cols != k {
            return Err(format!("its input has {k} elements, its weights {cols}"));
        }
        if let Some(bias) = dense
            .bias
            .as_ref()
            .filter(|bias| bias.len() != 1 && (bias.len() != rows || bias.shape.last() != Some(&rows)))
        {
            return Err(format!("its bias is {bias}, wanted {rows} numbers"));
        }
        let id = self.push(Kind::Dense(dense), input, rows);
        Ok(real(id, to(rows)))
    }

    pub(super) fn normalisation(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let view = self.vector(x, 0)?;
        let parts = (1..5).map(|i| self.constant_at(x, i)).collect::<Result<Vec<_>, _>>()?;
        let &[_, channels, ..] = &view.shape[..] else {
            return Err(format!("of {}, wanted a dimension of channels", shape::show(&view.shape)));
        };
        if node.int("training_mode", 0)? != 0 {
            return Err("it is in training mode: export the network for inference".into());
        }
        if let Some(part) = parts.iter().find(|part| part.len() != channels) {
            return Err(format!("one of its constants is {part}, wanted {channels} numbers"));
        }
        let [scale, shift, mean, variance] = [0, 1, 2, 3].map(|i| parts[i].reals());
        let epsilon = f64::from(node.float("epsilon", 1e-5)?);
        let each = view.shape[2..].iter().product();
        let len = self.chain.vectors[view.id].len;
        self.budget.take(8 * len)?;
        let (mut gain, mut bias) = (Vec::with_capacity(len), Vec::with_capacity(len));
        for c in 0..channels {
            let g = f64::from(scale[c]) / (f64::from(variance[c]) + epsilon).sqrt();
            gain.extend(vec![g as f32; each]);
            bias.extend(vec![(f64::from(shift[c]) - f64::from(mean[c]) * g) as f32; each]);
        }
        Ok(real(self.affine(view.id, gain, bias), view.shape.clone()))
    }
}

/// Of more than one row.
fn batch(rows: usize) -> String {
    format!("its input has {rows} rows, wanted 1: export the network for a batch of one")
}
