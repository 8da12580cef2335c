//! How a device says how it ended.

/// How a run of a firmware ended, as the process exit code that the emulator passes on.
///
/// 0 is the one success. The others begin at 10, clear of the codes that shells, `timeout` and QEMU itself use (1, 2, 124,
/// 126 and up). A code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum ExitCode {
    /// Everything asked for was done.
    Success = 0,
    /// A fault or an exception nobody handles: HardFault, an illegal instruction, a stray interrupt.
    Fault = 10,
    /// A panic.
    Panic = 11,
    /// The model partition holds no image that the runtime accepts.
    BadImage = 12,
    /// A golden vector gave other values than the image says.
    SelfTestFailed = 13,
    /// The image wants a larger arena than the application has reserved.
    ArenaTooSmall = 14,
    /// Memory next to the arena was written.
    CanaryBroken = 15,
    /// The samples region is there but malformed, or its samples do not fit the model.
    BadSamples = 16,
    /// The outputs depend on what the arena held before the run.
    OutputsDiffer = 17,
    /// The tick counter ran past its range, or does not tick.
    ClockFailed = 18,
}

impl ExitCode {
    /// Every code, in ascending order.
    pub const ALL: [ExitCode; 10] = [
        ExitCode::Success,
        ExitCode::Fault,
        ExitCode::Panic,
        ExitCode::BadImage,
        ExitCode::SelfTestFailed,
        ExitCode::ArenaTooSmall,
        ExitCode::CanaryBroken,
        ExitCode::BadSamples,
        ExitCode::OutputsDiffer,
        ExitCode::ClockFailed,
    ];

    /// The number the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number, if it is one of ours.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    /// A few words for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            ExitCode::Success => "success",
            ExitCode::Fault => "processor fault",
            ExitCode::Panic => "panic",
            ExitCode::BadImage => "image refused",
            ExitCode::SelfTestFailed => "self-test failed",
            ExitCode::ArenaTooSmall => "arena too small",
            ExitCode::CanaryBroken => "memory next to the arena was written",
            ExitCode::BadSamples => "samples region refused",
            ExitCode::OutputsDiffer => "outputs depend on former arena contents",
            ExitCode::ClockFailed => "tick counter failed",
        }
    }
}

/// Ends the program. Under an emulator or a debugger with semihosting its process ends with this code.
#[cfg(target_os = "none")]
pub fn exit(code: ExitCode) -> ! {
    semihosting::process::exit(i32::from(code.code()))
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn codes_are_distinct_and_round_trip() {
        for (i, a) in ExitCode::ALL.into_iter().enumerate() {
            assert_eq!(ExitCode::from_code(i32::from(a.code())), Some(a));
            assert!(ExitCode::ALL[i + 1..].iter().all(|b| a.code() < b.code()));
        }
        assert_eq!(ExitCode::from_code(1), None);
    }
}
