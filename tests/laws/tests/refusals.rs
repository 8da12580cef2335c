//! Rules that one reader once did not keep: each was found by comparing engine and reference.

use leafgate::{Defect, Model, Place};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::reference::{self, Crc};
use leafgate_image::{
    GROUP_COLS, GatesRecord, GroupSumRecord, LinearRecord, MapRecord, MoveRecord, NO_TENSOR, NONE, OpRecord,
    RangeRecord, RequantRecord, WEIGHT_T2_BYTES, WEIGHT_T2_ROWS, WEIGHT_W4_ROWS, WEIGHT_W8, dtype, linear_flag,
    range_flag, section,
};
use leafgate_tests_laws::parts::{Parts, Section, records};
use leafgate_tests_laws::samples::small;
use zerocopy::{FromBytes, IntoBytes};

fn sample(name: &str) -> Parts {
    let samples = small();
    Parts::of(&samples.iter().find(|sample| sample.name == name).expect("a sample of this name").image)
}

/// Both readers refuse; the engine with this defect.
fn refused(parts: &Parts, defect: Defect, place: Place) {
    let image = parts.assemble();
    let error = Model::parse(AlignedBytes::copy_of(&image).as_slice()).map(|_| ()).expect_err("the engine refuses");
    assert_eq!((error.defect, error.place), (defect, place), "{error}");
    reference::read(&image, Crc::Check).expect_err("the reference refuses");
}

#[test]
fn labels_end_with_the_last() {
    let mut parts = sample("rows");
    let label = |bytes: &[u8]| Section { kind: section::LABELS, record_bytes: 0, bytes: bytes.to_vec() };
    for wrong in [&[1, 0, 0, 0, 1, b'a', 0][..], &[1, 0, 0], &[2, 0, 0, 0, 1, b'a']] {
        parts.sections.push(label(wrong));
        refused(&parts, Defect::Size, Place::Section(section::LABELS));
        parts.sections.pop();
    }
    parts.sections.push(label(&[1, 0, 0, 0, 1, b'a']));
    Model::parse(AlignedBytes::copy_of(&parts.assemble()).as_slice()).expect("this one is right");
}

#[test]
fn padding_of_golden_inputs_is_zero() {
    let mut parts = sample("rows");
    // Twelve bytes of input need no padding: the sample with six does.
    let mut padded = sample("neurons");
    let bytes = |figures: [u32; 4], vector: &[u8]| [figures.as_bytes(), vector].concat();
    let golden = |bytes: Vec<u8>| Section { kind: section::GOLDEN, record_bytes: 0, bytes };
    parts.sections.push(golden(bytes([1, 12, 5, 32], &[7; 32])));
    Model::parse(AlignedBytes::copy_of(&parts.assemble()).as_slice()).expect("any bytes are an input");
    padded.sections.push(golden(bytes([1, 6, 3, 20], &[0; 20])));
    Model::parse(AlignedBytes::copy_of(&padded.assemble()).as_slice()).expect("the padding is zero");
    padded.sections.pop();
    let mut vector = [0; 20];
    vector[7] = 1;
    padded.sections.push(golden(bytes([1, 6, 3, 20], &vector)));
    refused(&padded, Defect::Reserved, Place::Section(section::GOLDEN));
}

#[test]
fn empty_sections_do_not_share_an_offset() {
    let mut parts = sample("rows");
    let empty = |kind| Section { kind, record_bytes: 0, bytes: Vec::new() };
    parts.sections.extend([empty(0x8000), empty(0x8001)]);
    refused(&parts, Defect::Section, Place::Section(0x8001));
}

#[test]
fn a_range_that_no_op_uses_is_checked() {
    let parts = sample("neurons");
    let sound = records::<RangeRecord>(parts.bytes(section::RANGES))[0];
    let wrong = [
        RangeRecord { ups: 0, ..sound },
        RangeRecord { flags: 4, ..sound },
        RangeRecord { reserved0: 1, ..sound },
        RangeRecord { scale_s: 1, ..sound },
        RangeRecord { neurons: 0, ..sound },
        RangeRecord { neurons: 1 << 21, ..sound },
        RangeRecord { key_rq: NONE, ..sound },
        RangeRecord { value_bias: 1 << 20, ..sound },
        RangeRecord { value_bias: 2, ..sound },
    ];
    for range in wrong {
        let mut parts = parts.clone();
        let ranges = parts.bytes_mut(section::RANGES).expect("the sample has ranges");
        let last = (ranges.len() / 48) as u16;
        ranges.extend_from_slice(range.as_bytes());
        let image = parts.assemble();
        let error = Model::parse(AlignedBytes::copy_of(&image).as_slice()).map(|_| ()).expect_err("the engine refuses");
        assert_eq!(error.place, Place::Range(last), "{range:?}: {error}");
        reference::read(&image, Crc::Check).expect_err("the reference refuses");
    }
}

