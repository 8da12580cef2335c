//! What decoding a file would take, found before it is done.
//!
//! A record of two bytes becomes a structure of some hundred, so a hostile file could make the decoder ask for a hundred times its size. This
//! walk over the wire format (tags, varints, lengths) adds up what the records and lists become; contents of tensors are borrowed from
//! the file and cost nothing.

/// Messages that are decoded.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    /// One without messages or lists.
    Leaf,
}

/// What a field holds that is as long as its length says.
enum Content {
    Message(Message),
    Text,
    /// Numbers of 1 to 10 bytes each.
    Varints,
    /// Numbers of a fixed size.
    Fixed,
    /// Borrowed, or not decoded.
    Nothing,
}

/// More than the largest structure takes.
const RECORD_BYTES: usize = 512;
const TEXT_BYTES: usize = 24;
const NUMBER_BYTES: usize = 8;

/// Bytes that the decoded records and lists of `file` take, at most `limit`.
pub(super) fn cost(file: &[u8], limit: usize) -> Result<usize, String> {
    let mut walk = Walk { cost: 0, limit };
    walk.message(file, Message::Model)?;
    Ok(walk.cost)
}

struct Walk {
    cost: usize,
    limit: usize,
}

impl Walk {
    fn pay(&mut self, bytes: usize) -> Result<(), String> {
        self.cost = self.cost.saturating_add(bytes);
        if self.cost <= self.limit { Ok(()) } else { Err(format!("its records take more than {} bytes", self.limit)) }
    }

    /// As deep as messages lie in each other, which is seven.
    fn message(&mut self, mut bytes: &[u8], of: Message) -> Result<(), String> {
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            let field = tag >> 3;
            match tag & 7 {
                0 => {
                    varint(&mut bytes)?;
                    self.number(of, field)?;
                }
                1 => {
                    take(&mut bytes, 8)?;
                    self.number(of, field)?;
                }
                5 => {
                    take(&mut bytes, 4)?;
                    self.number(of, field)?;
                }
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).unwrap_or(usize::MAX);
                    let inner = take(&mut bytes, length)?;
                    match content(of, field) {
                        Content::Message(message) => {
                            self.pay(RECORD_BYTES)?;
                            self.message(inner, message)?;
                        }
                        Content::Text => self.pay(TEXT_BYTES + inner.len())?,
                        Content::Varints => self.pay(NUMBER_BYTES.saturating_mul(inner.len()))?,
                        Content::Fixed => self.pay(inner.len())?,
                        Content::Nothing => {}
                    }
                }
                other => return Err(format!("wire type {other}")),
            }
        }
        Ok(())
    }

    /// A number of a list that stands alone.
    fn number(&mut self, of: Message, field: u64) -> Result<(), String> {
        match content(of, field) {
            Content::Varints | Content::Fixed => self.pay(NUMBER_BYTES),
            _ => Ok(()),
        }
    }
}

/// As `schema/onnx.proto` has it.
fn content(of: Message, field: u64) -> Content {
    match (of, field) {
        (Message::Model, 7) => Content::Message(Message::Graph),
        (Message::Graph, 1) => Content::Message(Message::Node),
        (Message::Graph, 5) | (Message::Attribute, 5) => Content::Message(Message::Tensor),
        (Message::Graph, 11 | 12) => Content::Message(Message::ValueInfo),
        (Message::Node, 5) => Content::Message(Message::Attribute),
        (Message::ValueInfo, 2) => Content::Message(Message::Type),
        (Message::Type, 1) => Content::Message(Message::TensorType),
        (Message::TensorType, 2) => Content::Message(Message::Shape),
        (Message::Model, 8) | (Message::Tensor, 13) | (Message::Shape, 1) => Content::Message(Message::Leaf),
        (Message::Tensor, 1 | 5 | 7) | (Message::Attribute, 8) => Content::Varints,
        (Message::Tensor, 4 | 10) | (Message::Attribute, 7) => Content::Fixed,
        (Message::Graph, 2) | (Message::Tensor, 8) | (Message::ValueInfo | Message::Attribute, 1) => Content::Text,
        (Message::Node, 1..=4 | 7) | (Message::Leaf, 1 | 2) => Content::Text,
        _ => Content::Nothing,
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (head, rest) = bytes.split_at_checked(length).ok_or("it ends within a record")?;
    *bytes = rest;
    Ok(head)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes".into())
}

#[cfg(test)]
mod tests {
    use super::cost;

    #[test]
    fn empty_records_cost_what_they_become() {
        // A graph of a thousand empty nodes.
        let nodes = [0x0a, 0x00].repeat(1000);
        let file = [&[0x3a, 0xd0, 0x0f][..], &nodes].concat();
        assert_eq!(cost(&file, usize::MAX), Ok(1001 * 512));
        assert!(cost(&file, 500_000).unwrap_err().contains("500000 bytes"));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for file in [&[0x3a][..], &[0x3a, 0x05, 0x0a], &[0x08], &[0x0c], &[0xff; 12]] {
            assert!(cost(file, usize::MAX).is_err(), "{file:?}");
        }
        assert_eq!(cost(&[], usize::MAX), Ok(0));
    }
}
