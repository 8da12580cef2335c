//! Figures of others for the same work: `peers.toml`, with the words of their sources.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::BenchError;
use crate::items::Entry;

const TEXT: &str = include_str!("../peers.toml");

/// What somebody else takes for an item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Who.
    pub name: String,
    /// Key of the item.
    pub item: String,
    /// Measured or cited, and what.
    pub source: String,
    /// Instructions of a unit of work, by core.
    #[serde(default)]
    per_unit: BTreeMap<String, f64>,
    /// Instructions of a run, by core.
    #[serde(default)]
    insns: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    peer: Vec<Peer>,
}

impl Peer {
    /// Instructions of a unit of the item's work on `core`.
    #[must_use]
    pub fn per_unit(&self, entry: &Entry, core: &str) -> Option<f64> {
        let of_run = || self.insns.get(core).map(|&insns| insns as f64 / entry.work as f64);
        self.per_unit.get(core).copied().or_else(of_run)
    }
}

/// All of them.
///
/// # Errors
/// If the file is not what it should be.
pub fn peers() -> Result<Vec<Peer>, BenchError> {
    let content = |error: toml::de::Error| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers.toml");
        BenchError::Content { path, why: error.to_string() }
    };
    Ok(toml::from_str::<File>(TEXT).map_err(content)?.peer)
}

#[cfg(test)]
mod tests {
    use super::peers;
    use crate::items::{Extent, ops};
    use leafgate_emulate::machines;

    #[test]
    fn every_figure_stands_beside_one_of_ours() {
        let items = ops(Extent::All).unwrap();
        let peers = peers().unwrap();
        assert!(!peers.is_empty());
        for peer in peers {
            assert!(items.iter().any(|item| item.entry.item == peer.item), "{}", peer.item);
            assert!(peer.source.starts_with("measured: ") || peer.source.starts_with("cited: "), "{}", peer.source);
            for core in peer.per_unit.keys().chain(peer.insns.keys()) {
                assert!(machines().iter().any(|machine| machine.core == *core), "{core}");
            }
        }
    }
}