/// A constant expert needs no scratch, but if it is stored output-major its op must name one all the same.
#[test]
fn an_output_major_range_needs_a_scratch_even_without_neurons() {
    let mut parts = sample("edges");
    let ranges = parts.bytes_mut(section::RANGES).expect("the sample has ranges");
    let first = records::<RangeRecord>(ranges)[0];
    let output_major = RangeRecord { flags: leafgate_image::range_flag::OUTPUT_MAJOR, ..first };
    ranges[..48].copy_from_slice(output_major.as_bytes());
    refused(&parts, Defect::Tensor, Place::Range(0));
}

/// A list that is emptied has a reserved word of zero, which another tensor in the same place can see.
#[test]
fn an_emptied_list_begins_with_eight_zeros() {
    let image = leafgate_tests_laws::layout::emptied_list();
    let aligned = AlignedBytes::copy_of(&image);
    let model = Model::parse(aligned.as_slice()).expect("a valid image");
    assert!(model.view().tensors().iter().any(|tensor| tensor.dtype == dtype::LIST));
    let mut arena = AlignedBytes::filled(model.arena_bytes(), 0xFF);
    let mut session = leafgate::Session::new(&model, arena.as_mut_slice()).expect("it fits");
    let output = session.run(&[0i8; 1]).expect("one byte of input");
    assert_eq!(output.iter().take(2).collect::<Vec<i32>>(), [1, 0], "length and reserved word");
}

/// Sections that begin with a count are not empty.
#[test]
fn labels_and_golden_vectors_have_a_head() {
    for kind in [section::LABELS, section::GOLDEN] {
        let mut parts = sample("rows");
        parts.sections.retain(|section| section.kind < kind);
        parts.sections.push(Section { kind, record_bytes: 0, bytes: Vec::new() });
        refused(&parts, Defect::Section, Place::Section(kind));
    }
}

/// Arrays of more than single bytes begin at a multiple of 4, those of two bytes as well.
#[test]
fn a_gate_table_is_aligned() {
    let samples = leafgate_tests_laws::samples::zoo();
    let moe = samples.iter().find(|sample| sample.name == "digits-moe").expect("the zoo is in the repository");
    let mut parts = Parts::of(&moe.image);
    let ops = parts.bytes_mut(section::OPS).expect("there are ops");
    let table = ops.chunks_exact_mut(64).map(|op| &mut op[40..44]).next().expect("the first op is the router");
    let offset = u32::from_le_bytes(table.try_into().expect("four bytes"));
    table.copy_from_slice(&(offset - 2).to_le_bytes());
    refused(&parts, Defect::Constant, Place::Op(0));
}

