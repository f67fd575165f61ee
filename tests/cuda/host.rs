//! The unmodified sources, compiled by the host's C++ compiler: a machine whose every thread is watched (`shim.cpp`).

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::{Mutex, OnceLock};
use widemargin::cuda::{Argument, KERNELS, Kernel, Machine, Multiply, Number, Product, Source};
use widemargin::{Error, Result};

type Launch = unsafe extern "C" fn(*const c_char, u32, u32, u32, usize, *mut *mut c_void, usize, u64) -> *const c_char;

/// Bytes of NaN on both sides of every piece of memory.
const CANARY: usize = 4096;

/// A machine of fibers; the seed draws the order of threads and blocks.
pub struct Host {
    launch: Launch,
    seed: Cell<u64>,
    live: Rc<RefCell<Vec<(usize, usize)>>>,
    /// Names of what was launched, and the largest grid of each.
    pub launched: RefCell<std::collections::BTreeMap<&'static str, [u32; 2]>>,
}

/// Memory that starts as NaN, between canaries.
pub struct Memory {
    words: Vec<u64>,
    bytes: usize,
    live: Rc<RefCell<Vec<(usize, usize)>>>,
}

impl Memory {
    fn start(&self) -> usize {
        self.words.as_ptr() as usize + CANARY
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let start = self.start();
        self.live.borrow_mut().retain(|(at, _)| *at != start);
    }
}

impl Host {
    /// The library of the sources, or of a mutant named by the environment; `None` if there is no compiler.
    pub fn new(seed: u64) -> Option<Host> {
        static LIBRARY: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
        let library = LIBRARY.get_or_init(|| {
            if let Some(mutant) = std::env::var_os("WIDEMARGIN_MUTANT") {
                return Ok(mutant.into());
            }
            Builder::new("sources").and_then(|builder| builder.build("all", None))
        });
        match library {
            Ok(library) => Some(Host::of(library, seed)),
            Err(why) => {
                crate::skip(why);
                None
            }
        }
    }

    fn of(library: &Path, seed: u64) -> Host {
        let path = CString::new(library.to_str().unwrap()).unwrap();
        // SAFETY: the library was built from shim.cpp, which defines `shim_launch` with this type; it stays loaded.
        let launch: Launch = unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            assert!(!library.is_null(), "{:?}", CStr::from_ptr(libc::dlerror()));
            let symbol = libc::dlsym(library, c"shim_launch".as_ptr());
            assert!(!symbol.is_null());
            std::mem::transmute::<*mut c_void, Launch>(symbol)
        };
        Host { launch, seed: Cell::new(seed), live: Rc::default(), launched: RefCell::default() }
    }

    fn check_canaries(&self, kernel: &str) -> Result<()> {
        for (start, bytes) in self.live.borrow().iter() {
            for at in [start - CANARY, start + bytes] {
                // SAFETY: both lie inside of a `Memory` that is alive.
                let canary = unsafe { std::slice::from_raw_parts(at as *const u8, CANARY) };
                if canary.iter().any(|byte| *byte != 0xff) {
                    let reason = format!("{kernel} wrote outside of its memory of {bytes} bytes");
                    return Err(Error::Device { stage: "host", reason });
                }
            }
        }
        Ok(())
    }
}

impl Machine for Host {
    type Memory = Memory;

    fn memory(&self, bytes: usize) -> Result<Memory> {
        let words = vec![u64::MAX; (bytes + 2 * CANARY).div_ceil(8)];
        let memory = Memory { words, bytes, live: self.live.clone() };
        self.live.borrow_mut().push((memory.start(), bytes));
        Ok(memory)
    }

    fn address(&self, memory: &Memory) -> u64 {
        memory.start() as u64
    }

    fn write(&self, memory: &mut Memory, bytes: &[u8]) -> Result<()> {
        assert!(bytes.len() <= memory.bytes);
        // SAFETY: the memory has that many bytes from its start on.
        unsafe { std::slice::from_raw_parts_mut(memory.start() as *mut u8, bytes.len()) }.copy_from_slice(bytes);
        Ok(())
    }

    fn read(&self, memory: &Memory, bytes: &mut [u8]) -> Result<()> {
        assert!(bytes.len() <= memory.bytes);
        // SAFETY: the memory has that many bytes from its start on.
        bytes.copy_from_slice(unsafe { std::slice::from_raw_parts(memory.start() as *const u8, bytes.len()) });
        Ok(())
    }

    fn start(&self, kernel: &Kernel, grid: [u32; 2], arguments: &[Argument]) -> Result<()> {
        let mut launched = self.launched.borrow_mut();
        let largest = launched.entry(kernel.name).or_insert(grid);
        *largest = [largest[0].max(grid[0]), largest[1].max(grid[1])];
        self.seed.set(self.seed.get().wrapping_add(1));
        let name = CString::new(kernel.name).unwrap();
        let pointer = |argument: &Argument| -> *mut c_void {
            match argument {
                Argument::Address(value) | Argument::U64(value) => std::ptr::from_ref(value) as *mut c_void,
                Argument::U32(value) => std::ptr::from_ref(value) as *mut c_void,
                Argument::F32(value) => std::ptr::from_ref(value) as *mut c_void,
                Argument::F64(value) => std::ptr::from_ref(value) as *mut c_void,
            }
        };
        let mut pointers: Vec<*mut c_void> = arguments.iter().map(pointer).collect();
        let (shared, seed) = (kernel.shared as usize, self.seed.get());
        // The shim has one set of fibers; tests run on several threads.
        static ONE: Mutex<()> = Mutex::new(());
        let one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // SAFETY: the arguments have the types of the source, see `table.rs`; the shim only reads them.
        let refusal = unsafe {
            let count = pointers.len();
            let message = (self.launch)(
                name.as_ptr(),
                grid[0],
                grid[1],
                kernel.threads,
                shared,
                pointers.as_mut_ptr(),
                count,
                seed,
            );
            (!message.is_null()).then(|| CStr::from_ptr(message).to_string_lossy().into_owned())
        };
        drop(one);
        match refusal {
            Some(refusal) => Err(Error::Device { stage: "host", reason: format!("{}: {refusal}", kernel.name) }),
            None => self.check_canaries(kernel.name),
        }
    }
}

