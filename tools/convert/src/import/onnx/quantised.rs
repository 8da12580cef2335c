//! Quantised graphs: QuantizeLinear and DequantizeLinear around operators on real numbers, and operators on integers, which are the same with
//! both inside.

use std::rc::Rc;

use super::chain::{Kind, Steps};
use super::constant::{Constant, Data, Element, Quantisation};
use super::schema::NodeProto;
use super::shape;
use super::walk::{Operands, Value, View, Walk};

impl Walk<'_> {
    pub(super) fn quantize(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        plain(node)?;
        let element = match (self.optional(x, 2)?, node.int("output_dtype", 0)?) {
            (Some(zero), _) => element(zero)?,
            (None, 0 | 2) => Element::U8,
            (None, 3) => Element::I8,
            (None, other) => return Err(format!("to type {other}: bytes are wanted")),
        };
        if let Value::Constant(constant) = self.operand(x, 0)? {
            let quantisation = self.quantisation(node, x, constant)?;
            return self.quantized_constant(constant, quantisation, element);
        }
        let Value::View(view) = self.operand(x, 0)? else { return Err("its input is not known".into()) };
        let steps = self.steps(x, element == Element::U8)?;
        if view.is_bytes {
            return Err("its input is integers already".into());
        }
        if view.has_ended {
            return Ok(Value::View(view.clone()));
        }
        let len = self.chain.vectors[view.id].len;
        let id = self.push(Kind::Quantize, view.id, len);
        self.chain.vectors[id].steps = Some(steps);
        Ok(Value::View(View { id, is_bytes: true, ..view.clone() }))
    }

    pub(super) fn dequantize(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        plain(node)?;
        if let Value::Constant(constant) = self.operand(x, 0)? {
            let quantisation = self.quantisation(node, x, constant)?;
            if constant.quantisation.is_some() || matches!(constant.data, Data::Reals(_) | Data::I64(_)) {
                return Err(format!("of a constant {constant}"));
            }
            self.budget.take(constant.data.bytes())?;
            let (shape, data) = (constant.shape.clone(), constant.data.clone());
            return Ok(Value::Constant(Rc::new(Constant { shape, data, quantisation: Some(quantisation) })));
        }
        let Value::View(view) = self.operand(x, 0)? else { return Err("its input is not known".into()) };
        if view.has_ended {
            return Ok(Value::View(view.clone()));
        }
        if !view.is_bytes {
            return Err("its input is real numbers already".into());
        }
        let of_input = self.chain.vectors[view.id].steps.is_none();
        let is_unsigned = match self.chain.vectors[view.id].steps {
            Some(steps) => steps.is_unsigned,
            None => match self.chain.input_element {
                Element::I8 => false,
                Element::U8 => true,
                other => return Err(format!("of an input of {other}: bytes are wanted")),
            },
        };
        let steps = self.steps(x, is_unsigned)?;
        let vector = &mut self.chain.vectors[view.id];
        if of_input {
            vector.steps = Some(steps);
        } else if vector.steps != Some(steps) {
            return Err("its scale or zero point is another than that of the QuantizeLinear before it".into());
        }
        Ok(Value::View(View { is_bytes: false, ..view.clone() }))
    }

    /// A, its scale and zero point, B, its, and those of the output.
    pub(super) fn quantized_matmul(&mut self, x: Operands<'_>) -> Result<Value, String> {
        let node = NodeProto::default();
        let weights = self.constant_at(x, 3)?;
        // Scales of the second matrix are those of its columns.
        let last = weights.shape.len().saturating_sub(1);
        let columns = attribute("axis", last as i64);
        let a = self.dequantize(&node, x.get(..3).unwrap_or(&[]))?;
        let b = self.dequantize(&columns, x.get(3..6).unwrap_or(&[]))?;
        let y = self.matmul(&[Some(a), Some(b)])?;
        let out = [Some(y), x.get(6).cloned().flatten(), x.get(7).cloned().flatten()];
        self.quantize(&node, &out)
    }

    /// As above, with a bias of 32 bits before the output's scale and zero point; without these the output is real numbers.
    pub(super) fn quantized_gemm(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let plain = NodeProto::default();
        let is_transposed = node.int("transB", 0)? != 0;
        let rows = attribute("axis", if is_transposed { 0 } else { 1 });
        let a = self.dequantize(&plain, x.get(..3).unwrap_or(&[]))?;
        let b = self.dequantize(&rows, x.get(3..6).unwrap_or(&[]))?;
        let bias = match (self.optional(x, 6)?, &a, &b) {
            (Some(c), Value::View(view), Value::Constant(w)) => {
                let (Some(steps), Some(q)) = (self.chain.vectors[view.id].steps, &w.quantisation) else {
                    return Err("its scales are not known".into());
                };
                let scales: Vec<f32> = q.scales.iter().map(|scale| scale * steps.scale).collect();
                if scales.len() > 1 && scales.len() != c.len() {
                    return Err(format!("its bias is {c}, wanted {} numbers", scales.len()));
                }
                let quantisation =
                    Quantisation { zeros: vec![0; scales.len()], scales, axis: c.shape.len().saturating_sub(1) };
                let (shape, data) = (c.shape.clone(), c.data.clone());
                self.budget.take(data.bytes())?;
                Some(Value::Constant(Rc::new(Constant { shape, data, quantisation: Some(quantisation) })))
            }
            _ => None,
        };
        let y = self.gemm(node, &[Some(a), Some(b), bias])?;
        if x.get(7).is_none_or(Option::is_none) {
            return Ok(y);
        }
        self.quantize(&plain, &[Some(y), x.get(7).cloned().flatten(), x.get(8).cloned().flatten()])
    }

    /// Of a vector: one scale and one zero point.
    fn steps(&self, x: Operands<'_>, is_unsigned: bool) -> Result<Steps, String> {
        let (scale, zero) = (self.constant_at(x, 1)?, self.optional(x, 2)?);
        let one = scale.real().ok_or_else(|| format!("its scale is {scale}, wanted one number"))?;
        let zero = match zero {
            None => 0,
            Some(zero) => zero.int().ok_or_else(|| format!("its zero point is {zero}, wanted one integer"))?,
        };
        let zero = zero - if is_unsigned { 128 } else { 0 };
        if !(-128..=127).contains(&zero) {
            return Err(format!("its zero point is {zero}, beyond a byte"));
        }
        Ok(Steps { scale: positive(one)?, zero: zero as i32, is_unsigned })
    }

    /// Of a constant: one scale and zero point, or one for each slice of a dimension.
    fn quantisation(&self, node: &NodeProto, x: Operands<'_>, of: &Constant) -> Result<Quantisation, String> {
        let (scale, zero) = (self.constant_at(x, 1)?, self.optional(x, 2)?);
        let scales = scale.reals().into_iter().map(positive).collect::<Result<Vec<_>, _>>()?;
        let axis = if scales.len() == 1 { 0 } else { shape::axis(node.int("axis", 1)?, of.shape.len())? };
        if scales.len() != 1 && (scale.shape.len() != 1 || of.shape[axis] != scales.len()) {
            return Err(format!(
                "its scales are {scale}, wanted one number or one for each slice of dimension {axis} of {of}"
            ));
        }
        let zeros = match zero {
            None => vec![0; scales.len()],
            Some(zero) if zero.len() == scales.len() => {
                let zeros = zero.ints(zero.len()).ok_or_else(|| format!("its zero points are {zero}"))?;
                zeros.iter().map(|&zero| i32::try_from(zero).unwrap_or(i32::MAX)).collect()
            }
            Some(zero) => return Err(format!("its zero points are {zero}, wanted as many as scales")),
        };
        Ok(Quantisation { scales, zeros, axis })
    }

    /// What QuantizeLinear makes of weights in real numbers.
    fn quantized_constant(&mut self, constant: &Constant, of: Quantisation, to: Element) -> Result<Value, String> {
        self.budget.take(5 * constant.len())?;
        let slice: usize = constant.shape.get(of.axis + 1..).unwrap_or(&[]).iter().product();
        let (lo, hi) = if to == Element::U8 { (0, 255) } else { (-128, 127) };
        let byte = |(i, x): (usize, f32)| {
            let s = if of.scales.len() == 1 { 0 } else { i / slice.max(1) % of.scales.len() };
            let steps = (x / of.scales[s]).round_ties_even().clamp(-65536.0, 65536.0) as i32;
            steps.saturating_add(of.zeros[s]).clamp(lo, hi)
        };
        let bytes = constant.reals().into_iter().enumerate().map(byte);
        let data = if to == Element::U8 {
            Data::U8(bytes.map(|q| q as u8).collect())
        } else {
            Data::I8(bytes.map(|q| q as i8).collect())
        };
        Ok(Value::Constant(Rc::new(Constant::new(constant.shape.clone(), data))))
    }
}

/// Without scales of blocks.
fn plain(node: &NodeProto) -> Result<(), String> {
    if node.int("block_size", 0)? == 0 { Ok(()) } else { Err("with a scale for each block".into()) }
}

fn element(zero: &Constant) -> Result<Element, String> {
    match zero.data {
        Data::U8(_) => Ok(Element::U8),
        Data::I8(_) => Ok(Element::I8),
        _ => Err(format!("to {zero}: bytes are wanted")),
    }
}

fn positive(scale: f32) -> Result<f32, String> {
    if scale.is_normal() && scale > 0.0 {
        Ok(scale)
    } else {
        Err(format!("a scale of {scale}, wanted a number above 0"))
    }
}

/// A node with nothing but one attribute.
fn attribute(name: &str, i: i64) -> NodeProto {
    let attribute = super::schema::AttributeProto { name: name.into(), i, r#type: 2, ..Default::default() };
    NodeProto { attribute: vec![attribute], ..Default::default() }
}