/// Tables may be shared, but those that a reader looks at entry by entry are together at most sixteen times the image.
#[test]
fn shared_tables_are_bounded_by_the_size_of_the_image() {
    let records = vec![RequantRecord { m: 1 << 30, s: 30, zero_point: 0, lo: -128, hi: 127 }; 256];
    let none = RangeRecord { keys: NONE, key_bias: NONE, ups: NONE, value_bias: NONE, ..RangeRecord::default() };
    // A hundred ranges that share a table, and one that names the `last` first records of it; no op uses them.
    let samples = small();
    let with = |name: &str, padding: usize, last: u32| {
        let sample = samples.iter().find(|sample| sample.name == name).expect("a sample of this name");
        let mut parts = Parts::of(&sample.image);
        let constants = parts.bytes_mut(section::CONSTANTS).expect("the sample has constants");
        constants.resize(constants.len().next_multiple_of(4), 0);
        let at = constants.len() as u32;
        constants.extend_from_slice(records.as_bytes());
        let flags = range_flag::RQ_PER_NEURON;
        let mut ranges = vec![RangeRecord { neurons: 256, key_rq: at, values: at, flags, ..none }; 101];
        ranges[100].neurons = last;
        if parts.bytes(section::RANGES).is_empty() {
            parts.sections.insert(2, Section { kind: section::RANGES, record_bytes: 48, bytes: Vec::new() });
        }
        parts.bytes_mut(section::RANGES).expect("it has ranges now").extend_from_slice(ranges.as_bytes());
        parts.sections.push(Section { kind: section::OPTIONAL, record_bytes: 0, bytes: vec![0; padding] });
        parts.assemble()
    };
    let accepted = |image: &[u8]| {
        let accepted = Model::parse(AlignedBytes::copy_of(image).as_slice()).is_ok();
        assert_eq!(accepted, reference::read(image, Crc::Check).is_ok(), "the readers agree");
        accepted
    };
    let gates = GatesRecord::read_from_bytes(&sample("netlist").bytes(section::OPS)[..64]).expect("a record");
    let netlist = (4 * gates.count + 8 * gates.series_count + 4 * 7) as usize;
    // What the sample itself names: five requantise records; five and a gate table; five words of gates and bounds; gates,
    // series and bounds.
    for (name, own) in [("rows", 5 * 8), ("lists", 5 * 8 + 512), ("bits", 5 * 20 + 5 * 4), ("netlist", netlist)] {
        let enough = (1..1000).map(|i| 16 * i).find(|&padding| accepted(&with(name, padding, 1)));
        let enough = enough.expect("every 16 bytes of image make room for 256 bytes of tables");
        let limits: Vec<bool> = (1..=40).map(|last| accepted(&with(name, enough, last))).collect();
        let total = with(name, enough, 1).len();
        let wanted: Vec<bool> = (1..=40).map(|last| 100 * 256 * 8 + 8 * last + own <= 16 * total).collect();
        assert_eq!(limits, wanted, "{name}");
        assert!(limits.contains(&false), "{name}");
    }
    refused(&Parts::of(&with("rows", 16, 1)), Defect::Count, Place::Range(65));
}

/// Op `i`, a LINEAR.
fn linear(parts: &Parts, i: usize) -> LinearRecord {
    LinearRecord::read_from_bytes(&parts.bytes(section::OPS)[64 * i..][..64]).expect("a record")
}

/// The sample with another LINEAR in the place of op `i`, and figures to match.
fn with_linear(sound: &Parts, i: usize, change: &dyn Fn(&mut LinearRecord)) -> Parts {
    let mut parts = sound.clone();
    let mut record = linear(sound, i);
    change(&mut record);
    let ops = parts.bytes_mut(section::OPS).expect("there are ops");
    ops[64 * i..][..64].copy_from_slice(record.as_bytes());
    parts.repair_figures();
    parts
}

/// What weights in pairs ask for beyond plain ones.
#[test]
fn pairs_have_rules_of_their_own() {
    let sound = sample("pairs");
    let changed = |change: &dyn Fn(&mut LinearRecord)| with_linear(&sound, 0, change);
    let refused_op = |defect, change: &dyn Fn(&mut LinearRecord)| refused(&changed(change), defect, Place::Op(0));
    refused_op(Defect::Unsupported, &|record| record.weight_format = 8);
    refused_op(Defect::Reserved, &|record| record.group = 1);
    refused_op(Defect::Tensor, &|record| record.prepared = NO_TENSOR);
    // Of another shape, another type, and in the place of the output.
    refused_op(Defect::Shape, &|record| record.prepared += 3);
    refused_op(Defect::Tensor, &|record| record.prepared = record.input);
    refused_op(Defect::Tensor, &|record| record.prepared = record.output);
    refused_op(Defect::Constant, &|record| record.weights += 2);
    refused_op(Defect::Constant, &|record| record.weights += 1 << 20);
    // Plain weights have no prepared input, not even tensor 0.
    refused_op(Defect::Reserved, &|record| record.weight_format = WEIGHT_W8);
    let plain = changed(&|record| (record.weight_format, record.prepared) = (WEIGHT_W8, 0)).assemble();
    Model::parse(AlignedBytes::copy_of(&plain).as_slice()).expect("a plain matrix is shorter");
    reference::read(&plain, Crc::Check).expect("a plain matrix is shorter");

    let mut transposed = sample("pairs");
    transposed.bytes_mut(section::OPS).expect("there are ops")[2] |= linear_flag::TRANSPOSED as u8;
    let image = transposed.assemble();
    assert!(Model::parse(AlignedBytes::copy_of(&image).as_slice()).is_err());
    reference::read(&image, Crc::Check).expect_err("the reference refuses");

    for (features, packing, defect) in [
        (0, 1, Defect::Features),
        (1 << 16, 0, Defect::Unsupported),
        (3 << 16, 1, Defect::Features),
        (1 << 16, 2, Defect::Unsupported),
    ] {
        let mut parts = sound.clone();
        (parts.header.features, parts.header.packing) = (parts.header.features & 0xFFFF | features, packing);
        refused(&parts, defect, Place::Header);
    }
}

