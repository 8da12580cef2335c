//! Sums, products and bounds: with constants, of two vectors, and of constants alone.

use std::rc::Rc;

use super::chain::{Function, Kind};
use super::constant::{Constant, Data};
use super::schema::NodeProto;
use super::shape::{self, Shape};
use super::walk::{Operands, Value, View, Walk, real};

/// The operator.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
}

impl Walk<'_> {
    pub(super) fn arithmetic(&mut self, node: &NodeProto, x: Operands<'_>) -> Result<Value, String> {
        let sign = match node.op_type.as_str() {
            "Add" => Sign::Add,
            "Sub" => Sign::Sub,
            "Mul" => Sign::Mul,
            "Div" => Sign::Div,
            "Max" => Sign::Max,
            _ => Sign::Min,
        };
        if x.len() != 2 {
            return Err(format!("of {} inputs, wanted 2", x.len()));
        }
        match (self.operand(x, 0)?, self.operand(x, 1)?) {
            (Value::Constant(a), Value::Constant(b)) => self.constants(sign, a, b),
            (Value::Constant(c), _) => self.with_constant(sign, c, self.vector(x, 1)?, true),
            (_, Value::Constant(c)) => self.with_constant(sign, c, self.vector(x, 0)?, false),
            _ => self.vectors(sign, self.vector(x, 0)?, self.vector(x, 1)?),
        }
    }

    /// `x` and `c`, or if `is_first` `c` and `x`.
    fn with_constant(&mut self, sign: Sign, c: &Rc<Constant>, x: &View, is_first: bool) -> Result<Value, String> {
        let len = self.chain.vectors[x.id].len;
        let to = shape::broadcast(&x.shape, &c.shape).filter(|to| shape::elements(to) == Some(len));
        let to = to.ok_or_else(|| format!("of {} and a constant {c}, which makes it larger", shape::show(&x.shape)))?;
        let numbers = self.spread(c, &to)?;
        if matches!(sign, Sign::Max | Sign::Min) {
            let &[bound] = &numbers[..] else { return Err(format!("of a constant {c}, wanted one number")) };
            let bounds = if sign == Sign::Max { (bound, f32::INFINITY) } else { (f32::NEG_INFINITY, bound) };
            if bound.is_nan() {
                return Err("its bound is not a number".into());
            }
            return Ok(real(self.push(Kind::Map(Function::Clamp(bounds.0, bounds.1)), x.id, len), to));
        }
        let each = |f: fn(f32) -> f32| numbers.iter().map(|&c| f(c)).collect::<Vec<_>>();
        let (gain, bias) = match (sign, is_first) {
            (Sign::Add, _) => (vec![1.0], numbers),
            (Sign::Sub, false) => (vec![1.0], each(|c| -c)),
            (Sign::Sub, true) => (vec![-1.0], numbers),
            (Sign::Div, false) => (each(|c| 1.0 / c), vec![0.0]),
            (Sign::Div, true) => return Err("by activations".into()),
            _ => (numbers, vec![0.0]),
        };
        Ok(real(self.affine(x.id, gain, bias), to))
    }

    /// The constant's number, or one for each element of `to`.
    fn spread(&mut self, c: &Constant, to: &[usize]) -> Result<Vec<f32>, String> {
        let numbers = c.reals();
        if numbers.len() == 1 {
            return Ok(numbers);
        }
        self.budget.take(8 * shape::elements(to).unwrap_or(usize::MAX / 8))?;
        Ok(shape::spread(&c.shape, to).map(|i| numbers[i]).collect())
    }

    fn vectors(&mut self, sign: Sign, a: &View, b: &View) -> Result<Value, String> {
        let len = self.chain.vectors[a.id].len;
        let same = self.chain.vectors[b.id].len == len;
        let to: Option<Shape> =
            shape::broadcast(&a.shape, &b.shape).filter(|to| same && shape::elements(to) == Some(len));
        let to = to.ok_or_else(|| {
            format!("of {} and {}, wanted the same shape", shape::show(&a.shape), shape::show(&b.shape))
        })?;
        let id = match sign {
            Sign::Add if a.id == b.id => self.affine(a.id, vec![2.0], vec![0.0]),
            Sign::Add => self.push(Kind::Add { second: b.id }, a.id, len),
            Sign::Sub => {
                let minus = self.affine(b.id, vec![-1.0], vec![0.0]);
                self.push(Kind::Add { second: minus }, a.id, len)
            }
            Sign::Mul => self.product(a.id, b.id, len),
            Sign::Div | Sign::Max | Sign::Min => return Err("of two activations".into()),
        };
        Ok(real(id, to))
    }

    /// A product is a curve of one number, written in pieces, or an op of its own.
    fn product(&mut self, a: usize, b: usize, len: usize) -> usize {
        let Some(curve) = super::curve::of_product(&self.chain, a, b) else {
            return self.push(Kind::Mul { second: b }, a, len);
        };
        let id = self.push(Kind::Map(Function::Curve(curve.activation)), curve.input, len);
        if curve.gain == 1.0 { id } else { self.affine(id, vec![curve.gain], vec![0.0]) }
    }

    fn constants(&mut self, sign: Sign, a: &Constant, b: &Constant) -> Result<Value, String> {
        let to = shape::broadcast(&a.shape, &b.shape).filter(|to| shape::elements(to).is_some());
        let to = to.ok_or_else(|| format!("of {a} and {b}"))?;
        let of = |x: f64, y: f64| match sign {
            Sign::Add => x + y,
            Sign::Sub => x - y,
            Sign::Mul => x * y,
            Sign::Div => x / y,
            Sign::Max => x.max(y),
            Sign::Min => x.min(y),
        };
        if let (Some(x), Some(y), true) = (a.ints(shape::MAX_RANK), b.ints(shape::MAX_RANK), to.len() < 2) {
            let pairs = shape::spread(&a.shape, &to).zip(shape::spread(&b.shape, &to));
            // Division of sizes rounds down.
            let list: Vec<i64> = pairs.map(|(i, j)| of(x[i] as f64, y[j] as f64).floor() as i64).collect();
            return Ok(Value::Constant(Rc::new(Constant::new(to, Data::I64(list)))));
        }
        self.budget.take(4 * (a.len() + b.len() + shape::elements(&to).unwrap_or(0)))?;
        let (x, y) = (a.reals(), b.reals());
        let pairs = shape::spread(&a.shape, &to).zip(shape::spread(&b.shape, &to));
        let numbers = pairs.map(|(i, j)| of(x[i].into(), y[j].into()) as f32).collect();
        Ok(Value::Constant(Rc::new(Constant::new(to, Data::Reals(numbers)))))
    }
}
