//! No panic is reachable, the runtime fits its text budget, and its calls fit their stack budgets.

use leafgate_tests_panicfree::elf::{Elf, read};
use leafgate_tests_panicfree::figures::Figures;
use leafgate_tests_panicfree::link::{Link, Undefined, link};
use leafgate_tests_panicfree::stack::CallGraph;
use leafgate_tests_panicfree::{BATCH, CALLS, FAMILIES, MEASURED, TARGETS};

/// Text of image, engine and kernels with all three families.
const TEXT_BYTES: u32 = 10 * 1024;
/// The same built for speed.
const FAST_TEXT_BYTES: u32 = 14 * 1024;
/// The same with packed matrices as well: unrolled loops are what makes them fast.
const PACKED_TEXT_BYTES: u32 = 17 * 1024;
/// The same with weights of few bits: a kernel for each layout of the core.
const LOW_BIT_TEXT_BYTES: u32 = 23 * 1024;
/// Text of the store: slots, journal, and what checks a model.
const STORE_TEXT_BYTES: u32 = 4 * 1024;
/// Text of the receiver: frames, messages, and a serial port.
const RECEIVER_TEXT_BYTES: u32 = 7 * 256;
/// The same with signatures and what verifies them.
const SIGNED_STORE_TEXT_BYTES: u32 = 16 * 1024;
/// Stack of a run.
const RUN_STACK_BYTES: u32 = 512;
/// The same with weights of few bits: the reader of layouts that are made for other cores.
const LOW_BIT_RUN_STACK_BYTES: u32 = 544;
/// Stack of a parse.
const PARSE_STACK_BYTES: u32 = 768;

/// The firmware that receives updates.
const UPDATES: &str = "every-update";

/// Links, or shows who can reach a panic.
fn link_or_show(binary: &str, target: &str, features: &str) -> Elf {
    match link(binary, target, features, Undefined::Refuse) {
        Link::Clean(elf) => read(&elf),
        Link::Refused(said) => {
            let mut callers = String::new();
            if let Link::Clean(elf) = link(binary, target, features, Undefined::Allow) {
                for (caller, callee) in CallGraph::new(&read(&elf)).callers_of("panic") {
                    callers += &format!("  {caller} -> {callee}\n");
                }
            }
            panic!("{target}, features {features}: a panic is reachable\ncallers (Thumb only):\n{callers}\n{said}");
        }
    }
}

#[test]
fn no_panic_is_reachable() {
    for target in TARGETS {
        for (name, features) in FAMILIES {
            // Families only remove code; one target shows that the smaller builds link as well.
            if name.starts_with("all") || target == MEASURED {
                link_or_show(CALLS, target, features);
                println!("{target:<30} {name:<9} links: no panic is reachable");
            }
        }
    }
}

#[test]
fn no_panic_is_reachable_in_a_batch() {
    for target in TARGETS {
        let elf = link_or_show(CALLS, target, BATCH);
        println!("{target:<30} batch     links: no panic is reachable");
        if target == MEASURED {
            match Figures::of(&elf) {
                Ok(figures) => println!("with sessions {} B of runtime text", figures.runtime_text_bytes),
                Err((call, why)) => panic!("{call}: {why:?}"),
            }
            let depth = CallGraph::new(&elf).depth("call_batch").unwrap_or_else(|why| panic!("{why:?}"));
            println!("stack of a batch {} B: {:?}", depth.bytes, depth.path);
        }
    }
}

#[test]
fn a_planted_panic_does_not_link() {
    for target in TARGETS {
        let Link::Refused(said) = link(CALLS, target, "fff,gates,sparse,planted", Undefined::Refuse) else {
            panic!("{target}: links although a panic is reachable");
        };
        // It must be refused for that reason, and no other.
        assert!(said.contains("undefined symbol: a_panic_is_reachable"), "{target}: {said}");
    }
    let Link::Clean(elf) = link(CALLS, MEASURED, "fff,gates,sparse,planted", Undefined::Allow) else {
        panic!("does not link although undefined symbols are allowed");
    };
    let callers = CallGraph::new(&read(&elf)).callers_of("panic");
    assert!(callers.iter().any(|(caller, _)| caller == "_start"), "the planted caller is not shown: {callers:?}");
}

