//! Where tensors live: the card where there is a usable one, else the CPU.
//!
//! ```
//! use widemargin::device;
//! let d = device()?; // says in one line what it chose, and why
//! # Ok::<(), widemargin::Error>(())
//! ```
//!
//! A card is used by builds with the feature `candle-cuda`. `WIDEMARGIN_DEVICE=cpu` leaves it aside, and
//! `WIDEMARGIN_DEVICE=cuda` makes it an error that there is none.

use crate::display::{Bundle, show};
use crate::error::{Error, Result};
use candle_core::Device;

const NAME: &str = "WIDEMARGIN_DEVICE";

/// The card, or the CPU; shows one line that says which, and why.
///
/// Move a network and its data there: `net.to_device(&d)?`, `data.to_device(&d)?`.
/// Errors: `Device` if the environment asks for a card and there is none that works; `Unknown` for another wish.
pub fn device() -> Result<Device> {
    let wish = std::env::var(NAME).unwrap_or_default();
    let (device, why) = choose(&wish)?;
    show(&Bundle::text(why));
    Ok(device)
}

/// [`device`] without the line, for a wish of `cpu`, `cuda`, or none: the device, and the line.
///
/// Errors: as [`device`].
pub fn choose(wish: &str) -> Result<(Device, String)> {
    match wish {
        "cpu" => Ok((Device::Cpu, format!("on the CPU: {NAME} asks for it"))),
        "cuda" => card(),
        "" => Ok(card().unwrap_or_else(|why| (Device::Cpu, format!("on the CPU: {why}")))),
        other => Err(Error::Unknown { what: "device", got: other.into(), known: vec!["cpu".into(), "cuda".into()] }),
    }
}

/// The first card, with every CUDA kernel of ours loaded.
#[cfg(feature = "candle-cuda")]
fn card() -> Result<(Device, String)> {
    crate::cuda::driver()?;
    // One stream for all threads: a cell may use what another thread made.
    let device = Device::new_cuda_with_stream(0).map_err(crate::cuda::no_card)?;
    let Device::Cuda(own) = &device else {
        return Err(Error::Device { stage: "CUDA", reason: "candle opened no card".into() });
    };
    let line = format!("on the card: {}", crate::cuda::Card::of(own)?.describe());
    Ok((device, line))
}

#[cfg(not(feature = "candle-cuda"))]
fn card() -> Result<(Device, String)> {
    let reason = "this build has no tensors on a card (Cargo feature candle-cuda)".into();
    Err(Error::Device { stage: "CUDA", reason })
}
