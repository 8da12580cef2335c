//! What an ONNX file holds, with every count, shape and length checked: nodes, constants, the input and the output.

use std::collections::HashMap;
use std::rc::Rc;

use prost::Message as _;
use prost::bytes::Bytes;

use super::constant::{Constant, Data, Element};
use super::external::Folder;
use super::schema::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use super::shape::{self, Shape};
use super::wire;
use crate::error::ConvertError;

/// Nodes of a graph.
const MAX_NODES: usize = 1 << 14;

/// Operands of a node.
const MAX_OPERANDS: usize = 64;

/// What the records of a file may take when they are decoded, contents of tensors aside. Lists may grow to thrice that on the way.
const MAX_RECORD_BYTES: usize = 1 << 26;

/// What all constants may take together, those that operators make of others among them.
const MAX_CONSTANT_BYTES: usize = 1 << 27;

/// Versions of the standard operators whose meaning is known here.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=21;

/// Bytes that may still be taken for constants.
#[derive(Default)]
pub(super) struct Budget(usize);

impl Budget {
    /// Takes `bytes`.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.0 = self
            .0
            .checked_sub(bytes)
            .ok_or_else(|| format!("its constants take more than {MAX_CONSTANT_BYTES} bytes"))?;
        Ok(())
    }
}

/// A model.
pub(super) struct File {
    /// In the order they run.
    pub(super) nodes: Vec<NodeProto>,
    /// Constants of the graph by name.
    pub(super) constants: HashMap<String, Rc<Constant>>,
    /// Version of the standard operators.
    pub(super) opset: i64,
    pub(super) input: Input,
    /// Name of the output.
    pub(super) output: String,
    pub(super) budget: Budget,
}

/// The network's input.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) element: Element,
    pub(super) shape: Shape,
    /// Name of the first dimension, if its size is left open; it is 1 in `shape`.
    pub(super) open: Option<String>,
}

/// Reads a file. `folder` keeps what the file leaves outside of itself.
pub(super) fn read(bytes: &[u8], folder: &mut Folder) -> Result<File, Refusal> {
    let damaged = |why: String| Refusal::Damaged(format!("damaged ONNX file: {why}"));
    wire::cost(bytes, MAX_RECORD_BYTES).map_err(damaged)?;
    let model =
        super::schema::ModelProto::decode(Bytes::copy_from_slice(bytes)).map_err(|error| damaged(error.to_string()))?;
    let GraphProto { node: nodes, initializer, input: inputs, output: outputs, .. } =
        model.graph.ok_or_else(|| damaged("it holds no graph".into()))?;
    let opset =
        model.opset_import.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx")).map(|set| set.version);
    let opset = opset.ok_or_else(|| damaged("it names no version of the standard operators".into()))?;
    if !OPSETS.contains(&opset) {
        let want = format!("{} to {}: export the network again with one of these", OPSETS.start(), OPSETS.end());
        return Err(range("the version of the standard operators (opset)", &want, opset.to_string()));
    }
    if nodes.len() > MAX_NODES {
        return Err(damaged(format!("{} nodes, wanted at most {MAX_NODES}", nodes.len())));
    }
    if let Some(node) = nodes.iter().find(|node| node.input.len().max(node.output.len()) > MAX_OPERANDS) {
        return Err(damaged(format!("{} has more than {MAX_OPERANDS} operands", node.op_type)));
    }
    let mut budget = Budget(MAX_CONSTANT_BYTES);
    let mut constants = HashMap::new();
    for tensor in &initializer {
        let name = cut(&tensor.name);
        let constant =
            constant(tensor, folder, &mut budget).map_err(|why| damaged(format!("tensor `{name}`: {why}")))?;
        if constants.insert(tensor.name.clone(), Rc::new(constant)).is_some() {
            return Err(damaged(format!("two tensors are called `{name}`")));
        }
    }
    // Before IR version 4 constants are inputs as well.
    let inputs: Vec<&ValueInfoProto> = inputs.iter().filter(|info| !constants.contains_key(&info.name)).collect();
    let &[input] = &inputs[..] else { return Err(not_one("inputs", &inputs)) };
    let outputs: Vec<&ValueInfoProto> = outputs.iter().collect();
    let &[output] = &outputs[..] else { return Err(not_one("outputs", &outputs)) };
    let (input, output) = (read_input(input)?, output.name.clone());
    Ok(File { nodes, constants, opset, input, output, budget })
}

/// Why a file is refused.
pub(super) enum Refusal {
    /// It is no ONNX file that can be read.
    Damaged(String),
    /// It can be read, and says something that cannot be imported.
    Said(ConvertError),
}

fn range(what: &str, want: &str, have: String) -> Refusal {
    Refusal::Said(ConvertError::Range { place: "the network".into(), what: what.into(), want: want.into(), have })
}

fn not_one(what: &str, found: &[&ValueInfoProto]) -> Refusal {
    let names: Vec<String> = found.iter().take(8).map(|info| format!("`{}`", cut(&info.name))).collect();
    let more = if found.len() > names.len() { ", and others" } else { "" };
    range(&format!("the number of {what}"), "1", format!("{} ({}{more})", found.len(), names.join(", ")))
}

/// A name as an error shows it.
pub(super) fn cut(name: &str) -> String {
    name.chars().take(80).collect()
}