/// What weights of few bits ask for.
#[test]
fn few_bits_have_rules_of_their_own() {
    for name in ["low-bit", "low-bit-groups"] {
        let sound = sample(name);
        for (i, format) in (WEIGHT_W4_ROWS..=WEIGHT_T2_BYTES).enumerate() {
            let refused_op = |defect, change: &dyn Fn(&mut LinearRecord)| {
                refused(&with_linear(&sound, i, change), defect, Place::Op(i as u16));
            };
            refused_op(Defect::Unsupported, &|record| {
                assert_eq!(record.weight_format, format);
                record.group = 16;
            });
            refused_op(Defect::Unsupported, &|record| record.weight_format = 0);
            refused_op(Defect::Tensor, &|record| record.prepared = NO_TENSOR);
            // That of another layer.
            let other = linear(&sound, if i == 0 { 2 } else { 0 }).prepared;
            refused_op(Defect::Shape, &|record| record.prepared = other);
            refused_op(Defect::Tensor, &|record| record.prepared = record.output);
            refused_op(Defect::Constant, &|record| record.weights += 2);
            refused_op(Defect::Constant, &|record| record.weights += 1 << 20);
            // Of the other way to group, both the scratch and the words have another size.
            refused_op(Defect::Shape, &|record| record.group ^= GROUP_COLS as u8);
            // The first word after the scales.
            let mut parts = sound.clone();
            let record = linear(&sound, i);
            let scales = if record.group == 0 { 0 } else { [1, 2, 1, 4, 1][i] };
            let at = record.weights as usize + 4 * scales;
            parts.bytes_mut(section::CONSTANTS).expect("there are constants")[at] = 0b1000_0011;
            let wrong = |image: &[u8]| Model::parse(AlignedBytes::copy_of(image).as_slice()).err().map(|e| e.defect);
            let image = parts.assemble();
            let want = (format >= WEIGHT_T2_ROWS).then_some(Defect::Weight);
            assert_eq!(
                (wrong(&image), reference::read(&image, Crc::Check).is_err()),
                (want, want.is_some()),
                "{format}"
            );
        }
        let mut transposed = sound.clone();
        transposed.bytes_mut(section::OPS).expect("there are ops")[2 + 64] |= linear_flag::TRANSPOSED as u8;
        let image = transposed.assemble();
        assert!(Model::parse(AlignedBytes::copy_of(&image).as_slice()).is_err());
        reference::read(&image, Crc::Check).expect_err("the reference refuses");
        for (features, packing, defect) in [
            (6 << 16, 2, Defect::Unsupported),
            (7 << 16, 3, Defect::Features),
            (4 << 16, 3, Defect::Features),
            (6 << 16, 4, Defect::Unsupported),
        ] {
            let mut parts = sound.clone();
            (parts.header.features, parts.header.packing) = (parts.header.features & 0xFFFF | features, packing);
            refused(&parts, defect, Place::Header);
        }
    }
}

