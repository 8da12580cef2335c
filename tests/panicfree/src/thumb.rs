//! As much of the Thumb instruction set as calls and stack need: where a function branches to, and what its prologue takes.
//!
//! A disassembler would do as well, but those at hand are programs that a checkout does not bring along.

use crate::elf::Function;

/// What an instruction does, as far as we care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Calls or jumps to an address.
    Branch(u32),
    /// Calls what a register holds.
    Indirect,
    /// Takes so many bytes of stack.
    Push(u32),
    /// None of these.
    Other,
}

/// The instructions of `function` with the offset of each.
pub fn effects(function: &Function) -> Vec<(u32, Effect)> {
    let mut found = Vec::new();
    let (mut at, mut marks) = (0u32, function.literals.iter().peekable());
    let mut literal = false;
    let half = |at: u32| {
        let at = at as usize;
        function.code.get(at..at + 2).map(|bytes| u32::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    };
    while let Some(first) = half(at) {
        while let Some((_, begins)) = marks.next_if(|(mark, _)| *mark <= at) {
            literal = *begins;
        }
        if literal {
            at += 2;
            continue;
        }
        let wide = first >> 11 >= 0b11101;
        let here = function.address + at;
        let effect =
            if wide { wide_effect(first, half(at + 2).unwrap_or(0), here) } else { narrow_effect(first, here) };
        found.push((at, effect));
        at += if wide { 4 } else { 2 };
    }
    found
}

fn sign_extend(value: u32, bits: u32) -> u32 {
    ((value << (32 - bits)) as i32 >> (32 - bits)) as u32
}

fn narrow_effect(code: u32, here: u32) -> Effect {
    let next = here.wrapping_add(4);
    if code >> 11 == 0b11100 {
        return Effect::Branch(next.wrapping_add(sign_extend(code & 0x7FF, 11) << 1));
    }
    if code >> 12 == 0b1101 && code >> 8 & 0xF < 14 {
        return Effect::Branch(next.wrapping_add(sign_extend(code & 0xFF, 8) << 1));
    }
    if code & 0xFF87 == 0x4780 {
        return Effect::Indirect;
    }
    // BX to anything but the return address: a call in tail position.
    if code & 0xFF87 == 0x4700 && code >> 3 & 0xF != 14 {
        return Effect::Indirect;
    }
    if code & 0xFE00 == 0xB400 {
        return Effect::Push(4 * (code & 0x1FF).count_ones());
    }
    if code & 0xFF80 == 0xB080 {
        return Effect::Push(4 * (code & 0x7F));
    }
    Effect::Other
}

fn wide_effect(first: u32, second: u32, here: u32) -> Effect {
    let next = here.wrapping_add(4);
    if first >> 11 == 0b11110 && second >> 15 == 1 {
        let (s, j1, j2) = (first >> 10 & 1, second >> 13 & 1, second >> 11 & 1);
        let is_call_or_jump = second >> 12 & 1 == 1;
        if is_call_or_jump {
            let (i1, i2) = (1 ^ j1 ^ s, 1 ^ j2 ^ s);
            let offset = s << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1;
            return Effect::Branch(next.wrapping_add(sign_extend(offset, 25)));
        }
        if second >> 14 & 1 == 0 && first >> 6 & 0xF < 14 {
            let offset = s << 20 | j2 << 19 | j1 << 18 | (first & 0x3F) << 12 | (second & 0x7FF) << 1;
            return Effect::Branch(next.wrapping_add(sign_extend(offset, 21)));
        }
    }
    // STMDB sp!: a push of high registers; VPUSH; SUB.W sp, sp, #imm with a plain byte.
    if first == 0xE92D {
        return Effect::Push(4 * (second & 0x7FFF).count_ones());
    }
    if first == 0xED2D {
        return Effect::Push(4 * (second & 0xFF));
    }
    if first & 0xFBFF == 0xF1AD && second & 0x8F00 == 0x0D00 {
        return Effect::Push(expand(first >> 10 & 1, second));
    }
    // STR rt, [sp, #-imm]!: a push of one register.
    if first == 0xF84D && second & 0x0F00 == 0x0D00 {
        return Effect::Push(second & 0xFF);
    }
    Effect::Other
}

/// The modified immediate constant of a 32-bit data instruction.
fn expand(i: u32, second: u32) -> u32 {
    let (imm3, byte) = (second >> 12 & 7, second & 0xFF);
    let selector = i << 4 | imm3 << 1 | byte >> 7;
    match selector {
        0 | 1 => byte,
        _ if selector < 8 => byte * 0x0101_0101,
        _ => (0x80 | byte & 0x7F).rotate_right(selector),
    }
}
