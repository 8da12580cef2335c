//! The ranges of neurons: leaves, experts, blocks, always-on parts.

use leafgate_convert::reference::{Image, Op};
use serde::Serialize;

use crate::output::{grouped, table};

/// A range, as an op uses it.
#[derive(Debug, Serialize)]
pub struct RangeRow {
    index: usize,
    op: usize,
    neurons: usize,
    key_bytes: usize,
    value_bytes: usize,
    has_output_bias: bool,
    output_major: bool,
    /// Factor from the range's scale to the accumulator's; none if they agree.
    rescale: Option<f64>,
}

/// The ranges of an image; one that several ops use is there for each.
pub fn rows(image: &Image) -> Vec<RangeRow> {
    let ffn = |(at, op): (usize, &Op)| match op {
        Op::Ffn(op) => Some((at, *op)),
        _ => None,
    };
    let of_op = |(at, op): (usize, leafgate_convert::reference::Ffn)| {
        (op.first_range..op.first_range + op.range_count).map(move |index| {
            let range = &image.ranges[index];
            RangeRow {
                index,
                op: at,
                neurons: range.neurons,
                key_bytes: range.keys(op.cols).map_or(0, |keys| keys.count()),
                value_bytes: range.values(op.rows).map_or(0, |values| values.count()),
                has_output_bias: range.value_bias(op.rows).is_some(),
                output_major: range.output_major,
                rescale: range.scale.map(|scale| f64::from(scale.m) / 2f64.powi(scale.s.into())),
            }
        })
    };
    image.ops.iter().enumerate().filter_map(ffn).flat_map(of_op).collect()
}

/// The ranges as a table.
pub fn render(ranges: &[RangeRow]) -> String {
    if ranges.is_empty() {
        return "none\n".into();
    }
    let rows = ranges.iter().map(|range| {
        vec![
            range.index.to_string(),
            range.op.to_string(),
            grouped(range.neurons),
            grouped(range.key_bytes),
            grouped(range.value_bytes),
            if range.output_major { "output-major" } else { "neuron-major" }.into(),
            if range.has_output_bias { "yes" } else { "no" }.into(),
            range.rescale.map_or_else(|| "1".into(), |factor| format!("{factor:.6}")),
        ]
    });
    table(&[">", ">op", ">neurons", ">keys B", ">values B", "layout", "bias", ">rescale"], rows)
}