fn read_input(info: &ValueInfoProto) -> Result<Input, Refusal> {
    let name = cut(&info.name);
    let tensor = info.r#type.as_ref().and_then(|info| info.tensor_type.as_ref());
    let refuse = |want: &str, have: String| range(&format!("the input `{name}`"), want, have);
    let tensor = tensor.ok_or_else(|| refuse("a tensor", "something else".into()))?;
    let sizes = tensor.shape.as_ref().ok_or_else(|| refuse("a tensor of known shape", "one of any shape".into()))?;
    if sizes.dim.len() > shape::MAX_RANK {
        return Err(refuse(&format!("at most {} dimensions", shape::MAX_RANK), sizes.dim.len().to_string()));
    }
    let (mut shape, mut open) = (Vec::new(), None);
    for (d, size) in sizes.dim.iter().enumerate() {
        let known = size.dim_value.filter(|&size| size != 0 && size != -1);
        if known.is_none() && d == 0 && sizes.dim.len() > 1 {
            open = Some(cut(size.dim_param.as_deref().unwrap_or("batch")));
            shape.push(1);
            continue;
        }
        let known = known.ok_or_else(|| {
            let called = size.dim_param.as_deref().filter(|name| !name.is_empty());
            let called = called.map_or_else(String::new, |name| format!(" (`{}`)", cut(name)));
            refuse(
                "a tensor whose dimensions are known, but for a batch",
                format!("one whose dimension {d}{called} is left open"),
            )
        })?;
        let size = usize::try_from(known).map_err(|_| refuse("dimensions of 1 or more", known.to_string()))?;
        shape.push(size);
    }
    if shape::elements(&shape).is_none() {
        return Err(refuse(&format!("at most {} elements", shape::MAX_ELEMENTS), shape::show(&shape)));
    }
    Ok(Input { name: info.name.clone(), element: Element::of(tensor.elem_type), shape, open })
}

/// The constant that a tensor of the file is.
pub(super) fn constant(tensor: &TensorProto, folder: &mut Folder, budget: &mut Budget) -> Result<Constant, String> {
    let element = Element::of(tensor.data_type);
    let size = element.bytes().ok_or_else(|| format!("its elements are of {element}, which cannot be read"))?;
    if tensor.dims.len() > shape::MAX_RANK {
        return Err(format!("{} dimensions, wanted at most {}", tensor.dims.len(), shape::MAX_RANK));
    }
    let sizes: Option<Shape> = tensor.dims.iter().map(|&size| usize::try_from(size).ok()).collect();
    let sizes = sizes.ok_or_else(|| format!("a dimension of {:?} is below 0", tensor.dims))?;
    let len = shape::elements(&sizes)
        .ok_or_else(|| format!("{} is more than {} elements", shape::show(&sizes), shape::MAX_ELEMENTS))?;
    // An empty list of dimensions is something; a tensor of numbers without any is not.
    if len == 0 && element != Element::I64 {
        return Err(format!("{} has no elements", shape::show(&sizes)));
    }
    budget.take(len * if element.is_real() { 4.max(size) } else { size })?;
    let outside;
    let (raw, is_raw) = if tensor.data_location == 1 {
        outside = folder.read(&tensor.external_data, len * size)?;
        (&outside[..], true)
    } else {
        (&tensor.raw_data[..], !tensor.raw_data.is_empty())
    };
    let listed = match element {
        Element::F32 => tensor.float_data.len(),
        Element::F64 => tensor.double_data.len(),
        Element::I64 => tensor.int64_data.len(),
        _ => tensor.int32_data.len(),
    };
    let (have, want) = if is_raw { (raw.len(), len * size) } else { (listed, len) };
    if have != want {
        let what = if is_raw { "bytes" } else { "elements" };
        return Err(format!("{have} {what}, wanted {want}"));
    }
    let data = if is_raw { from_bytes(element, raw) } else { from_lists(element, tensor) };
    Ok(Constant::new(sizes, data))
}

/// Elements as they lie in memory of little-endian machines.
fn from_bytes(element: Element, raw: &[u8]) -> Data {
    match element {
        Element::F32 => Data::Reals(raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()),
        Element::F64 => Data::Reals(raw.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect()),
        Element::F16 => {
            Data::Reals(raw.as_chunks().0.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect())
        }
        Element::Bf16 => {
            Data::Reals(raw.as_chunks().0.iter().map(|&bytes| half::bf16::from_le_bytes(bytes).to_f32()).collect())
        }
        Element::I8 => Data::I8(raw.iter().map(|&byte| byte as i8).collect()),
        Element::I32 => Data::I32(raw.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes)).collect()),
        Element::I64 => Data::I64(raw.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect()),
        Element::U8 | Element::Bool | Element::Other(_) => Data::U8(raw.to_vec()),
    }
}

/// Elements in the list of their type; narrow ones stand in the list of 32 bits, halves as their bits.
fn from_lists(element: Element, tensor: &TensorProto) -> Data {
    let narrow = &tensor.int32_data;
    match element {
        Element::F32 => Data::Reals(tensor.float_data.clone()),
        Element::F64 => Data::Reals(tensor.double_data.iter().map(|&x| x as f32).collect()),
        Element::F16 => Data::Reals(narrow.iter().map(|&bits| half::f16::from_bits(bits as u16).to_f32()).collect()),
        Element::Bf16 => Data::Reals(narrow.iter().map(|&bits| half::bf16::from_bits(bits as u16).to_f32()).collect()),
        Element::I8 => Data::I8(narrow.iter().map(|&q| q as i8).collect()),
        Element::I32 => Data::I32(narrow.clone()),
        Element::I64 => Data::I64(tensor.int64_data.clone()),
        Element::U8 | Element::Bool | Element::Other(_) => Data::U8(narrow.iter().map(|&q| q as u8).collect()),
    }
}
