//! Our CUDA kernels on candle's tensors: what `cuda_fwd` of a custom operation calls.
//!
//! Results are new storages of candle's own device; everything goes to its stream, in order, and nothing is waited for.

use super::card::Card;
use super::number::Number;
use crate::error::{Error, Result};
use crate::loss::differential::Value;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::CudaDevice;
use candle_core::{CudaStorage, DType, Device, Layout, Shape, Storage, Tensor, bail};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut, SyncOnDrop};

type Out = candle_core::Result<(CudaStorage, Shape)>;

fn to_candle(error: Error) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}

fn number(name: &str, storage: &CudaStorage) -> candle_core::Result<Number> {
    match storage.dtype() {
        DType::F32 => Ok(Number::F32),
        DType::F64 => Ok(Number::F64),
        other => bail!("{name}: the values must be f32 or f64, got {other:?}"),
    }
}

/// Where a contiguous tensor starts; what comes with it says at its end that the card has read it.
fn pointer<'a>(
    name: &str,
    (storage, layout): (&'a CudaStorage, &Layout),
    stream: &'a CudaStream,
) -> candle_core::Result<(u64, SyncOnDrop<'a>)> {
    let Some((start, _)) = layout.contiguous_offsets() else { bail!("{name}: the layout is not contiguous") };
    let (base, guard) = match storage.dtype() {
        DType::F32 => storage.as_cuda_slice::<f32>()?.device_ptr(stream),
        _ => storage.as_cuda_slice::<f64>()?.device_ptr(stream),
    };
    Ok((base + start as u64 * number(name, storage)?.bytes(), guard))
}

/// A new tensor of `shape`, which `launch` writes: it gets the addresses of the inputs and of the result.
pub fn run<const N: usize>(
    name: &'static str,
    inputs: [(&CudaStorage, &Layout); N],
    shape: Shape,
    launch: impl FnOnce(&Card, Number, [u64; N], u64) -> Result<()>,
) -> Out {
    let device = inputs[0].0.device().clone();
    let own = number(name, inputs[0].0)?;
    for (storage, _) in inputs {
        if storage.dtype() != inputs[0].0.dtype() {
            bail!("{name}: the values must be all f32 or all f64");
        }
    }
    let card = Card::of(&device).map_err(to_candle)?;
    let stream = card.stream().clone();
    let mut guards = Vec::with_capacity(N);
    let mut addresses = [0; N];
    for (address, input) in addresses.iter_mut().zip(inputs) {
        let (start, guard) = pointer(name, input, &stream)?;
        *address = start;
        guards.push(guard);
    }
    let count = shape.elem_count();
    let storage = match own {
        Number::F32 => {
            let mut out = fresh::<f32>(&device, count)?;
            written(&mut out, &stream, |out| launch(&card, own, addresses, out))?;
            CudaStorage::wrap_cuda_slice(out, device)
        }
        Number::F64 => {
            let mut out = fresh::<f64>(&device, count)?;
            written(&mut out, &stream, |out| launch(&card, own, addresses, out))?;
            CudaStorage::wrap_cuda_slice(out, device)
        }
    };
    Ok((storage, shape))
}

fn fresh<T: cudarc::driver::DeviceRepr>(device: &CudaDevice, count: usize) -> candle_core::Result<CudaSlice<T>> {
    // SAFETY: every caller's launch writes all of it before anything reads it.
    unsafe { device.alloc::<T>(count) }
}

fn written<T>(
    out: &mut CudaSlice<T>,
    stream: &CudaStream,
    launch: impl FnOnce(u64) -> Result<()>,
) -> candle_core::Result<()> {
    let (address, _guard) = out.device_ptr_mut(stream);
    launch(address).map_err(to_candle)
}

