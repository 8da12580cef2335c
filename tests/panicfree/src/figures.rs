//! Text and stack of the runtime, read from a linked firmware.

use crate::elf::{Elf, Function};
use crate::stack::{CallGraph, Depth, Unbounded};

/// What a firmware's runtime takes. The target is one whose branches are understood: [`MEASURED`](crate::MEASURED).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Text of image, engine and kernels. The wrappers count as runtime: what they call is mostly part of them.
    pub runtime_text_bytes: u32,
    /// Text of the compiler's own routines.
    pub library_text_bytes: u32,
    /// Constants.
    pub rodata_bytes: u32,
    /// Deepest path of a run.
    pub run: Depth,
    /// Of a parse.
    pub parse: Depth,
    /// Of a self-test.
    pub self_test: Depth,
}

impl Figures {
    /// Reads them.
    ///
    /// # Errors
    /// The call whose stack is not bounded, and why.
    pub fn of(elf: &Elf) -> Result<Self, (&'static str, Unbounded)> {
        let graph = CallGraph::new(elf);
        let bytes = |keep: &dyn Fn(&Function) -> bool| -> u32 {
            elf.functions.values().filter(|function| keep(function)).map(|function| function.code.len() as u32).sum()
        };
        let depth = |call: &'static str| graph.depth(call).map_err(|why| (call, why));
        Ok(Self {
            runtime_text_bytes: bytes(&|function| !is_library(function) && function.name != "_start"),
            library_text_bytes: bytes(&is_library),
            rodata_bytes: elf.rodata_bytes,
            // A run begins at the runtime's own function; the wrapper's frame holds what a caller does with the output.
            run: depth("<leafgate::session::Session>::run_input")?,
            parse: depth("call_parse")?,
            self_test: depth("call_self_test")?,
        })
    }
}

/// Whether a function is the compiler's own: it is in every firmware, with or without the engine.
fn is_library(function: &Function) -> bool {
    function.name.starts_with("compiler_builtins") || function.name.starts_with("__")
}
