//! candle's card as a machine: its stream and its products of matrices, with our CUDA kernels loaded once for each device.

use super::gpu::Gpu;
use super::machine::{Argument, Machine};
use super::pairs::{Method, Pairs};
use super::product::{Multiply, Product};
use super::{Kernel, Number};
use crate::error::{Error, Result};
use candle_core::cuda_backend::{CudaDevice, DeviceId};
use cudarc::cublas::{CudaBlas, result, sys};
use cudarc::driver::result::memcpy_dtod_async;
use cudarc::driver::{CudaSlice, CudaStream};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A card that candle opened.
pub struct Card {
    gpu: Gpu,
    blas: Arc<CudaBlas>,
    /// The pair loss, which keeps its tables from call to call.
    pairs: Mutex<Pairs<Gpu>>,
}

impl Card {
    /// The card of a device, loaded at the first call for it.
    pub fn of(device: &CudaDevice) -> Result<Arc<Card>> {
        static LOADED: Mutex<Option<HashMap<DeviceId, Arc<Card>>>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded.get_or_insert_default();
        if let Some(card) = loaded.get(&device.id()) {
            return Ok(card.clone());
        }
        let gpu = Gpu::on(device.cuda_stream())?;
        let pairs = Mutex::new(Pairs::new(gpu.clone(), Method::default()));
        let card = Arc::new(Card { gpu, blas: device.cublas_handle(), pairs });
        loaded.insert(device.id(), card.clone());
        Ok(card)
    }

    /// What it is: `NVIDIA H200, sm_90`.
    pub fn describe(&self) -> String {
        self.gpu.describe()
    }

    /// Copies f32 numbers from one address to another.
    pub fn copy(&self, from: u64, to: u64, numbers: usize) -> Result<()> {
        // SAFETY: the caller's addresses hold so many numbers; the copy is in the stream's order.
        let copied = unsafe { memcpy_dtod_async(to, from, 4 * numbers, self.stream().cu_stream()) };
        copied.map_err(|error| Error::Device { stage: "CUDA", reason: format!("copying on the card: {:?}", error.0) })
    }

    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        self.gpu.stream()
    }

    pub(super) fn pairs(&self) -> std::sync::MutexGuard<'_, Pairs<Gpu>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({})", self.describe())
    }
}

impl Machine for Card {
    type Memory = CudaSlice<u8>;

    fn memory(&self, bytes: usize) -> Result<CudaSlice<u8>> {
        self.gpu.memory(bytes)
    }

    fn address(&self, memory: &CudaSlice<u8>) -> u64 {
        self.gpu.address(memory)
    }

    fn write(&self, memory: &mut CudaSlice<u8>, bytes: &[u8]) -> Result<()> {
        self.gpu.write(memory, bytes)
    }

    fn read(&self, memory: &CudaSlice<u8>, bytes: &mut [u8]) -> Result<()> {
        self.gpu.read(memory, bytes)
    }

    fn start(&self, kernel: &Kernel, grid: [u32; 2], arguments: &[Argument]) -> Result<()> {
        self.gpu.start(kernel, grid, arguments)
    }
}

impl Multiply for Card {
    fn multiply(&self, product: &Product) -> Result<()> {
        let Product { a, b, c, turned, rows, inner, columns, add, number } = *product;
        let handle = *self.blas.handle();
        let op =
            |turned| if turned { sys::cublasOperation_t::CUBLAS_OP_T } else { sys::cublasOperation_t::CUBLAS_OP_N };
        // cuBLAS counts down columns: to it each matrix is turned, and cᵀ = bᵀ · aᵀ.
        let (left, right) = (op(turned[1]), op(turned[0]));
        let [rows, inner, columns] = [rows, inner, columns].map(|size| size as i32);
        let of_b = if turned[1] { inner } else { columns };
        let of_a = if turned[0] { rows } else { inner };
        let beta = if add { 1.0 } else { 0.0 };
        // SAFETY: the addresses hold matrices of these sizes, as the trait's contract asks; the factors are on the host,
        // which is what candle's handle is set to, and read before the call returns.
        let outcome = unsafe {
            match number {
                Number::F32 => result::sgemm(
                    handle,
                    left,
                    right,
                    columns,
                    rows,
                    inner,
                    &1.0_f32,
                    b as *const f32,
                    of_b,
                    a as *const f32,
                    of_a,
                    &(beta as f32),
                    c as *mut f32,
                    columns,
                ),
                Number::F64 => result::dgemm(
                    handle,
                    left,
                    right,
                    columns,
                    rows,
                    inner,
                    &1.0_f64,
                    b as *const f64,
                    of_b,
                    a as *const f64,
                    of_a,
                    &beta,
                    c as *mut f64,
                    columns,
                ),
            }
        };
        outcome.map_err(|error| Error::Device { stage: "cuBLAS", reason: format!("{product:?}: {:?}", error.0) })
    }
}
