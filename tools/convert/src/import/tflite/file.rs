//! What a TensorFlow Lite file holds, with every index, shape and length checked: tensors, operators, inputs and outputs.
//!
//! Nothing is copied but small lists of bounded length: names and constants are borrowed, so that a file which names the same table many times
//! costs no more memory than its bytes.

use planus::ReadAsRoot as _;

use super::operators;
use super::schema::tflite::{ModelRef, OperatorRef, TensorRef};

/// Dimensions of a tensor: more than any network has that fits here.
const MAX_DIMENSIONS: usize = 8;

/// Operands of an operator.
const MAX_OPERANDS: usize = 64;

/// Operators: an image holds no more ops.
const MAX_OPERATORS: usize = 1 << 12;

/// Tensors.
const MAX_TENSORS: usize = 1 << 14;

/// Elements of a tensor.
const MAX_ELEMENTS: usize = 1 << 30;

/// A model: one subgraph.
pub(super) struct File<'a> {
    /// Every tensor of the subgraph.
    pub(super) tensors: Vec<Tensor<'a>>,
    /// In the order they run.
    pub(super) operators: Vec<Operator>,
    /// Index of the input tensor.
    pub(super) input: usize,
    /// Index of the output tensor.
    pub(super) output: usize,
    /// Its size.
    pub(super) bytes: usize,
}

/// Element types that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F16,
    I32,
    U8,
    I8,
    /// Another, by its number.
    Other(i8),
}

/// A tensor.
pub(super) struct Tensor<'a> {
    /// As the file has it; may be empty, or that of another.
    pub(super) name: &'a str,
    /// Each at least 1.
    pub(super) shape: Vec<usize>,
    /// Product of the shape.
    pub(super) len: usize,
    pub(super) element: Element,
    /// Of a constant: exactly its elements.
    pub(super) data: Option<&'a [u8]>,
    /// Empty if it is not quantised; one, or one per slice of `axis`.
    pub(super) scales: Vec<f32>,
    /// As many as scales.
    pub(super) zero_points: Vec<i64>,
    /// The dimension that scales are of.
    pub(super) axis: usize,
}

/// An operator.
pub(super) struct Operator {
    /// As the schema has it, or of a custom one its own.
    pub(super) name: String,
    /// Indices of tensors; one may be absent.
    pub(super) inputs: Vec<Option<usize>>,
    /// Indices of tensors.
    pub(super) outputs: Vec<usize>,
    /// Fused activation as `ActivationFunctionType`, of those that have one.
    pub(super) activation: i8,
}

impl Element {
    fn of(number: i8) -> Self {
        match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I32,
            3 => Self::U8,
            9 => Self::I8,
            other => Self::Other(other),
        }
    }

    /// Bytes of one, where it is known.
    fn bytes(self) -> Option<usize> {
        match self {
            Self::F32 | Self::I32 => Some(4),
            Self::F16 => Some(2),
            Self::U8 | Self::I8 => Some(1),
            Self::Other(_) => None,
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::F32 => f.write_str("f32"),
            Self::F16 => f.write_str("f16"),
            Self::I32 => f.write_str("i32"),
            Self::U8 => f.write_str("u8"),
            Self::I8 => f.write_str("i8"),
            Self::Other(number) => write!(f, "type {number}"),
        }
    }
}

impl std::fmt::Display for Tensor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(f, "{}[{}]", self.element, shape.join(","))
    }
}

impl Tensor<'_> {
    /// Its elements as real numbers, if it is a constant of a type that has them: of integers `scale * (q - zero_point)`.
    pub(super) fn reals(&self) -> Option<Vec<f32>> {
        let data = self.data?;
        let is_real = matches!(self.element, Element::F32 | Element::F16);
        if !is_real && self.scales.is_empty() {
            return None;
        }
        let slice: usize = self.shape.get(self.axis + 1..).unwrap_or(&[]).iter().product();
        let of = |i: usize| if self.scales.len() == 1 { 0 } else { i / slice % self.scales.len().max(1) };
        let real = |(i, q): (usize, i64)| (f64::from(self.scales[of(i)]) * (q - self.zero_points[of(i)]) as f64) as f32;
        let numbers = match self.element {
            Element::F32 => data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
            Element::F16 => {
                let halves = data.as_chunks().0.iter();
                halves.map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect()
            }
            Element::I8 => data.iter().map(|&byte| i64::from(byte as i8)).enumerate().map(real).collect(),
            Element::U8 => data.iter().map(|&byte| i64::from(byte)).enumerate().map(real).collect(),
            Element::I32 => {
                let words = data.as_chunks().0.iter().map(|&bytes| i64::from(i32::from_le_bytes(bytes)));
                words.enumerate().map(real).collect()
            }
            Element::Other(_) => return None,
        };
        Some(numbers)
    }

    /// Its elements, if it is a constant of 32-bit integers.
    pub(super) fn ints(&self) -> Option<Vec<i32>> {
        let data = self.data.filter(|_| self.element == Element::I32)?;
        Some(data.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes)).collect())
    }
}

