//! The minimal norm in Linf: the radius of projected gradient ascent, halved for each input between a failure and a success.

use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::nearest::Nearest;
use super::{Adversarial, Norm, Pgd};
use crate::error::{Error, Result};
use crate::progress::Progress;
use candle_core::Tensor;

const OP: &str = "minimal_linf";
/// Halvings of the segment to the clean input at the end.
const BISECTIONS: usize = 20;

/// The nearest adversarial input in Linf, by [`Pgd`] on the logit margin within a radius of its own for each row.
///
/// ```
/// use widemargin::attack::MinimalLinf;
/// // 32/255, halved ten times: to 1/16 of a grey level where the distance is below 64/255.
/// assert_eq!(MinimalLinf::default().halvings, 10);
/// ```
#[derive(Clone, Debug)]
pub struct MinimalLinf {
    /// Steps of each ascent.
    pub steps: usize,
    /// Tries after the one with the whole box.
    pub halvings: usize,
    /// The radius of the first of them; most images are broken within it.
    pub first: f64,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Rows attacked together.
    pub batch: usize,
    /// Print no progress.
    pub silent: bool,
}

impl Default for MinimalLinf {
    fn default() -> Self {
        Self { steps: 40, halvings: 10, first: 32.0 / 255.0, bounds: [0.0, 1.0], batch: 128, silent: false }
    }
}

impl MinimalLinf {
    /// The nearest adversarial input found for each row, with its distance.
    ///
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32. No random numbers. [`Adversarial::distances`] as for
    /// [`MinimalNorm`](super::MinimalNorm). An interrupt returns what was found so far. Errors: as [`Pgd::run`].
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        self.search(net, x, y).map(|(found, _)| found)
    }

    /// The smallest radius tried at which each row was broken: at least its distance; 0 for rows wrong from the start,
    /// infinite where not even the whole box helps.
    ///
    /// Errors: as [`Pgd::run`]; `Interrupted`.
    pub fn radii(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Vec<f64>> {
        let (found, radii) = self.search(net, x, y)?;
        if found.interrupted {
            return Err(Error::Interrupted { op: OP, done: "a part of the halvings".into() });
        }
        Ok(radii)
    }

    fn search(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<(Adversarial, Vec<f64>)> {
        if !(self.first > 0.0 && self.first.is_finite()) {
            return Err(Error::Value {
                op: OP,
                expected: "a first radius above 0".into(),
                got: self.first.to_string(),
            });
        }
        let [lowest, highest] = self.bounds;
        let whole = highest - lowest;
        let pgd = Pgd { steps: self.steps, bounds: self.bounds, batch: self.batch, silent: true, ..Pgd::default() };
        let inputs = Inputs::read(OP, x, y, self.bounds, net.outputs())?;
        let n = inputs.len();
        let rows = Rows { op: OP, net, shape: &inputs.shape };
        let found = Adversarial::start(&rows, &inputs, x, Norm::Linf, vec![f64::INFINITY; n], None)?;
        let mut nearest = Nearest::new(&rows, &inputs, found);
        // Broken at `high`, not at `low`; a row that was wrong needs no search.
        let (mut low, mut high, mut at) = (vec![0.0; n], vec![f64::INFINITY; n], vec![whole; n]);
        let mut progress = Progress::new("minimal Linf", self.halvings + 1, self.silent);
        for round in 0..=self.halvings {
            let tried = pgd.run_within(net, x, y, &at)?;
            let best = tried.best.flatten_all()?.to_vec1::<f32>()?;
            let broken: Vec<usize> = nearest.members().into_iter().filter(|row| tried.any[*row]).collect();
            let candidates: Vec<f32> =
                broken.iter().flat_map(|row| best[row * inputs.width..(row + 1) * inputs.width].to_vec()).collect();
            nearest.offer_all(&broken, &candidates)?;
            for row in 0..n {
                nearest.found.gradients[row] += tried.gradients[row];
                nearest.found.iterations[row] += tried.iterations[row];
                nearest.found.zero_gradient[row] += tried.zero_gradient[row];
                nearest.found.not_finite[row] += tried.not_finite[row];
                if tried.any[row] {
                    high[row] = at[row].min(high[row]);
                } else if round > 0 {
                    low[row] = at[row];
                }
                at[row] = if round == 0 { self.first } else { (low[row] + high[row].min(whole)) / 2.0 };
            }
            progress.update(round + 1, "radii tried");
            if tried.interrupted {
                nearest.found.interrupted = true;
                break;
            }
        }
        let members = nearest.members();
        nearest.bisect(&members, BISECTIONS)?;
        let found = nearest.finish()?;
        let radii = high.into_iter().zip(&found.clean_correct).map(|(high, right)| if *right { high } else { 0.0 });
        let radii = radii.collect();
        Ok((found, radii))
    }
}
