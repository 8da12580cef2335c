//! JSON in which no object has a key twice. Readers of JSON take the last of two and say nothing; of a model file it cannot be told which
//! was meant.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Any value of JSON, of which nothing is kept.
struct Unique;

/// Says which key stands twice; whatever else is wrong with the text its reader says.
pub(super) fn check(text: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<Unique>(text) {
        Err(error) if error.classify() == serde_json::error::Category::Data => Err(error.to_string()),
        _ => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value::<Self>()?;
            if let Some(key) = keys.replace(key) {
                let key: String = key.chars().take(80).collect();
                return Err(A::Error::custom(format!("`{key}` stands twice")));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_key_that_stands_twice_is_named() {
        assert_eq!(check(br#"{"a": [1, -1, 0.5, "a", null, true, {"a": 1}], "b": {}}"#), Ok(()));
        for text in [r#"{"a": 1, "b": 2, "a": 3}"#, r#"[[{"x": {"a": 1, "\u0061": 1}}]]"#] {
            let why = check(text.as_bytes()).unwrap_err();
            assert!(why.starts_with("`a` stands twice"), "{why}");
        }
        // What is no JSON at all is for others to say.
        assert_eq!((check(b"{"), check(b"\xff"), check(b"")), (Ok(()), Ok(()), Ok(())));
    }
}
