//! One step of projected gradient ascent for a batch, in one launch of `kernels/attack_step.cu`.

use super::machine::{Argument, Machine, launch};
use crate::error::Result;
use Argument::{Address, F32, U32};

/// The ball of a step; the L1 ball's projection sorts, and stays on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepNorm {
    /// The largest change of an entry.
    Linf,
    /// The Euclidean length of the change.
    L2,
}

/// Addresses in a machine's memory: `x`, `clean` and `gradient` (rows, width) f32, `epsilons` (rows,) f64, `steps` (rows,)
/// f32, negative to descend, `status` (rows,) u32.
#[derive(Clone, Copy, Debug)]
pub struct AttackStep {
    /// Moved in place.
    pub x: u64,
    /// The balls' centres.
    pub clean: u64,
    /// Of the objective.
    pub gradient: u64,
    /// The balls' radii.
    pub epsilons: u64,
    /// Lengths of the steps.
    pub steps: u64,
    /// Written: 0 where the gradient was usable, 1 where it was all zero, 2 where it was not finite.
    pub status: u64,
    /// Number of rows.
    pub rows: u32,
    /// Entries of a row.
    pub width: u32,
    /// The box.
    pub bounds: [f32; 2],
}

impl AttackStep {
    /// Moves every row one step, back into its ball and the box. A row whose gradient is not finite does not move.
    ///
    /// Guarantees: for Linf the bytes of [`Pgd`](crate::attack::Pgd)'s own step; for L2 its sums, in another order.
    pub fn run<M: Machine>(&self, machine: &M, norm: StepNorm) -> Result<()> {
        let name = match norm {
            StepNorm::Linf => "attack_step_linf",
            StepNorm::L2 => "attack_step_l2",
        };
        let arguments = [
            Address(self.x),
            Address(self.clean),
            Address(self.gradient),
            U32(self.width),
            Address(self.epsilons),
            Address(self.steps),
            F32(self.bounds[0]),
            F32(self.bounds[1]),
            Address(self.status),
        ];
        if self.rows == 0 { Ok(()) } else { launch(machine, name, [self.rows, 1], &arguments) }
    }
}
