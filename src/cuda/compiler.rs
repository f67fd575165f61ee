//! NVRTC, NVIDIA's compiler as a library: found at run time, asked for machine code of one architecture, never for PTX.
//!
//! PTX of a newer NVRTC is refused by an older driver; machine code for the card's own architecture is not. What was
//! compiled is kept in the cache, so that a machine needs NVRTC once.

use super::{Source, loader};
use crate::error::{Error, Result};
use cudarc::nvrtc::{result, sys};
use std::ffi::{CString, OsStr, c_char};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// Machine code, and what the compiler said.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The module.
    pub cubin: Vec<u8>,
    /// Registers, spills and shared memory of every kernel, as ptxas prints them.
    pub log: String,
}

/// NVRTC.
#[derive(Clone, Copy, Debug)]
pub struct Compiler(());

const STAGE: &str = "NVRTC";

impl Compiler {
    /// Looks for NVRTC: in the folder `WIDEMARGIN_NVRTC`, where the system's loader looks, in `/usr/local/cuda`, in the
    /// Python environment that is active.
    ///
    /// Errors: `Device` with what to install.
    pub fn find() -> Result<Self> {
        let named = std::env::var_os("WIDEMARGIN_NVRTC").map(PathBuf::from);
        let present = || loader::has(loader::NVRTC);
        let found = match named {
            Some(folder) => preload(&folder) && present(),
            None => present() || places().iter().any(|folder| preload(folder) && present()),
        };
        if found {
            return Ok(Self(()));
        }
        let reason = "libnvrtc was not found; install the CUDA toolkit, or `pip install nvidia-cuda-nvrtc`, and set \
                      WIDEMARGIN_NVRTC to the folder that holds libnvrtc.so.*";
        Err(Error::Device { stage: STAGE, reason: reason.into() })
    }

    /// Compiles for an architecture, `sm_90` say.
    pub fn compile(&self, source: &Source, architecture: &str) -> Result<Compiled> {
        let refuse = |what: &str, log: &str| {
            let log = log.trim();
            let reason =
                format!("{} for {architecture}: {what}{}{log}", source.file, if log.is_empty() { "" } else { "\n" });
            Error::Device { stage: STAGE, reason }
        };
        let text = CString::new(source.text).map_err(|_| refuse("a zero byte in the source", ""))?;
        let name = CString::new(source.file).map_err(|_| refuse("a zero byte in the name", ""))?;
        let architecture = format!("--gpu-architecture={architecture}");
        let options: Vec<&str> =
            source.options.iter().copied().chain([architecture.as_str(), "--ptxas-options=-v"]).collect();
        let program = result::create_program(&text, Some(&name)).map_err(|e| refuse(&format!("{e:?}"), ""))?;
        // SAFETY: the program was made above and is destroyed once, below; a buffer has the size NVRTC asked for.
        unsafe {
            let outcome = result::compile_program(program, &options);
            let log = result::get_program_log(program).map(|log| to_text(&log)).unwrap_or_default();
            let compiled = outcome.map_err(|e| refuse(&format!("{e:?}"), &log)).and_then(|()| {
                let failed = |e: result::NvrtcError| refuse(&format!("no machine code: {e:?}"), &log);
                let mut size = 0;
                sys::nvrtcGetCUBINSize(program, &mut size).result().map_err(failed)?;
                let mut cubin = vec![0_u8; size];
                sys::nvrtcGetCUBIN(program, cubin.as_mut_ptr().cast()).result().map_err(failed)?;
                Ok(Compiled { cubin, log: log.clone() })
            });
            let _ = result::destroy_program(program);
            compiled
        }
    }
}

/// The machine code of a source: from the cache, else compiled and put there.
pub(super) fn cached(source: &Source, architecture: &str) -> Result<Vec<u8>> {
    let mut hash = std::hash::DefaultHasher::new();
    source.hash(&mut hash);
    let name = format!("{}-{architecture}-{:016x}.cubin", source.file, hash.finish());
    let folder = cache_folder();
    if let Some(cubin) = folder.as_ref().and_then(|folder| std::fs::read(folder.join(&name)).ok())
        && is_whole(&cubin)
    {
        return Ok(cubin);
    }
    let cubin = Compiler::find()?.compile(source, architecture)?.cubin;
    // A cache that cannot be written costs a second at each start, no more.
    if let Some(folder) = folder {
        let _ = keep(&folder, &name, &cubin);
    }
    Ok(cubin)
}

/// Whether it is an ELF file that was written to its end: NVRTC's section table is the last thing in it.
fn is_whole(cubin: &[u8]) -> bool {
    let field = |at: usize, bytes: usize| -> Option<usize> {
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(cubin.get(at..at + bytes)?);
        usize::try_from(u64::from_le_bytes(value)).ok()
    };
    let table = || Some((field(0x28, 8)?, field(0x3a, 2)?.checked_mul(field(0x3c, 2)?)?));
    cubin.starts_with(b"\x7fELF") && table().is_some_and(|(at, size)| at.saturating_add(size) <= cubin.len())
}

/// Under a temporary name first: another process never sees half a file.
fn keep(folder: &Path, name: &str, cubin: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(file.path(), cubin)?;
    file.persist(folder.join(name))?;
    Ok(())
}

fn cache_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let own = named("WIDEMARGIN_CACHE");
    let base = own.or_else(|| {
        let base = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
        Some(base.join("widemargin"))
    })?;
    Some(base.join("cuda"))
}

/// Where NVRTC lies when the loader does not know it.
fn places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("/usr/local/cuda/lib64")];
    if let Some(environment) = std::env::var_os("VIRTUAL_ENV") {
        let pythons = std::fs::read_dir(Path::new(&environment).join("lib")).into_iter().flatten().flatten();
        for python in pythons {
            let packages = python.path().join("site-packages/nvidia");
            places.extend(["cu13/lib", "cuda_nvrtc/lib"].map(|folder| packages.join(folder)));
        }
    }
    places
}

/// Loads NVRTC's two libraries from a folder, the part it needs first; later requests by name then find them.
fn preload(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let starts =
        |path: &Path, start: &str| path.file_name().and_then(OsStr::to_str).is_some_and(|n| n.starts_with(start));
    ["libnvrtc-builtins.so", "libnvrtc.so"].iter().all(|start| {
        let file = files.iter().find(|path| starts(path, start));
        file.and_then(|file| CString::new(file.to_string_lossy().as_bytes()).ok()).is_some_and(|file| {
            // SAFETY: the path is a C string; both libraries only define functions. They stay loaded.
            !unsafe { libc::dlopen(file.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) }.is_null()
        })
    })
}

fn to_text(log: &[c_char]) -> String {
    log.iter().map(|c| *c as u8).take_while(|c| *c != 0).map(char::from).collect()
}