#[test]
fn text_and_stack_are_within_budget() {
    println!(
        "| family | runtime text B | compiler's own B | rodata B | stack of run B | of parse B | of self-test B |"
    );
    println!("|---|---|---|---|---|---|---|");
    let (mut over, mut paths) = (Vec::new(), Vec::new());
    for (name, features) in FAMILIES {
        let elf = link_or_show(CALLS, MEASURED, features);
        let figures = Figures::of(&elf).unwrap_or_else(|(call, why)| panic!("{name}: {call}: {why:?}"));
        let Figures { runtime_text_bytes: runtime, library_text_bytes: library, run, parse, self_test, .. } = figures;
        println!(
            "| {name} | {runtime} | {library} | {} | {} | {} | {} |",
            elf.rodata_bytes, run.bytes, parse.bytes, self_test.bytes
        );
        let (limit, run_limit) = match name {
            "all, fast" => (FAST_TEXT_BYTES, RUN_STACK_BYTES),
            "all, packed" => (PACKED_TEXT_BYTES, RUN_STACK_BYTES),
            "all, low bit" => (LOW_BIT_TEXT_BYTES, LOW_BIT_RUN_STACK_BYTES),
            _ => (TEXT_BYTES, RUN_STACK_BYTES),
        };
        let figures = [
            ("text", limit, runtime),
            ("stack of run", run_limit, run.bytes),
            ("stack of parse", PARSE_STACK_BYTES, parse.bytes),
        ];
        for (what, want, have) in figures {
            if have > want {
                over.push(format!("{name}: {what} is {have} bytes, the budget {want}"));
            }
        }
        paths.extend([(name, "run", run), (name, "parse", parse)]);
    }
    for (name, call, depth) in paths {
        println!("{name}, deepest {call}: {:?}", depth.path);
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

#[test]
fn no_panic_is_reachable_in_an_update() {
    let features = "fff,gates,sparse,store";
    for target in TARGETS {
        let elf = link_or_show(UPDATES, target, features);
        println!("{target:<30} updates   links: no panic is reachable");
        if target == MEASURED {
            let (store, receiver) = store_text_bytes(&elf);
            println!("text of the store {store} B, of the receiver {receiver} B");
            for (what, have, want) in [("store", store, STORE_TEXT_BYTES), ("receiver", receiver, RECEIVER_TEXT_BYTES)]
            {
                assert!(have <= want, "text of the {what} is {have} bytes, the budget {want}");
            }
            let graph = CallGraph::new(&elf);
            for call in ["call_open", "call_serve", "call_confirm"] {
                let depth = graph.depth(call).unwrap_or_else(|why| panic!("{call}: {why:?}"));
                println!("stack of {call} {} B: {:?}", depth.bytes, depth.path);
            }
        }
    }
}

/// With signatures the firmware is measured, and not proven: `salty` slices its hash buffer by a length that is always below its size, which the optimiser cannot see.
#[test]
fn signatures_are_within_budget() {
    let Link::Clean(elf) = link(UPDATES, MEASURED, "fff,gates,sparse,signed", Undefined::Allow) else {
        panic!("does not link");
    };
    let (store, receiver) = store_text_bytes(&read(&elf));
    let have = store + receiver;
    println!("text of store and receiver with signatures {have} B");
    assert!(have <= SIGNED_STORE_TEXT_BYTES, "text is {have} bytes, the budget {SIGNED_STORE_TEXT_BYTES}");
}

/// Text of everything but image, engine, kernels and the compiler's own: of the store, and of the receiver, which is for those who have no transport of
/// their own.
fn store_text_bytes(elf: &Elf) -> (u32, u32) {
    let others = [
        "leafgate::",
        "leafgate_image::",
        "leafgate_kernels::",
        "compiler_builtins",
        "crc::",
        "every_update::",
        "__",
        "mem",
        "_start",
    ];
    let is_other = |name: &str| others.iter().any(|part| name.trim_start_matches(['<', '&']).starts_with(part));
    let receiver =
        ["receiver::", "frame::", "message::", "call_serve", "Store<every_update::firmware::Flash>>::report"];
    let is_receiver = |name: &str| receiver.iter().any(|part| name.contains(part));
    let mut text = (0, 0);
    for function in elf.functions.values().filter(|function| !is_other(&function.name)) {
        let part = if is_receiver(&function.name) { &mut text.1 } else { &mut text.0 };
        *part += function.code.len() as u32;
    }
    text
}