/// Changes an f32 tensor in place.
pub fn change<const N: usize>(
    name: &'static str,
    storage: &mut CudaStorage,
    layout: &Layout,
    inputs: [(&CudaStorage, &Layout); N],
    launch: impl FnOnce(&Card, u64, [u64; N]) -> Result<()>,
) -> candle_core::Result<()> {
    let Some((start, _)) = layout.contiguous_offsets() else { bail!("{name}: the layout is not contiguous") };
    let card = Card::of(storage.device()).map_err(to_candle)?;
    let stream = card.stream().clone();
    let mut guards = Vec::with_capacity(N);
    let mut addresses = [0; N];
    for (address, input) in addresses.iter_mut().zip(inputs) {
        if input.0.dtype() != DType::F32 {
            bail!("{name}: the values must be f32");
        }
        let (at, guard) = pointer(name, input, &stream)?;
        *address = at;
        guards.push(guard);
    }
    let out = storage.as_cuda_slice_mut::<f32>()?;
    written(out, &stream, |out| launch(&card, out + 4 * start as u64, addresses))
}

/// The pair loss of s (m,) and t (n,), and both gradients: (1 + m + n,).
pub fn pair_loss(name: &'static str, s: (&CudaStorage, &Layout), t: (&CudaStorage, &Layout)) -> Out {
    let (m, n) = (s.1.shape().elem_count(), t.1.shape().elem_count());
    let mut value: Option<Value> = None;
    let (mut storage, shape) = run(name, [s, t], Shape::from(1 + m + n), |card, number, [s, t], out| {
        let bytes = number.bytes();
        let in_s = out + bytes;
        let in_t = in_s + bytes * m as u64;
        let found = card.pairs().evaluate_at((s, m), (t, n), in_s, in_t, number == Number::F64)?;
        value = Some(found);
        Ok(())
    })?;
    let found = value.expect("the launch ran and did not fail");
    let scaled = found.grad_log_scale != 0.0;
    // A gradient in units of the loss is multiplied by it, and so is the 1 in the loss's own place.
    let first = if scaled { 1.0 } else { found.mean };
    let device = storage.device().clone();
    if storage.dtype() == DType::F32 {
        let mut place = storage.as_cuda_slice_mut::<f32>()?.slice_mut(..1);
        device.memcpy_htod(&[first as f32], &mut place)?;
    } else {
        let mut place = storage.as_cuda_slice_mut::<f64>()?.slice_mut(..1);
        device.memcpy_htod(&[first], &mut place)?;
    }
    if scaled {
        storage = storage.affine(&Layout::contiguous(&shape), found.mean, 0.0)?;
    }
    Ok((storage, shape))
}

/// The card that holds a tensor, if one does.
pub fn card_of(device: &Device) -> Result<Option<std::sync::Arc<Card>>> {
    match device {
        Device::Cuda(device) => Card::of(device).map(Some),
        _ => Ok(None),
    }
}

/// Calls `read` with the address of a contiguous f32 tensor, which stays where it is meanwhile.
pub fn address<R>(card: &Card, tensor: &Tensor, read: impl FnOnce(u64) -> Result<R>) -> Result<R> {
    const NAME: &str = "a tensor's address";
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cuda(storage) if storage.dtype() == DType::F32 => {
            let stream = card.stream().clone();
            let (at, _guard) = pointer(NAME, (storage, layout), &stream).map_err(Error::candle(NAME))?;
            read(at)
        }
        _ => {
            let got = format!("{:?} on {:?}", tensor.dtype(), tensor.device());
            Err(Error::Value { op: NAME, expected: "f32 on a card".into(), got })
        }
    }
}

/// A new f32 tensor, which `launch` writes at the address it gets.
pub fn made(card: &Card, device: &Device, shape: &[usize], launch: impl FnOnce(u64) -> Result<()>) -> Result<Tensor> {
    const NAME: &str = "a tensor on a card";
    let Device::Cuda(own) = device else {
        let got = format!("{device:?}");
        return Err(Error::Value { op: NAME, expected: "a card".into(), got });
    };
    let make = || {
        let shape = Shape::from(shape.to_vec());
        let mut out = fresh::<f32>(own, shape.elem_count())?;
        written(&mut out, card.stream(), launch)?;
        let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(out, own.clone()));
        Ok(Tensor::from_storage(storage, shape, candle_core::op::BackpropOp::none(), false))
    };
    make().map_err(Error::candle(NAME))
}