/// Reads a file; the error says what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<File<'_>, String> {
    let damaged = |error: planus::Error| format!("damaged TensorFlow Lite file: {error}");
    let model = ModelRef::read_as_root(bytes).map_err(damaged)?;
    read_model(bytes, model).map_err(|error| match error {
        Refusal::Damaged(error) => damaged(error),
        Refusal::Said(why) => why,
    })
}

enum Refusal {
    Damaged(planus::Error),
    Said(String),
}

impl From<planus::Error> for Refusal {
    fn from(error: planus::Error) -> Self {
        Self::Damaged(error)
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Said(why)
    }
}

fn read_model<'a>(bytes: &'a [u8], model: ModelRef<'a>) -> Result<File<'a>, Refusal> {
    if model.version()? != 3 {
        return Err(format!("TensorFlow Lite schema {}, wanted 3", model.version()?).into());
    }
    let graphs = model.subgraphs()?.map_or(0, |graphs| graphs.len());
    let graph = match model.subgraphs()?.and_then(|graphs| graphs.get(0)) {
        Some(graph) if graphs == 1 => graph?,
        _ => return Err(format!("a TensorFlow Lite file of {graphs} subgraphs, wanted 1").into()),
    };
    let counts = [graph.tensors()?.map_or(0, |list| list.len()), graph.operators()?.map_or(0, |list| list.len())];
    for ((what, most), count) in [("tensors", MAX_TENSORS), ("operators", MAX_OPERATORS)].into_iter().zip(counts) {
        if count > most {
            return Err(format!("{count} {what}, wanted at most {most}").into());
        }
    }
    let (mut tensors, mut scales) = (Vec::new(), 0);
    for (i, tensor) in graph.tensors()?.into_iter().flatten().enumerate() {
        let tensor = read_tensor(i, tensor?, model)?;
        scales += tensor.scales.len();
        if scales > bytes.len() {
            return Err("more scales than bytes".to_owned().into());
        }
        tensors.push(tensor);
    }
    let mut operators = Vec::new();
    for (i, operator) in graph.operators()?.into_iter().flatten().enumerate() {
        operators.push(read_operator(i, operator?, model, tensors.len())?);
    }
    let one = |what: &str, list: Option<planus::Vector<'_, i32>>| match list {
        Some(list) if list.len() == 1 => index(list.get(0).unwrap_or(-1), tensors.len(), what),
        list => Err(format!("a model of {} {what}s, wanted 1", list.map_or(0, |list| list.len()))),
    };
    let (input, output) = (one("input", graph.inputs()?)?, one("output", graph.outputs()?)?);
    Ok(File { tensors, operators, input, output, bytes: bytes.len() })
}

fn index(at: i32, count: usize, what: &str) -> Result<usize, String> {
    let found = usize::try_from(at).ok().filter(|&at| at < count);
    found.ok_or_else(|| format!("{what} names tensor {at} of {count}"))
}

