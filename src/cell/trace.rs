//! The functions on the stack of a panic, also those of cells.
//!
//! std lists the libraries of the process at its first backtrace and never again, so that after a first panic the cells
//! loaded later have no names. What it cannot name is looked up in the library's own table of symbols.

use addr2line::Loader;
use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::fmt::Write;
use std::mem::MaybeUninit;
use std::path::PathBuf;

/// Innermost first, in the form of `std::backtrace`: `  3: a::b`, and below it where that is if the library knows.
pub fn functions() -> String {
    let mut out = String::new();
    let (mut loaders, mut number) = (HashMap::new(), 0);
    backtrace::trace(|frame| {
        let mut known = false;
        backtrace::resolve_frame(frame, |symbol| {
            let Some(name) = symbol.name() else { return };
            known = true;
            let _ = writeln!(out, "{number:>4}: {name}");
            if let (Some(file), Some(line)) = (symbol.filename(), symbol.lineno()) {
                let _ = writeln!(out, "             at {}:{line}", file.display());
            }
        });
        if !known {
            let name = in_library(frame.ip(), &mut loaders);
            let _ = writeln!(out, "{number:>4}: {}", name.as_deref().unwrap_or("<unknown>"));
        }
        number += 1;
        true
    });
    out
}

/// The name that the library around this return address gives to its function.
fn in_library(address: *mut c_void, loaders: &mut HashMap<PathBuf, Option<Loader>>) -> Option<String> {
    // The instruction before the one that the call returns to; never looked into.
    let call = address.wrapping_byte_sub(1);
    let mut found = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: `found` has room for the answer, which is complete if the result is not 0; the name lives as long as the
    // library, whose code is running.
    let (name, base) = unsafe {
        if libc::dladdr(call, found.as_mut_ptr()) == 0 {
            return None;
        }
        let found = found.assume_init();
        if found.dli_fname.is_null() {
            return None;
        }
        (CStr::from_ptr(found.dli_fname).to_str().ok()?, found.dli_fbase)
    };
    let loader = loaders.entry(name.into()).or_insert_with_key(|path| Loader::new(path).ok()).as_ref()?;
    let offset = (call as usize).checked_sub(base as usize)?;
    let symbol = loader.find_symbol(offset as u64)?;
    Some(addr2line::demangle_auto(symbol.into(), None).into_owned())
}
