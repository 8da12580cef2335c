//! Trials of `virt`: what must not happen in the application, and the clock.
#![cfg_attr(target_os = "none", no_std, no_main)]
leafgate_app::trials!(leafgate_qemu_riscv::Virt);
