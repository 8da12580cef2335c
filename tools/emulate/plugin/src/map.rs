//! The functions of the firmware.

/// What a function is to the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The function whose calls are told apart.
    Run,
    /// A part of it.
    Op,
    /// Any other.
    Other,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Function {
    start: u64,
    end: u64,
    mark: Mark,
}

/// The functions in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Map(Vec<Function>);

/// An address within the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the function; the one after the last if the address is in none.
    pub(crate) function: usize,
    /// Whether it is the function's first address.
    pub(crate) is_entry: bool,
    /// What the function is.
    pub(crate) mark: Mark,
}

impl Map {
    /// Reads the lines of a map; the error says which line is wrong and why.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut functions: Vec<Function> = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {}, `{line}`: {what}", i + 1);
            let function = function_of(line).ok_or_else(|| wrong("wanted `START END MARK`, the mark run, op or -"))?;
            let after = functions.last().map_or(0, |last| last.end);
            if function.start < after || function.end <= function.start {
                return Err(wrong("functions must ascend, not overlap and not be empty"));
            }
            functions.push(function);
        }
        Ok(Self(functions))
    }

    /// Counters needed: one for each function, and one for what is in none.
    pub(crate) fn counters(&self) -> usize {
        self.0.len() + 1
    }

    /// Where an address is.
    pub(crate) fn place(&self, address: u64) -> Place {
        let after = self.0.partition_point(|function| function.start <= address);
        let found = after.checked_sub(1).and_then(|i| self.0.get(i).filter(|it| address < it.end).map(|it| (i, it)));
        found.map_or(Place { function: self.0.len(), is_entry: false, mark: Mark::Other }, |(i, it)| Place {
            function: i,
            is_entry: it.start == address,
            mark: it.mark,
        })
    }
}

fn function_of(line: &str) -> Option<Function> {
    let mut words = line.split(' ');
    let mut address = || u64::from_str_radix(words.next()?, 16).ok();
    let (start, end) = (address()?, address()?);
    let mark = match words.next()? {
        "run" => Mark::Run,
        "op" => Mark::Op,
        "-" => Mark::Other,
        _ => return None,
    };
    words.next().is_none().then_some(Function { start, end, mark })
}

#[cfg(test)]
mod tests {
    use super::{Map, Mark, Place};

    #[test]
    fn addresses_are_found() {
        let map = Map::parse("100 110 -\n110 120 run\n200 204 op\n").unwrap();
        let place = |address| {
            let Place { function, is_entry, mark } = map.place(address);
            (function, is_entry, mark)
        };
        assert_eq!(map.counters(), 4);
        assert_eq!(place(0xFF), (3, false, Mark::Other));
        assert_eq!(place(0x10F), (0, false, Mark::Other));
        assert_eq!(place(0x110), (1, true, Mark::Run));
        assert_eq!(place(0x120), (3, false, Mark::Other));
        assert_eq!(place(0x202), (2, false, Mark::Op));
        assert_eq!(place(u64::MAX), (3, false, Mark::Other));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for text in ["100 110", "100 110 - -", "x 110 -", "100 100 -", "100 110 what", "100 110 -\n108 120 -"] {
            let error = Map::parse(text).unwrap_err();
            assert!(error.starts_with(&format!("line {}", text.lines().count())), "{error}");
        }
    }
}
