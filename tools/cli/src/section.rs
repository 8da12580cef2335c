//! The sections of an image: which there are, and what they take.

use leafgate::image::section;
use leafgate_convert::reference::{Crc, Image, read};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;

/// A section, or what lies outside of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Name in the format document.
    pub name: String,
    /// From the start of the image; padding is in many places.
    pub offset: Option<u32>,
    /// Size.
    pub bytes: u32,
    /// Records; 0 for a blob.
    pub count: u32,
}

/// Reads an image that the engine accepts with the reader of the reference, which keeps every field.
pub fn decode(image: &[u8]) -> Result<Image, Failure> {
    read(image, Crc::Check).map_err(|error| {
        Failure::new("E0302", Exit::Malformed, format!("the reference refuses the image: {error}"))
            .hint("the image was not written by leafgate, or is damaged; docs/image-format.md has every rule")
    })
}

/// Every byte of the image: the header with the section table, the sections, and the zeros between them.
pub fn parts(image: &Image) -> Vec<Part> {
    let table_bytes = 64 + 16 * image.sections.len() as u32;
    let mut parts =
        vec![Part { name: "header and section table".into(), offset: Some(0), bytes: table_bytes, count: 0 }];
    parts.extend(image.sections.iter().map(|section| Part {
        name: name(section.kind),
        offset: Some(section.offset),
        bytes: section.bytes,
        count: section.count,
    }));
    let used: u32 = parts.iter().map(|part| part.bytes).sum();
    let padding = image.header.total_bytes.saturating_sub(used);
    parts.push(Part { name: "padding".into(), offset: None, bytes: padding, count: 0 });
    parts
}

/// The name of a kind of section.
pub fn name(kind: u16) -> String {
    let name = match kind {
        section::OPS => "ops",
        section::TENSORS => "tensors",
        section::RANGES => "ranges",
        section::CONSTANTS => "constants",
        section::LABELS => "labels",
        section::GOLDEN => "golden vectors",
        section::PROVENANCE => "provenance",
        other => return format!("kind {other:#06x}"),
    };
    name.into()
}
