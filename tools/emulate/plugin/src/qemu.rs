//! QEMU's plugin interface, version 1: what is used of it, declared as `qemu-plugin.h` of QEMU 7.2 has it.
//!
//! The symbols are those of the QEMU process that loads the library. All `unsafe` of the plugin is here.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::AtomicU64;

use crate::install;
use crate::trace::Block;

/// The version of the interface, which QEMU reads before anything else.
// SAFETY: QEMU wants the symbol by this name, and nothing else in the process defines it.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "QEMU has named it")]
pub static qemu_plugin_version: c_int = 1;

/// Number of the plugin within QEMU.
type Id = u64;

/// The first field of what QEMU says of itself; the others are not read.
#[repr(C)]
pub struct Info {
    target_name: *const c_char,
}

/// A block that is being translated.
#[repr(C)]
pub struct Tb {
    _opaque: [u8; 0],
}

/// An instruction of it.
#[repr(C)]
pub struct Insn {
    _opaque: [u8; 0],
}

/// `QEMU_PLUGIN_CB_NO_REGS`: the callback reads no registers of the guest.
const NO_REGS: c_int = 0;
/// `QEMU_PLUGIN_INLINE_ADD_U64`.
const ADD_U64: c_int = 0;

unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, callback: extern "C" fn(Id, *mut Tb));
    fn qemu_plugin_register_atexit_cb(id: Id, callback: extern "C" fn(Id, *mut c_void), data: *mut c_void);
    fn qemu_plugin_register_vcpu_tb_exec_cb(
        tb: *mut Tb,
        callback: extern "C" fn(c_uint, *mut c_void),
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_insn_exec_inline(insn: *mut Insn, op: c_int, counter: *mut c_void, add: u64);
    fn qemu_plugin_tb_n_insns(tb: *const Tb) -> usize;
    fn qemu_plugin_tb_get_insn(tb: *const Tb, index: usize) -> *mut Insn;
    fn qemu_plugin_insn_data(insn: *const Insn) -> *const c_void;
    fn qemu_plugin_insn_size(insn: *const Insn) -> usize;
    fn qemu_plugin_insn_vaddr(insn: *const Insn) -> u64;
}

/// A block that is being translated, for the time of the callback.
pub(crate) struct Translation(*mut Tb);

/// An instruction of it.
pub(crate) struct Instruction<'t> {
    insn: *mut Insn,
    /// Its address.
    pub(crate) address: u64,
    /// Its bytes, as they lie in memory.
    pub(crate) bytes: &'t [u8],
}

impl Translation {
    /// Its instructions in order.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = Instruction<'_>> {
        // SAFETY: the pointer is QEMU's own, and valid during the callback that `self` lives in.
        let count = unsafe { qemu_plugin_tb_n_insns(self.0) };
        (0..count).map(|index| {
            // SAFETY: as above, and `index` is below the count; data and size describe one buffer that lives as long as
            // the translation.
            unsafe {
                let insn = qemu_plugin_tb_get_insn(self.0, index);
                let (data, size) = (qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
                let bytes = std::slice::from_raw_parts(data.cast(), size);
                Instruction { insn, address: qemu_plugin_insn_vaddr(insn), bytes }
            }
        })
    }

    /// Calls [`install::on_execution`] whenever the block is about to be executed.
    pub(crate) fn announce(&self, block: &'static Block) {
        let data = std::ptr::from_ref(block).cast_mut().cast();
        // SAFETY: the pointer is valid as above; `data` is never freed, and only read by the callback.
        unsafe { qemu_plugin_register_vcpu_tb_exec_cb(self.0, executed, NO_REGS, data) }
    }
}

impl Instruction<'_> {
    /// Adds one to the counter whenever the instruction is executed.
    pub(crate) fn count(&self, counter: &'static AtomicU64) {
        // SAFETY: the instruction is valid during the callback that `self` lives in; the counter is never freed. QEMU adds
        // without atomicity, which one thread at a time (under `-icount`) makes sufficient.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline(self.insn, ADD_U64, counter.as_ptr().cast(), 1) }
    }
}

extern "C" fn translated(_: Id, tb: *mut Tb) {
    install::on_translation(&Translation(tb));
}

extern "C" fn executed(_: c_uint, data: *mut c_void) {
    // SAFETY: `announce` has registered a `&'static Block`.
    install::on_execution(unsafe { &*data.cast::<Block>() });
}

extern "C" fn at_exit(_: Id, _: *mut c_void) {
    install::on_exit();
}

/// Called by QEMU once it has loaded the library. Anything but 0 makes it give up.
///
/// # Safety
/// The arguments are what QEMU promises: `info` points to a `qemu_info_t`, `argv` to `argc` strings.
// SAFETY: QEMU wants the function by this name, and nothing else in the process defines it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: Id,
    info: *const Info,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: `pointer` is one of QEMU's strings.
    let text = |pointer: *const c_char| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned();
    // SAFETY: by the caller's promise.
    let target = text(unsafe { (*info).target_name });
    // SAFETY: by the caller's promise; the index is below `argc`.
    let arguments: Vec<String> = (0..argc as usize).map(|i| text(unsafe { *argv.add(i) })).collect();
    if let Err(error) = install::install(&target, &arguments) {
        eprintln!("leafgate-emulate-plugin: {error}");
        return 1;
    }
    // SAFETY: the callbacks are functions of this library, which QEMU does not unload before it exits.
    unsafe {
        qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
        qemu_plugin_register_atexit_cb(id, at_exit, std::ptr::null_mut());
    }
    0
}
