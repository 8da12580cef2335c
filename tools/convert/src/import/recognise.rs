//! Tells what a file is from its first bytes. Most of the kinds here cannot be imported; they are recognised so that the refusal
//! names the file for what it is.

/// What the bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A safetensors file: a length, then a JSON header.
    Safetensors,
    /// A zip archive, as `torch.save` writes.
    Zip,
    /// A TensorFlow Lite file.
    TfLite,
    /// An ONNX file.
    Onnx,
    /// Something else, in words, with an article.
    Other(&'static str),
}

/// Recognises `bytes`, the whole file.
pub(super) fn kind(bytes: &[u8]) -> Kind {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let other = [
        (0, &b"\x89HDF\r\n\x1a\n"[..], "an HDF5 file (Keras .h5)"),
        (0, b"GGUF", "a GGUF file"),
        (0, b"LEAF", "a Leafgate image, which is already converted,"),
        (0, b"\x93NUMPY", "a NumPy array file"),
        (0, b"\x1f\x8b", "a gzip-compressed file"),
        (
            0,
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
            "a PyTorch file of the kind from before version 1.6",
        ),
        (0, b"\x7fELF", "an ELF program"),
    ];
    if bytes.is_empty() {
        return Kind::Other("an empty file");
    }
    // The length of a safetensors header is bounded by the file, and the header starts with a brace. This comes first: the
    // length's bytes may be those of another kind's magic.
    let header = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    if header.is_some_and(|length| length <= bytes.len() as u64) && at(8, b"{") {
        return Kind::Safetensors;
    }
    if at(0, b"PK\x03\x04") {
        return Kind::Zip;
    }
    if at(4, b"TFL3") {
        return Kind::TfLite;
    }
    if let Some((_, _, what)) = other.iter().find(|(offset, magic, _)| at(*offset, magic)) {
        return Kind::Other(what);
    }
    if let [0x80, 2..=5, ..] = bytes {
        return Kind::Other("a bare Python pickle");
    }
    if at(8, b"{\"") && at(6, b"\0\0") {
        return Kind::Other("a truncated safetensors file");
    }
    // ONNX is a bare protobuf message: field 1 (ir_version) as a small varint, then a length-delimited field.
    if let [0x08, version, tag, ..] = bytes
        && (1..=32).contains(version)
        && tag & 7 == 2
    {
        return Kind::Onnx;
    }
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        return Kind::Other("a JSON text");
    }
    Kind::Other("a file of unknown kind")
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn every_kind_is_told_by_its_first_bytes() {
        let cases: [(&[u8], &str); 6] = [
            (b"", "an empty file"),
            (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file (Keras .h5)"),
            (b"\x80\x04\x95", "a bare Python pickle"),
            (b"GGUF\x03\0\0\0", "a GGUF file"),
            (b" {\"a\": 1}", "a JSON text"),
            (b"\xff\xfe\xfd", "a file of unknown kind"),
        ];
        for (bytes, want) in cases {
            assert_eq!(kind(bytes), Kind::Other(want), "{bytes:?}");
        }
        assert_eq!(kind(b"\x08\x08\x12\x07pytorch"), Kind::Onnx);
        assert_eq!(kind(b"\x1c\0\0\0TFL3\x14\0"), Kind::TfLite);
        assert_eq!(kind(b"\x02\0\0\0\0\0\0\0{}"), Kind::Safetensors);
        // A header of 640 bytes: its length begins like a pickle.
        let header = [b"\x80\x02\0\0\0\0\0\0{".as_slice(), &[b' '; 639]].concat();
        assert_eq!(kind(&header), Kind::Safetensors);
    }
}