/// What a netlist and the sum of its signals ask for.
#[test]
fn netlists_have_rules_of_their_own() {
    let sound = sample("netlist");
    let changed = |change: &dyn Fn(&mut GatesRecord, &mut GroupSumRecord)| {
        let mut parts = sound.clone();
        let ops = parts.bytes_mut(section::OPS).expect("there are ops");
        let mut gates = GatesRecord::read_from_bytes(&ops[..64]).expect("a record");
        let mut sum = GroupSumRecord::read_from_bytes(&ops[64..128]).expect("a record");
        change(&mut gates, &mut sum);
        ops[..64].copy_from_slice(gates.as_bytes());
        ops[64..128].copy_from_slice(sum.as_bytes());
        parts.repair_figures();
        parts
    };
    let refused_gates = |defect, change: &dyn Fn(&mut GatesRecord)| {
        refused(&changed(&|gates, _| change(gates)), defect, Place::Op(0));
    };
    refused_gates(Defect::Unsupported, &|gates| gates.kind = 2);
    refused_gates(Defect::Op, &|gates| gates.flags = 1);
    refused_gates(Defect::Reserved, &|gates| gates.reserved[0] = 1);
    // Bits in the place of signals, and a table of other gates.
    refused_gates(Defect::Tensor, &|gates| gates.output = gates.input);
    refused_gates(Defect::Constant, &|gates| gates.count += 1 << 20);
    refused_gates(Defect::Constant, &|gates| gates.series_count += 1 << 20);
    refused_gates(Defect::Constant, &|gates| gates.table += 2);
    // Series that end beyond the gates.
    refused_gates(Defect::Index, &|gates| gates.count -= 1);
    // As many signals as the sums are fewer than the input has.
    refused_gates(Defect::Shape, &|gates| gates.output += 1);
    let kind = |kind| changed(&|_, sum| sum.kind = kind);
    refused(&kind(0), Defect::Tensor, Place::Op(1));
    refused(&kind(2), Defect::Unsupported, Place::Op(1));

    // A wire beyond the signals, and a series that ends before the one before it.
    let gates = GatesRecord::read_from_bytes(&sound.bytes(section::OPS)[..64]).expect("a record");
    let constant = |at: u32, value: u32| {
        let mut parts = sound.clone();
        let constants = parts.bytes_mut(section::CONSTANTS).expect("there are constants");
        constants[at as usize..][..4].copy_from_slice(&value.to_le_bytes());
        parts
    };
    for wire in [256, 256 << 16, u32::MAX] {
        refused(&constant(gates.table + 8, wire), Defect::Index, Place::Op(0));
    }
    refused(&constant(gates.series + 8, 0), Defect::Index, Place::Op(0));
    refused(&constant(gates.series, 0x0FFF_FFFF), Defect::Index, Place::Op(0));

    // Word wiring knows no series.
    let mut words = sample("bits");
    for field in [16, 20] {
        let ops = words.bytes_mut(section::OPS).expect("there are ops");
        ops[field] = 4;
        refused(&words, Defect::Reserved, Place::Op(0));
        words.bytes_mut(section::OPS).expect("there are ops")[field] = 0;
    }
}

/// The same of the tables that many ops name.
#[test]
fn tables_of_ops_are_bounded_too() {
    let hostile = leafgate_tests_laws::hostile::all();
    // A table that is nearly the whole image may be named sixteen times.
    for name in ["thresholds", "groups", "gates"] {
        let sample = hostile.iter().find(|hostile| hostile.name == name).expect("an image of this name");
        for (ops, accepted) in [(12, true), (18, false)] {
            let mut parts = Parts::of(&sample.image);
            let bytes = parts.bytes_mut(section::OPS).expect("there are ops");
            let first = records::<OpRecord>(bytes)[0];
            let mut all = records::<OpRecord>(bytes);
            all.retain(|record| record.as_bytes() != first.as_bytes());
            all.splice(0..0, vec![first; ops]);
            *bytes = all.as_bytes().to_vec();
            parts.repair_figures();
            if accepted {
                let image = parts.assemble();
                Model::parse(AlignedBytes::copy_of(&image).as_slice()).expect("within the bound");
                reference::read(&image, Crc::Check).expect("within the bound");
            } else {
                refused(&parts, Defect::Count, Place::Op(16));
            }
        }
    }
}