fn read_tensor<'a>(i: usize, tensor: TensorRef<'a>, model: ModelRef<'a>) -> Result<Tensor<'a>, Refusal> {
    let name = tensor.name()?.unwrap_or("");
    let place = || format!("tensor {i} (`{}`)", name.chars().take(80).collect::<String>());
    let mut shape = Vec::new();
    for dimension in tensor.shape()?.into_iter().flatten().take(MAX_DIMENSIONS) {
        let dimension = usize::try_from(dimension).ok().filter(|&dimension| dimension > 0);
        shape.push(dimension.ok_or_else(|| format!("{} has a dimension below 1", place()))?);
    }
    let len = shape.iter().try_fold(1usize, |len, &dimension| len.checked_mul(dimension));
    let len = len.filter(|&len| len <= MAX_ELEMENTS);
    let len = len.ok_or_else(|| format!("{} has more than {MAX_ELEMENTS} elements", place()))?;
    let element = Element::of(tensor.element()?);
    let count = model.buffers()?.map_or(0, |buffers| buffers.len());
    let buffer = match tensor.buffer()? as usize {
        // By convention the first buffer is that of tensors without content.
        0 => None,
        at => {
            let buffer = model.buffers()?.and_then(|buffers| buffers.get(at));
            Some(buffer.ok_or_else(|| format!("{} names buffer {at} of {count}", place()))??)
        }
    };
    if let Some(buffer) = &buffer
        && buffer.offset()? > 1
    {
        return Err(format!("{} keeps its content outside of the model", place()).into());
    }
    let data = buffer.map(|buffer| buffer.data()).transpose()?.flatten().filter(|data| !data.is_empty());
    if let (Some(data), Some(size)) = (data, element.bytes())
        && data.len() != len * size
    {
        return Err(format!("{} has {} bytes, wanted {}", place(), data.len(), len * size).into());
    }
    let (mut scales, mut zero_points, mut axis) = (Vec::new(), Vec::new(), 0);
    if let Some(quantization) = tensor.quantization()? {
        axis = usize::try_from(quantization.quantized_dimension()?).unwrap_or(usize::MAX);
        let (scale, zero) = (quantization.scale()?, quantization.zero_point()?);
        let count = scale.map_or(0, |scale| scale.len());
        let slices = shape.get(axis).copied().unwrap_or(1);
        let zeros = zero.map_or(0, |zero| zero.len());
        if count > 1 && count != slices || (zeros != 0 && zeros != count) {
            let want = format!("one, or {slices} along dimension {axis}");
            return Err(format!("{} has {count} scales and {zeros} zero points, wanted {want}", place()).into());
        }
        for i in 0..count {
            let scale = scale.and_then(|scale| scale.get(i)).unwrap_or(0.0);
            if !(scale.is_normal() && scale > 0.0) {
                return Err(format!("{} has a scale of {scale}, wanted a number above 0", place()).into());
            }
            scales.push(scale);
            zero_points.push(zero.and_then(|zero| zero.get(i)).unwrap_or(0));
        }
        if !zero_points.iter().all(|zero| (-65536..=65536).contains(zero)) {
            return Err(format!("{} has a zero point beyond 65536", place()).into());
        }
    }
    Ok(Tensor { name, shape, len, element, data, scales, zero_points, axis })
}

fn read_operator(
    i: usize,
    operator: OperatorRef<'_>,
    model: ModelRef<'_>,
    tensors: usize,
) -> Result<Operator, Refusal> {
    let at = operator.code_index()? as usize;
    let codes = model.operator_codes()?;
    let code = codes.and_then(|codes| codes.get(at)).ok_or_else(|| format!("operator {i} has no code {at}"))??;
    // The wider field came later; writers of before left it at 0.
    let number = code.code()?.max(code.short_code()?.into());
    let name = match code.custom_code()? {
        Some(custom) if number == 32 => format!("custom operator {}", custom.chars().take(80).collect::<String>()),
        _ => operators::name(number),
    };
    let list = |what: &str, list: Option<planus::Vector<'_, i32>>| -> Result<Vec<Option<usize>>, String> {
        let place = format!("{what} of operator {i} ({name})");
        let count = list.map_or(0, |list| list.len());
        if count > MAX_OPERANDS {
            return Err(format!("{place}: there are {count}, wanted at most {MAX_OPERANDS}"));
        }
        let indices = list.into_iter().flatten();
        indices.map(|at| if at == -1 { Ok(None) } else { index(at, tensors, &place).map(Some) }).collect()
    };
    let inputs = list("an input", operator.inputs()?)?;
    let outputs = list("an output", operator.outputs()?)?.into_iter().flatten().collect();
    // FULLY_CONNECTED, ADD, MUL: the only options that are read.
    let fused = if matches!(operator.options_type()?, 8 | 11 | 21) { operator.options()? } else { None };
    let activation = fused.map_or(Ok(0), |fused| fused.activation())?;
    Ok(Operator { name, inputs, outputs, activation })
}
