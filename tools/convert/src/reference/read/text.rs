//! The sections that do not take part in a run: labels, golden vectors, provenance.

use super::super::image::{Golden, Tensor};
use super::error::{At, ReadError, Want};
use super::record::check;

/// Takes the first bytes off a blob.
fn take<'a>(rest: &mut &'a [u8], count: usize, at: At, what: &'static str) -> Result<&'a [u8], ReadError> {
    match rest.split_at_checked(count) {
        Some((taken, left)) => {
            *rest = left;
            Ok(taken)
        }
        None => Err(ReadError::Truncated { at, what, want: count as u64, have: rest.len() as u64 }),
    }
}

fn take_u32(rest: &mut &[u8], at: At, what: &'static str) -> Result<u32, ReadError> {
    let bytes = take(rest, 4, at, what)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

pub(super) fn labels(blob: &[u8]) -> Result<Vec<String>, ReadError> {
    let mut rest = blob;
    let count = take_u32(&mut rest, At::Label { index: 0 }, "count of labels")?;
    let mut labels = Vec::new();
    for index in 0..count as usize {
        let at = At::Label { index };
        let length = take(&mut rest, 1, at, "length of a label")?[0];
        let text = take(&mut rest, length.into(), at, "label")?;
        let text = std::str::from_utf8(text).map_err(|_| ReadError::Text { at, want: "UTF-8" })?;
        labels.push(text.to_owned());
    }
    let at = At::Label { index: labels.len() };
    check(at, "bytes after the last label", Want::Exactly(0), rest.len() as i128)?;
    Ok(labels)
}

pub(super) fn golden(blob: &[u8], input: &Tensor, output: &Tensor) -> Result<Vec<Golden>, ReadError> {
    let (at, mut rest) = (At::Golden, blob);
    let count = take_u32(&mut rest, at, "count")?;
    let input_bytes = take_u32(&mut rest, at, "input_bytes")?;
    let outputs = take_u32(&mut rest, at, "outputs")?;
    let stride = take_u32(&mut rest, at, "stride")?;
    check(at, "input_bytes", Want::Exactly(input.bytes() as i128), input_bytes)?;
    check(at, "outputs", Want::Exactly(output.elements() as i128), outputs)?;
    let padded = input.bytes().next_multiple_of(4);
    let want = padded as u64 + 4 * output.elements() as u64;
    check(at, "stride", Want::Exactly(want.into()), stride)?;
    let want = 16 + i128::from(count) * i128::from(stride);
    check(at, "bytes of the section", Want::Exactly(want), blob.len() as i128)?;

    let mut golden = Vec::new();
    for vector in rest.chunks_exact(stride as usize) {
        let (input_part, outputs) = vector.split_at(padded);
        let (input, padding) = input_part.split_at(input.bytes());
        for &byte in padding {
            check(at, "padding of an input", Want::Exactly(0), byte)?;
        }
        let outputs = outputs.chunks_exact(4).map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        golden.push(Golden { input: input.to_vec(), outputs: outputs.collect() });
    }
    Ok(golden)
}

pub(super) fn provenance(blob: &[u8]) -> Result<Vec<(String, String)>, ReadError> {
    let at = At::Provenance;
    let text = std::str::from_utf8(blob).map_err(|_| ReadError::Text { at, want: "UTF-8" })?;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let pair = line.strip_suffix('\n').and_then(|line| line.split_once('='));
        let (key, value) = pair.ok_or(ReadError::Text { at, want: "lines key=value, each ended by a newline" })?;
        lines.push((key.to_owned(), value.to_owned()));
    }
    for what in ["name", "converter", "source_sha256", "options"] {
        if !lines.iter().any(|(key, _)| key == what) {
            return Err(ReadError::Missing { at, what });
        }
    }
    Ok(lines)
}
