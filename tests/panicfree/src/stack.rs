//! The largest stack of a call: the sum of the frames along its deepest path.

use std::collections::BTreeMap;

use crate::elf::{Elf, Function};
use crate::thumb::{Effect, effects};

/// Frames and callees of every function.
#[derive(Debug)]
pub struct CallGraph {
    nodes: BTreeMap<u32, Node>,
}

#[derive(Debug)]
struct Node {
    name: String,
    frame_bytes: u32,
    callees: Vec<u32>,
    is_indirect: bool,
}

/// The deepest path of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Bytes of all frames together.
    pub bytes: u32,
    /// Functions with their frames, from the caller down.
    pub path: Vec<(String, u32)>,
}

/// Why a depth is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbounded {
    /// There is no such function.
    Missing,
    /// It calls itself, by way of others or not.
    Recursion(String),
    /// It calls through a pointer.
    Indirect(String),
}

impl CallGraph {
    /// From the code of an ELF file for a Thumb target.
    pub fn new(elf: &Elf) -> Self {
        let node = |function: &Function| {
            let effects = effects(function);
            let end = function.address + function.code.len() as u32;
            let outside = |target: &u32| !(function.address..end).contains(target);
            let mut callees: Vec<u32> = effects
                .iter()
                .filter_map(|(_, effect)| if let Effect::Branch(target) = effect { Some(*target) } else { None })
                .filter(|target| outside(target) || *target == function.address && is_called(function))
                .collect();
            callees.sort_unstable();
            callees.dedup();
            let pushed =
                effects.iter().map(|(_, effect)| if let Effect::Push(bytes) = effect { *bytes } else { 0 }).sum();
            Node {
                name: function.name.clone(),
                // Code that came compiled has no figure: all that it ever pushes is a bound.
                frame_bytes: function.stack_bytes.unwrap_or(pushed),
                callees,
                is_indirect: effects.iter().any(|(_, effect)| *effect == Effect::Indirect),
            }
        };
        Self { nodes: elf.functions.iter().map(|(&address, function)| (address, node(function))).collect() }
    }

    /// The deepest path below the function called `name`.
    ///
    /// # Errors
    /// If it is not bounded, or not known to be.
    pub fn depth(&self, name: &str) -> Result<Depth, Unbounded> {
        let (&address, _) = self.nodes.iter().find(|(_, node)| node.name == name).ok_or(Unbounded::Missing)?;
        self.descend(address, &mut Vec::new())
    }

    fn descend(&self, address: u32, above: &mut Vec<u32>) -> Result<Depth, Unbounded> {
        // A branch into the middle of another function does not occur; a target without a symbol has no code of ours.
        let Some(node) = self.nodes.get(&address) else { return Ok(Depth::default()) };
        if above.contains(&address) {
            return Err(Unbounded::Recursion(node.name.clone()));
        }
        if node.is_indirect {
            return Err(Unbounded::Indirect(node.name.clone()));
        }
        above.push(address);
        let mut deepest = Depth::default();
        for &callee in &node.callees {
            let depth = self.descend(callee, above)?;
            if depth.bytes >= deepest.bytes {
                deepest = depth;
            }
        }
        above.pop();
        deepest.bytes += node.frame_bytes;
        deepest.path.insert(0, (node.name.clone(), node.frame_bytes));
        Ok(deepest)
    }

    /// Functions that call one whose name contains `part`, with what they call.
    pub fn callers_of(&self, part: &str) -> Vec<(String, String)> {
        let mut callers = Vec::new();
        for node in self.nodes.values() {
            for callee in node.callees.iter().filter_map(|address| self.nodes.get(address)) {
                if callee.name.contains(part) && !node.name.contains(part) {
                    callers.push((node.name.clone(), callee.name.clone()));
                }
            }
        }
        callers
    }
}

/// Whether a branch to the function's own start is a call (BL) rather than a loop.
fn is_called(function: &Function) -> bool {
    effects(function).iter().any(|(at, effect)| {
        let at = *at as usize;
        let second = function.code.get(at + 2..at + 4).map_or(0, |half| u16::from_le_bytes([half[0], half[1]]));
        let first = u16::from_le_bytes([function.code[at], function.code[at + 1]]);
        *effect == Effect::Branch(function.address) && first >> 11 == 0b11110 && second >> 14 == 0b11
    })
}
