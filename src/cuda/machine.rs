//! What CUDA kernels run on: memory, copies and launches, in one order.

use super::Kernel;
use crate::error::{Error, Result};

/// One argument of a launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument {
    /// An address in the machine's memory.
    Address(u64),
    /// A `u32`.
    U32(u32),
    /// A `u64`.
    U64(u64),
    /// A `float`.
    F32(f32),
    /// A `double`.
    F64(f64),
}

impl Argument {
    /// Whether a parameter of this C type takes it.
    fn fits(self, parameter: &str) -> bool {
        match self {
            Argument::Address(_) => parameter.ends_with('*'),
            Argument::U32(_) => parameter == "u32",
            Argument::U64(_) => parameter == "u64",
            Argument::F32(_) => parameter == "float",
            Argument::F64(_) => parameter == "double",
        }
    }
}

/// A card, or what stands in for one. Launches and copies take effect in the order of the calls.
pub trait Machine {
    /// A piece of its memory, free again when dropped; what was launched before still sees it.
    type Memory;

    /// Memory of so many bytes, with any content.
    fn memory(&self, bytes: usize) -> Result<Self::Memory>;

    /// Where it lies.
    fn address(&self, memory: &Self::Memory) -> u64;

    /// Fills the start of the memory.
    fn write(&self, memory: &mut Self::Memory, bytes: &[u8]) -> Result<()>;

    /// Waits for what was launched before, then copies the memory's start.
    fn read(&self, memory: &Self::Memory, bytes: &mut [u8]) -> Result<()>;

    /// Starts a CUDA kernel on `grid` (x, y) blocks; the arguments have the types of the launch table.
    fn start(&self, kernel: &Kernel, grid: [u32; 2], arguments: &[Argument]) -> Result<()>;
}

/// Starts a CUDA kernel after comparing the arguments with the launch table.
pub(super) fn launch<M: Machine>(machine: &M, name: &str, grid: [u32; 2], arguments: &[Argument]) -> Result<()> {
    let kernel = Kernel::named(name)?;
    let parameters: Vec<&str> = kernel.parameters().collect();
    let fit = parameters.iter().zip(arguments).all(|(parameter, argument)| argument.fits(parameter));
    if parameters.len() != arguments.len() || !fit {
        let reason = format!("{name} takes ({}), got {arguments:?}", kernel.parameters);
        return Err(Error::Device { stage: "CUDA launch", reason });
    }
    machine.start(kernel, grid, arguments)
}

/// Memory for `count` numbers of 8 bytes.
pub(super) fn doubles<M: Machine>(machine: &M, count: usize) -> Result<M::Memory> {
    machine.memory(8 * count.max(1))
}

/// The first `count` f64 of the memory.
pub(super) fn read_doubles<M: Machine>(machine: &M, memory: &M::Memory, count: usize) -> Result<Vec<f64>> {
    let mut bytes = vec![0; 8 * count];
    machine.read(memory, &mut bytes)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_ne_bytes(*bytes)).collect())
}

/// Memory that holds these f64.
pub(super) fn written<M: Machine>(machine: &M, values: &[f64]) -> Result<M::Memory> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    let mut memory = doubles(machine, values.len())?;
    machine.write(&mut memory, &bytes)?;
    Ok(memory)
}