/// Products entry by entry, in f64, in place of a card's library.
impl Multiply for Host {
    fn multiply(&self, product: &Product) -> Result<()> {
        let Product { a, b, c, turned, rows, inner, columns, add, number } = *product;
        let place = |address: u64, at: u64| address + number.bytes() * at;
        // SAFETY (of both): the addresses hold matrices of these sizes, as the trait's contract asks.
        let read = |address: u64| match number {
            Number::F32 => f64::from(unsafe { *(address as *const f32) }),
            Number::F64 => unsafe { *(address as *const f64) },
        };
        let write = |address: u64, value: f64| match number {
            Number::F32 => unsafe { *(address as *mut f32) = value as f32 },
            Number::F64 => unsafe { *(address as *mut f64) = value },
        };
        let [rows, inner, columns] = [rows, inner, columns].map(u64::from);
        for row in 0..rows {
            for column in 0..columns {
                let to = place(c, row * columns + column);
                let mut sum = if add { read(to) } else { 0.0 };
                for k in 0..inner {
                    let left = if turned[0] { k * rows + row } else { row * inner + k };
                    let right = if turned[1] { column * inner + k } else { k * columns + column };
                    sum += read(place(a, left)) * read(place(b, right));
                }
                write(to, sum);
            }
        }
        self.check_canaries("a product")
    }
}

impl Host {
    /// Memory that holds these numbers.
    pub fn holding(&self, values: &[f64], number: Number) -> Memory {
        let bytes: Vec<u8> = match number {
            Number::F32 => values.iter().flat_map(|value| (*value as f32).to_ne_bytes()).collect(),
            Number::F64 => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
        };
        let mut memory = self.memory(bytes.len()).unwrap();
        self.write(&mut memory, &bytes).unwrap();
        memory
    }

    /// All numbers of a memory.
    pub fn numbers(&self, memory: &Memory, number: Number) -> Vec<f64> {
        let mut bytes = vec![0; memory.bytes];
        self.read(memory, &mut bytes).unwrap();
        match number {
            Number::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_ne_bytes(*b))).collect(),
            Number::F64 => bytes.as_chunks::<8>().0.iter().map(|b| f64::from_ne_bytes(*b)).collect(),
        }
    }
}

/// Compiles libraries of the sources with one of them changed.
pub struct Builder {
    folder: PathBuf,
    compiler: String,
}

impl Builder {
    pub fn new(name: &str) -> std::result::Result<Builder, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cuda-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
        let version = Command::new(&compiler).arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            return Err(format!("there is no C++ compiler `{compiler}` (set CXX to name one)"));
        }
        let builder = Builder { folder, compiler };
        let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/shim.cpp");
        builder.compile(&shim, "shim.o")?;
        for source in Source::ALL {
            builder.object(source, source.text, source.file)?;
        }
        Ok(builder)
    }

    fn compile(&self, source: &Path, object: &str) -> std::result::Result<(), String> {
        let mut command = Command::new(&self.compiler);
        command.current_dir(&self.folder).args(["-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-c"]);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("fma") {
            command.arg("-mfma"); // else a call into the C library, just as exact
        }
        let output = command.arg(source).args(["-o", object]).output().map_err(|e| e.to_string())?;
        // The compiler is there: what it refuses is our fault.
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{text}", source.display());
        Ok(())
    }

    fn object(&self, source: &Source, text: &str, name: &str) -> std::result::Result<(), String> {
        let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/shim.h");
        let kernels = KERNELS.iter().filter(|kernel| kernel.source == source);
        let registry: String = kernels.map(|kernel| format!("KERNEL({})\n", kernel.name)).collect();
        let file = self.folder.join(format!("{name}.cpp"));
        let text = format!("#include \"{}\"\n#line 1 \"{}\"\n{text}\n{registry}", shim.display(), source.file);
        std::fs::write(&file, text).map_err(|e| e.to_string())?;
        self.compile(&file, &format!("{name}.o"))
    }

    /// A library; with `mutant` one source has another text.
    pub fn build(&self, name: &str, mutant: Option<(&Source, &str)>) -> std::result::Result<PathBuf, String> {
        let mut objects = vec!["shim.o".to_owned()];
        for source in Source::ALL {
            match mutant {
                Some((changed, text)) if changed == source => {
                    self.object(source, text, name)?;
                    objects.push(format!("{name}.o"));
                }
                _ => objects.push(format!("{}.o", source.file)),
            }
        }
        let library = self.folder.join(format!("{name}.so"));
        let mut command = Command::new(&self.compiler);
        command.current_dir(&self.folder).arg("-shared").args(objects).arg("-o").arg(&library);
        let output = command.output().map_err(|e| e.to_string())?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(library)
    }
}
