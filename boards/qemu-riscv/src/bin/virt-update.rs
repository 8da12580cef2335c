//! The application on `virt`, with updates over its serial port.
#![cfg_attr(target_os = "none", no_std, no_main)]
leafgate_app::updates!(leafgate_qemu_riscv::Virt);
