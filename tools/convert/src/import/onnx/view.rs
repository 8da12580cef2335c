//! Operators that only view a tensor, and those that exporters compute shapes with.

use std::rc::Rc;

use super::chain::Kind;
use super::constant::{Constant, Data, Element};
use super::file;
use super::schema::NodeProto;
use super::shape::{self, Shape};
use super::walk::{Operands, Value, View, Walk, real};

impl Walk<'_> {
    /// The same elements.
    pub(super) fn same(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let value = self.operand(x, 0)?.clone();
        match node.op_type.as_str() {
            "Cast" => return self.cast(node, value),
            // The third input says whether the network is trained.
            "Dropout" if self.optional(x, 2)?.is_some_and(|mode| mode.int() != Some(0)) => {
                return Err("it is in training mode: export the network for inference".into());
            }
            _ => {}
        }
        Ok(value)
    }

    fn cast(&mut self, node: &NodeProto, value: Value) -> Result<Value, String> {
        let to = i32::try_from(node.int("to", 0)?).map_or(Element::Other(0), Element::of);
        match value {
            Value::Constant(constant) => {
                self.budget.take(8 * constant.len())?;
                let data = match to {
                    _ if to.is_real() => Data::Reals(constant.reals()),
                    Element::I64 => Data::I64(constant.reals().iter().map(|&x| x as i64).collect()),
                    Element::I32 => Data::I32(constant.reals().iter().map(|&x| x as i32).collect()),
                    _ => return Err(format!("from {constant} to {to}")),
                };
                // Integers keep those digits that no f32 has.
                let exact = if to == Element::I64 { constant.ints(shape::MAX_RANK) } else { None };
                let data = exact.map_or(data, Data::I64);
                Ok(Value::Constant(Rc::new(Constant::new(constant.shape.clone(), data))))
            }
            Value::View(view) if view.has_ended => Ok(Value::View(view)),
            Value::View(view) if to.is_real() => {
                if view.is_bytes && self.chain.vectors[view.id].steps.is_some() {
                    return Err("of quantised bytes: DequantizeLinear is wanted".into());
                }
                if view.is_bytes && !matches!(self.chain.input_element, Element::I8 | Element::U8) {
                    return Err(format!("of {}: bytes are wanted", self.chain.input_element));
                }
                Ok(Value::View(View { is_bytes: false, ..view }))
            }
            // Which experts are chosen is a number of any type.
            Value::Routed(routed) => Ok(Value::Routed(routed)),
            Value::View(_) | Value::Unknown => Err(format!("to {to}: activations are real numbers")),
        }
    }

    /// The same elements in another shape.
    pub(super) fn view(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        match self.operand(x, 0)? {
            Value::Constant(constant) => {
                self.budget.take(constant.data.bytes())?;
                let viewed = if node.op_type == "Transpose" {
                    constant.transposed(&order(node, constant.shape.len())?)
                } else {
                    let to = self.viewed(node, x, &constant.shape)?;
                    constant.reshaped(to).ok_or("its scales do not lie along a dimension of the new shape")?
                };
                Ok(Value::Constant(Rc::new(viewed)))
            }
            Value::View(view) if node.op_type == "Transpose" => self.turned(node, &view.clone()),
            Value::View(view) => {
                let shape = self.viewed(node, x, &view.shape)?;
                Ok(Value::View(View { shape, ..view.clone() }))
            }
            _ => Err("its input is not known".into()),
        }
    }

    /// The shape that a view has.
    pub(super) fn viewed(&self, node: &NodeProto, x: Operands<'_>, from: &[usize]) -> Result<Shape, String> {
        match node.op_type.as_str() {
            "Reshape" => {
                let want = self.ints(node, x, 1, "shape")?.ok_or("it has no shape")?;
                shape::reshape(from, &want, node.int("allowzero", 0)? != 0)
            }
            "Flatten" => shape::flatten(from, node.int("axis", 1)?),
            "Squeeze" => shape::squeeze(from, self.ints(node, x, 1, "axes")?.as_deref()),
            "Unsqueeze" => shape::unsqueeze(from, &self.ints(node, x, 1, "axes")?.ok_or("it has no axes")?),
            _ => {
                let order = order(node, from.len())?;
                if !shape::keeps_order(from, &order) {
                    return Err(format!("of activations {} to the order {order:?}", shape::show(from)));
                }
                Ok(order.iter().map(|&d| from[d]).collect())
            }
        }
    }

    /// The sizes of an operand's dimensions.
    pub(super) fn shape_of(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let of = match self.operand(x, 0)? {
            Value::Constant(constant) => &constant.shape,
            Value::View(view) => &view.shape,
            Value::Routed(routed) => &routed.shape,
            Value::Unknown => return Err("its input is not known".into()),
        };
        let rank = of.len() as i64;
        let clamp = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
        let (start, end) = (clamp(node.int("start", 0)?), clamp(node.int("end", rank)?));
        let sizes = of.get(start..end).unwrap_or(&[]).iter().map(|&size| size as i64);
        Ok(Value::Constant(Rc::new(Constant::list(sizes.collect()))))
    }

    /// Slices of a constant; of activations those that lie side by side.
    pub(super) fn gather(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let indices = self.constant_at(x, 1)?;
        let list = indices.ints(1 << 16).ok_or_else(|| format!("its indices are {indices}"))?;
        let Value::Constant(table) = self.operand(x, 0)? else {
            let view = self.vector(x, 0)?;
            let axis = shape::axis(node.int("axis", 0)?, view.shape.len())?;
            let from = list.first().copied().ok_or("of nothing")?;
            if list.iter().enumerate().any(|(i, &at)| at != from + i as i64) {
                return Err("of activations that do not lie side by side".into());
            }
            let start = shape::axis(from, view.shape[axis])?;
            let Value::View(mut part) = self.part(view, axis, start, list.len())? else {
                return Err("of nothing".into());
            };
            part.shape.splice(axis..=axis, indices.shape.iter().copied());
            return Ok(Value::View(part));
        };
        if node.int("axis", 0)? != 0 {
            return Err("along another dimension than the first".into());
        }
        let &[rows, ref slice @ ..] = &table.shape[..] else { return Err("of one number".into()) };
        let list = list.iter().map(|&at| shape::axis(at, rows)).collect::<Result<Vec<_>, _>>();
        let list = list.map_err(|_| format!("an index beyond {rows} slices"))?;
        let to: Shape = indices.shape.iter().chain(slice).copied().collect();
        let len = shape::elements(&to).filter(|_| to.len() <= shape::MAX_RANK).ok_or("its output is too large")?;
        self.budget.take(8 * len)?;
        if table.quantisation.as_ref().is_some_and(|q| q.scales.len() > 1) {
            return Err("of a table with several scales".into());
        }
        Ok(Value::Constant(Rc::new(table.rows(&list, to))))
    }

    /// Lists of sizes, or vectors, one after the other.
    pub(super) fn concat(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        if let Ok(parts) = (0..x.len()).map(|i| self.constant_at(x, i).cloned()).collect::<Result<Vec<_>, _>>() {
            let joined = Constant::joined(&parts).ok_or("of constants that are no short lists of integers")?;
            return Ok(Value::Constant(Rc::new(joined)));
        }
        let parts = (0..x.len()).map(|i| self.vector(x, i)).collect::<Result<Vec<_>, _>>()?;
        let (&first, others) = parts.split_first().ok_or("of nothing")?;
        let axis = shape::axis(node.int("axis", 1)?, first.shape.len())?;
        let mut to = first.shape.clone();
        for other in others {
            let is_same = |d: usize| d == axis || other.shape[d] == to[d];
            if other.shape.len() != to.len() || !(0..to.len()).all(is_same) {
                return Err(format!("of {} and {}", shape::show(&first.shape), shape::show(&other.shape)));
            }
            to[axis] += other.shape[axis];
        }
        contiguous(&to, axis)?;
        let len = shape::elements(&to).ok_or("its output is too large")?;
        let kind = Kind::Concat { others: others.iter().map(|view| view.id).collect() };
        let id = if others.is_empty() { first.id } else { self.push(kind, first.id, len) };
        Ok(real(id, to))
    }

    /// Of a constant list, or of activations, a part in the order it has.
    pub(super) fn slice(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let list = |i: usize, name: &str| self.ints(node, x, i, name);
        let (starts, ends) = (list(1, "starts")?.ok_or("it has no starts")?, list(2, "ends")?.ok_or("it has no ends")?);
        let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        if list(4, "steps")?.is_some_and(|steps| steps.iter().any(|&step| step != 1)) {
            return Err("in steps of more than 1".into());
        }
        if ends.len() != starts.len() || axes.len() != starts.len() {
            return Err("starts, ends and axes are not as many".into());
        }
        let mut value = self.operand(x, 0)?.clone();
        for ((&start, &end), &at) in starts.iter().zip(&ends).zip(&axes) {
            let shape = match &value {
                Value::Constant(constant) => &constant.shape,
                Value::View(view) => &view.shape,
                _ => return Err("its input is not known".into()),
            };
            let axis = shape::axis(at, shape.len())?;
            let size = shape[axis] as i64;
            let bound = |at: i64| (if at < 0 { at.saturating_add(size) } else { at }).clamp(0, size) as usize;
            let (start, end) = (bound(start), bound(end));
            if start >= end {
                return Err(format!("from {start} to {end}, which is nothing"));
            }
            value = match &value {
                Value::Constant(constant) if axis == 0 && constant.len() <= shape::MAX_RANK => {
                    let rows: Vec<usize> = (start..end).collect();
                    let mut to = constant.shape.clone();
                    to[0] = rows.len();
                    Value::Constant(Rc::new(constant.rows(&rows, to)))
                }
                Value::View(_) => self.part(self.vector(&[Some(value.clone())], 0)?, axis, start, end - start)?,
                _ => return Err("of a constant".into()),
            };
        }
        Ok(value)
    }

    /// Parts, one after the other.
    pub(super) fn split(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Vec<Value>, String> {
        let view = self.vector(x, 0)?;
        let axis = shape::axis(node.int("axis", 0)?, view.shape.len())?;
        let (size, count) = (view.shape[axis], node.output.len());
        let sizes = match self.ints(node, x, 1, "split")? {
            Some(sizes) => sizes.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect(),
            // All of the same size, but for a smaller one at the end.
            None => {
                let each = size.div_ceil(count.max(1));
                (0..count).map(|i| size.saturating_sub(i * each).min(each)).collect::<Vec<_>>()
            }
        };
        if sizes.contains(&0) || sizes.len() != count || sizes.iter().sum::<usize>() != size {
            return Err(format!("of {} into {sizes:?}", shape::show(&view.shape)));
        }
        let mut start = 0;
        let mut parts = Vec::new();
        for size in sizes {
            parts.push(self.part(view, axis, start, size)?);
            start += size;
        }
        Ok(parts)
    }

    /// A part along a dimension.
    fn part(&mut self, view: &View, axis: usize, start: usize, size: usize) -> Result<Value, String> {
        contiguous(&view.shape, axis)?;
        if start + size > view.shape[axis] {
            return Err(format!("elements {start} to {} of {}", start + size, view.shape[axis]));
        }
        let each: usize = view.shape[axis + 1..].iter().product();
        let mut to = view.shape.clone();
        to[axis] = size;
        let is_all = size == view.shape[axis];
        let id = if is_all { view.id } else { self.push(Kind::Slice { start: start * each }, view.id, size * each) };
        Ok(real(id, to))
    }

    /// Activations in another order of dimensions.
    pub(super) fn turned(&mut self, node: &NodeProto, view: &View) -> Result<Value, String> {
        let order = order(node, view.shape.len())?;
        let to: Shape = order.iter().map(|&d| view.shape[d]).collect();
        if shape::keeps_order(&view.shape, &order) {
            return Ok(Value::View(View { shape: to, ..view.clone() }));
        }
        let refuse = || format!("of activations {} to the order {order:?}", shape::show(&view.shape));
        let moved: Vec<usize> = order.iter().copied().filter(|&d| view.shape[d] != 1).collect();
        // Two groups of dimensions that change places are the rows and the columns of a matrix.
        let cut = (1..moved.len()).find(|&i| moved[i] < moved[i - 1]).ok_or_else(refuse)?;
        let (columns, rows) = moved.split_at(cut);
        if view.has_ended || view.is_bytes || !rows.is_sorted() || rows.last() >= columns.first() {
            return Err(refuse());
        }
        let size = |group: &[usize]| group.iter().map(|&d| view.shape[d]).product::<usize>();
        let (rows, cols) = (size(rows), size(columns));
        Ok(real(self.push(Kind::Transpose { rows, cols }, view.id, rows * cols), to))
    }
}

/// Parts along a dimension lie side by side if all dimensions before it are 1.
fn contiguous(shape: &[usize], axis: usize) -> Result<(), String> {
    if shape[..axis].iter().all(|&size| size == 1) {
        Ok(())
    } else {
        Err(format!("of {} along dimension {axis}", shape::show(shape)))
    }
}

/// The order of a transposition; without one all dimensions are turned around.
fn order(node: &NodeProto, rank: usize) -> Result<Vec<usize>, String> {
    let Some(given) = node.ints("perm")? else { return Ok((0..rank).rev().collect()) };
    let order: Vec<usize> = given.iter().filter_map(|&d| usize::try_from(d).ok()).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..rank) {
        Ok(order)
    } else {
        Err(format!("to the order {} of {rank} dimensions", file::cut(&format!("{given:?}"))))
    }
}
