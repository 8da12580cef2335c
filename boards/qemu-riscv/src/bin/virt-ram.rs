//! The application on `virt`, its kernels in RAM.
#![cfg_attr(target_os = "none", no_std, no_main)]
leafgate_app::application!(leafgate_qemu_riscv::Virt);
