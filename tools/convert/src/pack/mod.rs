//! From the integer graph and its plan to the bytes of an image, by the record types that the device reads.

mod ops;
mod section;

use leafgate_image::{
    ALIGN, FORMAT, Header, MAGIC, NO_TENSOR, TensorRecord, dtype, image_crc32, place, section as kind,
};
use zerocopy::IntoBytes;

use crate::ConvertError;
use crate::plan::Plan;
use crate::quantize::integer::{Dtype, IntGraph, IntOp, TensorId};
use ops::OpWriter;
use section::Sections;

/// What goes into an image beside the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Names of the outputs.
    pub labels: Vec<String>,
    /// Inputs with the outputs wanted.
    pub golden: Vec<GoldenVector>,
    /// Lines `key=value`.
    pub provenance: Vec<(String, String)>,
    /// Chosen by the user.
    pub model_version: u32,
}

/// An input with the outputs wanted: what a device proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldenVector {
    /// Bytes of the input tensor.
    pub input: Vec<u8>,
    /// All values of the output tensor, widened.
    pub outputs: Vec<i32>,
}

/// Writes the image.
///
/// # Errors
/// If a figure exceeds what the format can hold, with the record and the limit.
pub fn pack(graph: &IntGraph, plan: &Plan, extras: &Extras) -> Result<Vec<u8>, ConvertError> {
    let tensors = tensor_records(graph, plan)?;
    let mut writer = OpWriter::new(graph);
    for (name, op) in &graph.ops {
        writer.write(name, op)?;
    }
    let output = graph.ops.iter().find_map(|(_, op)| match op {
        IntOp::Readout { input, .. } => Some(*input),
        _ => None,
    });

    let mut sections = Sections::default();
    sections.records(kind::OPS, 64, &writer.ops)?;
    sections.records(kind::TENSORS, 32, &tensors)?;
    sections.records(kind::RANGES, 48, &writer.ranges)?;
    sections.blob(kind::CONSTANTS, writer.constants.bytes())?;
    sections.blob(kind::LABELS, &labels(&extras.labels)?)?;
    sections.blob(kind::GOLDEN, &golden(&extras.golden))?;
    sections.blob(kind::PROVENANCE, provenance(&extras.provenance).as_bytes())?;

    let saturate = |figure: u64| u32::try_from(figure).unwrap_or(u32::MAX);
    let header = Header {
        magic: MAGIC,
        format: FORMAT,
        header_bytes: size_of::<Header>() as u16,
        features: writer.features,
        packing: writer.packing,
        arena_bytes: plan.arena_bytes as u32,
        input: IntGraph::INPUT.0 as u16,
        output: output.map_or(NO_TENSOR, |id| id.0 as u16),
        worst_macs: saturate(writer.cost.macs),
        worst_gates: saturate(writer.cost.gates),
        worst_bytes: saturate(writer.cost.bytes),
        model_version: extras.model_version,
        worst_steps: saturate(writer.cost.steps()),
        ..Header::default()
    };
    let mut image = sections.assemble(header)?;
    let crc = image_crc32(&image);
    image[12..16].copy_from_slice(&crc.to_le_bytes());
    Ok(image)
}

fn tensor_records(graph: &IntGraph, plan: &Plan) -> Result<Vec<u8>, ConvertError> {
    let mut bytes = Vec::new();
    for (i, (tensor, slot)) in graph.tensors.iter().zip(&plan.slots).enumerate() {
        let is_input = TensorId(i) == IntGraph::INPUT;
        let record = TensorRecord {
            dtype: match tensor.dtype {
                Dtype::I8 => dtype::I8,
                Dtype::I32 => dtype::I32,
                Dtype::Bits => dtype::BITS,
                Dtype::List => dtype::LIST,
            },
            place: if is_input { place::INPUT } else { place::ARENA },
            offset: slot.map_or(0, |slot| slot.offset as u32),
            rows: 1,
            cols: fit(&tensor.name, "elements", tensor.cols)?,
            scale: tensor.scale as f32,
            zero_point: tensor.zero_point as f32,
            ..TensorRecord::default()
        };
        bytes.extend_from_slice(record.as_bytes());
    }
    Ok(bytes)
}

/// A count as u32.
pub(crate) fn fit(place: &str, what: &str, count: usize) -> Result<u32, ConvertError> {
    u32::try_from(count).map_err(|_| ConvertError::TooLarge {
        place: place.into(),
        what: what.into(),
        want: u32::MAX.into(),
        have: count as u64,
    })
}

fn labels(labels: &[String]) -> Result<Vec<u8>, ConvertError> {
    if labels.is_empty() {
        return Ok(Vec::new());
    }
    let mut bytes = (labels.len() as u32).to_le_bytes().to_vec();
    for label in labels {
        let length = u8::try_from(label.len()).map_err(|_| ConvertError::TooLarge {
            place: format!("label `{label}`"),
            what: "length in bytes".into(),
            want: u8::MAX.into(),
            have: label.len() as u64,
        })?;
        bytes.push(length);
        bytes.extend_from_slice(label.as_bytes());
    }
    Ok(bytes)
}

fn golden(vectors: &[GoldenVector]) -> Vec<u8> {
    let Some(GoldenVector { input, outputs }) = vectors.first() else { return Vec::new() };
    let padded = input.len().next_multiple_of(4);
    let head = [vectors.len(), input.len(), outputs.len(), padded + 4 * outputs.len()];
    let mut bytes: Vec<u8> = head.iter().flat_map(|&figure| (figure as u32).to_le_bytes()).collect();
    for GoldenVector { input, outputs } in vectors {
        bytes.extend_from_slice(input);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(outputs.iter().flat_map(|output| output.to_le_bytes()));
    }
    bytes
}

fn provenance(entries: &[(String, String)]) -> String {
    // A line is a line: what came from outside must not start another.
    let line = |text: &str| text.replace(['\n', '\r'], " ");
    entries.iter().map(|(key, value)| format!("{}={}\n", line(key), line(value))).collect()
}

const _: () = assert!(ALIGN == 16);