/// What copies and products ask for.
#[test]
fn moves_and_products_have_rules_of_their_own() {
    let sound = sample("moves");
    let changed = |i: usize, change: &dyn Fn(&mut MoveRecord, &mut MapRecord)| {
        let mut parts = sound.clone();
        let op = &mut parts.bytes_mut(section::OPS).expect("there are ops")[64 * i..][..64];
        let mut copy = MoveRecord::read_from_bytes(op).expect("a record");
        let mut map = MapRecord::read_from_bytes(op).expect("a record");
        change(&mut copy, &mut map);
        // Only one of them was changed.
        op.copy_from_slice(if copy.as_bytes() == op { map.as_bytes() } else { copy.as_bytes() });
        parts.repair_figures();
        parts
    };
    let refused_move = |defect, change: &dyn Fn(&mut MoveRecord)| {
        refused(&changed(0, &|copy, _| change(copy)), defect, Place::Op(0));
    };
    // Fifteen elements, of which three rows of two are read from the third on and written from the first on.
    refused_move(Defect::Unsupported, &|copy| copy.kind = 1);
    refused_move(Defect::Op, &|copy| copy.flags = 1);
    refused_move(Defect::Reserved, &|copy| copy.reserved[0] = 1);
    refused_move(Defect::Count, &|copy| copy.rows = 0);
    refused_move(Defect::Count, &|copy| copy.cols = 0);
    refused_move(Defect::Tensor, &|copy| copy.input = 999);
    refused_move(Defect::Tensor, &|copy| copy.output = NO_TENSOR);
    refused_move(Defect::Tensor, &|copy| copy.output = copy.input);
    refused_move(Defect::Alias, &|copy| copy.input = copy.output);
    refused_move(Defect::Shape, &|copy| copy.to_row = 1);
    refused_move(Defect::Shape, &|copy| copy.from += 1);
    refused_move(Defect::Shape, &|copy| copy.rows += 1);
    refused_move(Defect::Shape, &|copy| copy.from_row += 1);
    refused_move(Defect::Shape, &|copy| copy.from_col += 1);
    refused_move(Defect::Shape, &|copy| copy.to += 4);
    refused_move(Defect::Shape, &|copy| copy.to_row += 2);
    for huge in [1 << 16, 1 << 31, u32::MAX] {
        refused_move(Defect::Shape, &|copy| (copy.rows, copy.from_row) = (huge, huge));
        refused_move(Defect::Shape, &|copy| (copy.from, copy.from_row, copy.from_col) = (huge, huge, huge));
        refused_move(Defect::Shape, &|copy| (copy.rows, copy.cols, copy.to_row) = (huge, huge, huge));
        refused_move(Defect::Shape, &|copy| (copy.to, copy.to_row) = (huge, huge));
    }
    // The last ones that fit.
    for (to, to_row, from_row) in [(3, 5, 5), (0, 6, 5), (0, 5, 4)] {
        let image = changed(0, &|copy, _| (copy.to, copy.to_row, copy.from_row) = (to, to_row, from_row)).assemble();
        Model::parse(AlignedBytes::copy_of(&image).as_slice()).expect("it fits");
        reference::read(&image, Crc::Check).expect("it fits");
    }
    let refused_map = |defect, change: &dyn Fn(&mut MapRecord)| {
        refused(&changed(3, &|_, map| change(map)), defect, Place::Op(3));
    };
    refused_map(Defect::Unsupported, &|map| map.kind = 6);
    refused_map(Defect::Op, &|map| map.flags = 1);
    refused_map(Defect::Reserved, &|map| map.m2 = 1);
    refused_map(Defect::Requantise, &|map| map.shift = 0);
    refused_map(Defect::Requantise, &|map| map.shift = 63);
    refused_map(Defect::Requantise, &|map| map.lo = 101);
    refused_map(Defect::Constant, &|map| map.table = 0);
    refused_map(Defect::Constant, &|map| map.rq = 0);
    refused_map(Defect::Tensor, &|map| map.second = NO_TENSOR);
    refused_map(Defect::Shape, &|map| map.second += 1);
    refused_map(Defect::Alias, &|map| map.second = map.output);
    // Words are not bytes, and lists are not copied.
    let mut words = sample("moved-words");
    words.bytes_mut(section::OPS).expect("there are ops")[4..6].copy_from_slice(&2u16.to_le_bytes());
    refused(&words, Defect::Tensor, Place::Op(0));
    let mut parts = Parts::of(&leafgate_tests_laws::layout::emptied_list());
    let copy = MoveRecord { input: 1, output: 2, ..leafgate_tests_laws::structure::NO_MOVE };
    let ops = parts.bytes_mut(section::OPS).expect("there are ops");
    let rest = ops.split_off(64);
    ops.extend_from_slice(copy.as_bytes());
    ops.extend(rest);
    parts.repair_figures();
    refused(&parts, Defect::Tensor, Place::Op(1));
}
