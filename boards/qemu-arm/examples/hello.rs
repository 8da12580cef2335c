//! The smallest firmware with a network in it: an image in flash, an arena in RAM, a digit classified.
//!
//! ```text
//! cargo build --profile firmware -p leafgate-qemu-arm --example hello --target thumbv7em-none-eabihf
//! cargo run -p leafgate-emulate -- target/thumbv7em-none-eabihf/firmware/examples/hello
//! ```
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use leafgate::{Aligned, Arena, Model, Session, arena_bytes, include_leaf};
    use leafgate_board_support::{ExitCode, exit, rt::entry};

    static IMAGE: &Aligned<[u8]> = include_leaf!("../../../models/zoo/digits-fff/digits-fff.leaf");
    const ARENA_BYTES: usize = arena_bytes(&IMAGE.0); // what is no image does not compile

    /// A zero, 8 x 8 pixels from 0 to 16.
    #[rustfmt::skip]
    const DIGIT: [i8; 64] = [
        0, 0,  5, 13,  9,  1,  0, 0,
        0, 0, 13, 15, 10, 15,  5, 0,
        0, 3, 15,  2,  0, 11,  8, 0,
        0, 4, 12,  0,  0,  8,  8, 0,
        0, 5,  8,  0,  0,  9,  8, 0,
        0, 4, 11,  0,  1, 12,  7, 0,
        0, 2, 14,  5, 10, 12,  0, 0,
        0, 0,  6, 13, 10,  0,  0, 0,
    ];

    fn classify(digit: &[i8; 64]) -> Option<usize> {
        let model = Model::parse(&IMAGE.0).ok()?; // checked once; afterwards nothing can go wrong but the length of an input
        let mut arena = Arena::<ARENA_BYTES>::new();
        let mut session = Session::new(&model, arena.as_mut_slice()).ok()?;
        session.run(digit).ok()?.class()
    }

    #[entry]
    fn main() -> ! {
        let class = classify(&DIGIT);
        defmt::info!("hello, this is a {}", class);
        exit(if class == Some(0) { ExitCode::Success } else { ExitCode::SelfTestFailed })
    }
}

#[cfg(not(target_os = "none"))]
fn main() {}
