//! Which instructions are calls: they leave the address of the next one in a link register.

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// Thumb, as M-profile processors have it.
    Thumb,
    /// RV32 with or without compressed instructions.
    Riscv,
}

impl Isa {
    /// By QEMU's name of the target.
    pub(crate) fn of_target(name: &str) -> Option<Self> {
        match name {
            "arm" => Some(Self::Thumb),
            "riscv32" => Some(Self::Riscv),
            _ => None,
        }
    }

    /// Whether these bytes, as they lie in memory, are a call.
    pub(crate) fn is_call(self, bytes: &[u8]) -> bool {
        let half = |at: usize| bytes.get(at..at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
        let (first, second) = (half(0), half(2));
        match (self, bytes.len()) {
            // BLX Rm and BLXNS Rm.
            (Self::Thumb, 2) => first & 0xFF83 == 0x4780,
            // BL.
            (Self::Thumb, 4) => first & 0xF800 == 0xF000 && second & 0xD000 == 0xD000,
            // C.JAL; C.JALR, which with register 0 would be C.EBREAK.
            (Self::Riscv, 2) => first & 0xE003 == 0x2001 || (first & 0xF07F == 0x9002 && first & 0x0F80 != 0),
            // JAL and JALR with the link register ra or t0.
            (Self::Riscv, 4) => matches!(first & 0x7F, 0x6F | 0x67) && matches!(first >> 7 & 0x1F, 1 | 5),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Isa;

    #[test]
    fn targets_have_an_instruction_set() {
        let sets = ["arm", "riscv32", "aarch64"].map(Isa::of_target);
        assert_eq!(sets, [Some(Isa::Thumb), Some(Isa::Riscv), None]);
    }

    #[test]
    fn calls_are_told_from_jumps() {
        let thumb =
            |halves: &[u16]| Isa::Thumb.is_call(&halves.iter().flat_map(|h| h.to_le_bytes()).collect::<Vec<_>>());
        assert!(thumb(&[0xF002, 0xF938]), "bl");
        assert!(thumb(&[0x4798]), "blx r3");
        assert!(!thumb(&[0x4770]), "bx lr");
        assert!(!thumb(&[0xE7F6]), "b");
        assert!(!thumb(&[0xF000, 0xB938]), "b.w");
        assert!(!thumb(&[0xBDF0]), "pop with pc");
        let riscv = |bytes: &[u8]| Isa::Riscv.is_call(bytes);
        let word = |word: u32| riscv(&word.to_le_bytes());
        assert!(word(0x0000_00EF), "jal ra");
        assert!(word(0x0000_80E7), "jalr ra, ra");
        assert!(!word(0x0000_006F), "j");
        assert!(!word(0x0000_8067), "ret");
        assert!(riscv(&0x2001_u16.to_le_bytes()), "c.jal");
        assert!(riscv(&0x9502_u16.to_le_bytes()), "c.jalr a0");
        assert!(!riscv(&0x9002_u16.to_le_bytes()), "c.ebreak");
        assert!(!riscv(&0x8082_u16.to_le_bytes()), "c.jr ra");
        assert!(!riscv(&0xA001_u16.to_le_bytes()), "c.j");
    }
}
