//! An NVIDIA card, by its driver.

use super::machine::{Argument, Machine};
use super::{KERNELS, Kernel, Source, compiler, loader};
use crate::error::{Error, Result};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DriverError, LaunchConfig, PushKernelArg, sys,
};
use cudarc::nvrtc::Ptx;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Arc;

const STAGE: &str = "CUDA";

/// One card, with every CUDA kernel of ours loaded.
#[derive(Clone, Debug)]
pub struct Gpu {
    stream: Arc<CudaStream>,
    functions: HashMap<&'static str, CudaFunction>,
    name: String,
    architecture: String,
}

impl Gpu {
    /// The first card. The first time on a machine this compiles the CUDA kernels, which takes a second or two.
    ///
    /// Errors: `Device`, in one line: no driver, no card, a driver too old, a card out of memory, no compiler.
    pub fn open() -> Result<Self> {
        driver()?;
        // cudarc panics where a driver lacks a function.
        let context = quietly(|| CudaContext::new(0)).ok_or_else(too_old)?.map_err(refused("opening the card"))?;
        let stream = context.default_stream();
        Self::on(stream)
    }

    /// On a stream that exists, candle's say.
    pub fn on(stream: Arc<CudaStream>) -> Result<Self> {
        let context = stream.context();
        let (major, minor) = context.compute_capability().map_err(refused("asking for the architecture"))?;
        let architecture = format!("sm_{major}{minor}");
        let mut functions = HashMap::new();
        for source in Source::ALL {
            let cubin = compiler::cached(source, &architecture)?;
            let module = context.load_module(Ptx::from_binary(cubin)).map_err(refused("loading the CUDA kernels"))?;
            for kernel in KERNELS.iter().filter(|kernel| kernel.source == source) {
                let function = module.load_function(kernel.name).map_err(refused(kernel.name))?;
                functions.insert(kernel.name, function);
            }
        }
        let name = context.name().map_err(refused("asking for the name"))?;
        Ok(Self { stream, functions, name, architecture })
    }

    /// The card's name and architecture: `NVIDIA H200, sm_90`.
    pub fn describe(&self) -> String {
        format!("{}, {}", self.name, self.architecture)
    }

    /// Where everything is started.
    #[cfg(feature = "candle-cuda")]
    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// Waits for everything that was started.
    pub fn synchronize(&self) -> Result<()> {
        self.stream.synchronize().map_err(refused("waiting for the card"))
    }
}

/// Whether there is an NVIDIA driver.
pub(crate) fn driver() -> Result<()> {
    if loader::has(loader::DRIVER) {
        return Ok(());
    }
    let reason = "no NVIDIA driver (libcuda) on this machine, so everything runs on the CPU";
    Err(Error::Device { stage: STAGE, reason: reason.into() })
}

impl Machine for Gpu {
    type Memory = CudaSlice<u8>;

    fn memory(&self, bytes: usize) -> Result<CudaSlice<u8>> {
        // SAFETY: bytes have no invalid content, and every kernel writes before it reads.
        unsafe { self.stream.alloc::<u8>(bytes) }.map_err(refused("allocating memory"))
    }

    fn address(&self, memory: &CudaSlice<u8>) -> u64 {
        memory.device_ptr(&self.stream).0
    }

    fn write(&self, memory: &mut CudaSlice<u8>, bytes: &[u8]) -> Result<()> {
        let mut start = memory.try_slice_mut(..bytes.len()).ok_or_else(too_short)?;
        self.stream.memcpy_htod(bytes, &mut start).map_err(refused("copying to the card"))
    }

    fn read(&self, memory: &CudaSlice<u8>, bytes: &mut [u8]) -> Result<()> {
        let start = memory.try_slice(..bytes.len()).ok_or_else(too_short)?;
        self.stream.memcpy_dtoh(&start, bytes).map_err(refused("copying from the card"))?;
        self.synchronize()
    }

    fn start(&self, kernel: &Kernel, grid: [u32; 2], arguments: &[Argument]) -> Result<()> {
        let function = self
            .functions
            .get(kernel.name)
            .ok_or_else(|| Error::Device { stage: STAGE, reason: format!("{} was not loaded", kernel.name) })?;
        let mut builder = self.stream.launch_builder(function);
        for argument in arguments {
            match argument {
                Argument::Address(value) | Argument::U64(value) => builder.arg(value),
                Argument::U32(value) => builder.arg(value),
                Argument::F32(value) => builder.arg(value),
                Argument::F64(value) => builder.arg(value),
            };
        }
        let config = LaunchConfig {
            grid_dim: (grid[0], grid[1], 1),
            block_dim: (kernel.threads, 1, 1),
            shared_mem_bytes: kernel.shared,
        };
        // SAFETY: the arguments have the types of the launch table (checked by `launch`), which are the source's (checked
        // by tests/cuda/table.rs); the addresses are memory of this card of the sizes that the contracts ask for (checked
        // by tests/cuda on canaried memory), free only after this launch in the stream's order.
        unsafe { builder.launch(config) }.map(|_| ()).map_err(refused(kernel.name))
    }
}

/// What it means for a user that candle opened no card.
#[cfg(feature = "candle-cuda")]
pub(crate) fn no_card(error: candle_core::Error) -> Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let remedy = if line.contains("CUBLAS") || line.contains("cublas") {
        "; put libcublas.so.13 where the loader looks (`pip install nvidia-cublas`, LD_LIBRARY_PATH)"
    } else if line.contains("CURAND") || line.contains("curand") {
        "; put libcurand.so.10 where the loader looks (`pip install nvidia-curand`, LD_LIBRARY_PATH)"
    } else {
        "; check `nvidia-smi` and CUDA_VISIBLE_DEVICES"
    };
    Error::Device { stage: STAGE, reason: format!("opening the card: {line}{remedy}") }
}

/// The result, or nothing if it panicked; prints nothing.
fn quietly<T>(run: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(run);
    std::panic::set_hook(hook);
    outcome.ok()
}

fn too_short() -> Error {
    Error::Device { stage: STAGE, reason: "a copy is longer than the memory".into() }
}

fn too_old() -> Error {
    let reason = "the NVIDIA driver is too old for CUDA 12; install a newer driver";
    Error::Device { stage: STAGE, reason: reason.into() }
}

/// What the driver's refusal means for a user.
fn refused(what: &str) -> impl FnOnce(DriverError) -> Error {
    use sys::CUresult as Code;
    let what = what.to_owned();
    move |error| {
        let remedy = match error.0 {
            Code::CUDA_ERROR_NO_DEVICE | Code::CUDA_ERROR_INVALID_DEVICE => {
                "the driver sees no card; check `nvidia-smi` and CUDA_VISIBLE_DEVICES"
            }
            Code::CUDA_ERROR_OUT_OF_MEMORY => {
                "the card is out of memory; close what else uses it (`nvidia-smi` lists it), or use smaller batches"
            }
            Code::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH | Code::CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE => {
                "the driver and its library differ; restart the machine or reinstall the driver"
            }
            Code::CUDA_ERROR_NO_BINARY_FOR_GPU | Code::CUDA_ERROR_INVALID_IMAGE => {
                "the card does not take the machine code; remove the folder `cuda` of the cache and try again"
            }
            _ => "see the driver's documentation",
        };
        Error::Device { stage: STAGE, reason: format!("{what}: {:?}: {remedy}", error.0) }
    }
}
