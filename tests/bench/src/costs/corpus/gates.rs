//! GATES, GROUPSUM and MAP to bits.

use leafgate_image::*;
use leafgate_tests_laws::hostile::NO_MAP;

use super::{BITS, Corpus, INPUT};

impl Corpus {
    pub(super) fn make_bits(&mut self) {
        let bits = self.at.tensor(dtype::BITS, 1, BITS);
        self.thresholds(bits, BITS);
        (self.bits, self.base) = (Some(bits), self.at.arena);
    }

    fn thresholds(&mut self, output: u16, count: u32) {
        let entries: Vec<ThresholdRecord> = (0..count)
            .map(|_| {
                let (feature, threshold) = (self.below(INPUT) as u16, self.below(256) as u8 as i8);
                ThresholdRecord { feature, threshold, ..ThresholdRecord::default() }
            })
            .collect();
        let (table, input) = (self.at.constant(&entries), self.input(1, INPUT));
        self.at.op(&MapRecord { kind: map::BITS, input, output, table, lo: 0, hi: 0, ..NO_MAP });
    }

    pub(super) fn bits_op(&mut self) {
        let Some(input) = self.bits else { return };
        match self.below(6) {
            0..=2 => {
                let words = 1 + self.below(40);
                let output = self.at.tensor(dtype::BITS, 1, 32 * words);
                let table: Vec<WordGates> = (0..words)
                    .map(|_| {
                        let [a, b] = [0; 2].map(|_| {
                            let rotation = if self.one_in(2) { 0 } else { self.below(32) };
                            self.below(BITS / 32) | rotation << 11
                        });
                        WordGates { wiring: a | b << 16, masks: std::array::from_fn(|_| self.at.draw.word()) }
                    })
                    .collect();
                let table = self.at.constant(&table);
                let none = GatesRecord { op: op::GATES, ..GatesRecord::default() };
                self.at.op(&GatesRecord { kind: wiring::WORD, input, output, count: words, table, ..none });
            }
            3 => {
                let count = 1 + self.below(100);
                let output = self.at.tensor(dtype::BITS, 1, count);
                self.thresholds(output, count);
            }
            _ => {
                self.sum(input, BITS, group_sum::BITS);
            }
        }
    }

    /// A netlist, and sums over its signals.
    pub(super) fn netlist(&mut self) {
        let Some(bits) = self.bits else { return };
        let words = 1 + self.below(BITS / 32);
        let input = self.view(bits, 1, 32 * words);
        // Kernels want a power of two.
        let least = (32 * words).next_power_of_two();
        let signals = if self.one_in(8) { 32 * words + 4 } else { least << self.below(2) };
        let mut series: Vec<u32> = Vec::new();
        let mut gates = 0;
        for _ in 0..self.below(12) {
            let most = if self.one_in(12) { 2 } else { 40 };
            let count = self.below(most).min(signals - 1);
            let function =
                if self.one_in(8) { self.below(16) } else { *self.at.draw.choose(&[1, 2, 6, 7, 8, 9, 11, 14]) };
            gates += count;
            // Some would write more signals than there are.
            let first = if self.one_in(8) { signals - 1 - self.below(count + 1) } else { self.below(signals - count) };
            series.extend([function << 28 | gates, first]);
        }
        if gates == 0 {
            (gates, series) = (1, vec![1 << 28 | 1, 0]);
        }
        let wires: Vec<u32> = (0..gates).map(|_| self.below(signals) | self.below(signals) << 16).collect();
        let (table, list) = (self.at.constant(&wires), self.at.constant(&series));
        let output = self.at.tensor(dtype::I32, 1, signals / 4);
        self.at.op(&GatesRecord {
            op: op::GATES,
            kind: wiring::NETLIST,
            input,
            output,
            count: gates,
            table,
            series: list,
            series_count: series.len() as u32 / 2,
            ..GatesRecord::default()
        });
        self.sum(output, signals, group_sum::SIGNALS);
    }

    /// A few long groups, or many short ones.
    fn sum(&mut self, input: u16, bits: u32, kind: u8) {
        let groups = if self.one_in(2) { 1 + self.below(2) } else { 1 + self.below(10) };
        let mut bounds: Vec<u32> = (0..=groups).map(|_| self.below(bits + 1)).collect();
        bounds.sort_unstable();
        if self.one_in(3) {
            bounds.iter_mut().for_each(|bound| *bound = *bound / 32 * 32);
        }
        if self.one_in(3) {
            let near = self.below(bits - bits / 7);
            bounds.iter_mut().for_each(|bound| *bound = near + *bound / 20);
        }
        let output = self.at.tensor(dtype::I32, 1, groups);
        let bounds = self.at.constant(&bounds);
        let bias = if self.one_in(2) { NONE } else { self.some_biases(groups) };
        let none = GroupSumRecord::default();
        self.at.op(&GroupSumRecord { op: op::GROUPSUM, kind, input, output, groups, bounds, bias, ..none });
    }
}
