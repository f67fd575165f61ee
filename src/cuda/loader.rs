//! Whether the system's loader knows a library of CUDA's, by the names under which cudarc and `tests/cuda/lazy.py` ask.

use std::ffi::CStr;

/// The driver.
pub(super) const DRIVER: &[&CStr] = &[c"libcuda.so.1", c"libcuda.so"];
/// The compiler.
pub(super) const NVRTC: &[&CStr] = &[c"libnvrtc.so.13", c"libnvrtc.so.12", c"libnvrtc.so"];

/// Loads the first that is there; it stays loaded.
pub(super) fn has(names: &[&CStr]) -> bool {
    // SAFETY: the names are C strings; these libraries run no code at loading that we rely on.
    names.iter().any(|name| !unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) }.is_null())
}
