//! A node's attributes, by name and type.

use super::schema::{AttributeProto, NodeProto, TensorProto};

/// Numbers of `AttributeProto.type`; files of before that field leave it at 0.
const FLOAT: i32 = 1;
const INT: i32 = 2;
const STRING: i32 = 3;
const TENSOR: i32 = 4;
const FLOATS: i32 = 6;
const INTS: i32 = 7;

impl NodeProto {
    /// The operator with its domain, if that is not the standard one.
    pub(super) fn operator(&self) -> String {
        let name = super::file::cut(&self.op_type);
        match self.domain.as_str() {
            "" | "ai.onnx" => name,
            domain => format!("{}.{name}", super::file::cut(domain)),
        }
    }

    fn attribute_of(&self, name: &str, want: i32) -> Result<Option<&AttributeProto>, String> {
        match self.attribute.iter().find(|attribute| attribute.name == name) {
            Some(attribute) if attribute.r#type != want && attribute.r#type != 0 => {
                Err(format!("attribute `{name}` is of type {}, wanted {want}", attribute.r#type))
            }
            found => Ok(found),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute.iter().any(|attribute| attribute.name == name)
    }

    pub(super) fn float(&self, name: &str, otherwise: f32) -> Result<f32, String> {
        Ok(self.attribute_of(name, FLOAT)?.map_or(otherwise, |attribute| attribute.f))
    }

    pub(super) fn int(&self, name: &str, otherwise: i64) -> Result<i64, String> {
        Ok(self.attribute_of(name, INT)?.map_or(otherwise, |attribute| attribute.i))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        let Some(attribute) = self.attribute_of(name, STRING)? else { return Ok(None) };
        std::str::from_utf8(&attribute.s).map(Some).map_err(|_| format!("attribute `{name}` is no text"))
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<&TensorProto>, String> {
        Ok(self.attribute_of(name, TENSOR)?.and_then(|attribute| attribute.t.as_ref()))
    }

    pub(super) fn floats(&self, name: &str) -> Result<Option<&[f32]>, String> {
        Ok(self.attribute_of(name, FLOATS)?.map(|attribute| &attribute.floats[..]))
    }

    pub(super) fn ints(&self, name: &str) -> Result<Option<&[i64]>, String> {
        Ok(self.attribute_of(name, INTS)?.map(|attribute| &attribute.ints[..]))
    }
}
