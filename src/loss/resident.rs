//! Losses of scores that stay on the device they are on: no score passes through the host.
//!
//! The same values and gradients as beside this file, up to the order of sums: the differential loss by
//! [`PairScores`], cross-entropy by candle's operations in f64. What comes to the host are labels, extremes of scores, and
//! one number that says whether all are finite. Any other loss is computed on the host, from a copy.

use super::differential::{AllPairs, PairLoss};
use super::known::Known;
use super::labelled::{Labelled, OP, checked_labels};
use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp2, D, DType, Layout, Shape, Tensor, bail};

/// The differential loss, by pairs of classes as in `class_pairs.rs`.
pub(super) fn differential(scores: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (labels, outputs) = checked_labels(scores, y)?;
    finite(scores, y)?;
    let classes = outputs.max(2);
    let mut rows = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(row, label)| rows[*label as usize].push(row as u32));
    if let Some(class) = rows.iter().position(Vec::is_empty) {
        let expected = format!("an example of each of {classes} classes");
        return Err(Error::Value { op: OP, expected, got: format!("none of class {class}") });
    }
    let value = || {
        let places = |class: usize| Tensor::new(rows[class].as_slice(), scores.device());
        let places = (0..classes).map(places).collect::<candle_core::Result<Vec<Tensor>>>()?;
        let mut sum: Option<Tensor> = None;
        for c in 1..classes {
            for d in 0..c {
                let score = if outputs == 1 {
                    scores.clone()
                } else {
                    (scores.narrow(1, c, 1)? - scores.narrow(1, d, 1)?)?.squeeze(1)?
                };
                let side = |class: usize| score.index_select(&places[class], 0)?.contiguous();
                let of_pair = side(c)?.apply_op2(&side(d)?, PairScores)?.narrow(0, 0, 1)?.squeeze(0)?;
                sum = Some(match sum {
                    Some(sum) => (sum + of_pair)?,
                    None => of_pair,
                });
            }
        }
        let pairs = (classes * (classes - 1) / 2) as f64;
        let sum = sum.expect("there are two classes at least");
        if pairs == 1.0 { Ok(sum) } else { sum / pairs }
    };
    value().map_err(Error::candle(OP))
}

/// The mean negative log-likelihood of the labels.
pub(super) fn cross_entropy(scores: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (_, outputs) = checked_labels(scores, y)?;
    finite(scores, y)?;
    let value = || {
        let z = scores.detach().to_dtype(DType::F64)?;
        let count = z.dims()[0] as f64;
        if outputs == 1 {
            // Away from the label's side: -1 for label 1, 1 for label 0.
            let sign = (y.to_dtype(DType::F64)? * -2.0)?.affine(1.0, 1.0)?;
            let u = (&z * &sign)?;
            let e = u.abs()?.neg()?.exp()?;
            let loss = (u.relu()? + log1p(&e)?)?.mean_all()?;
            let right = e.affine(1.0, 1.0)?.recip()?;
            let slope = u.ge(0.0)?.where_cond(&right, &(&e * &right)?)?;
            return attach(scores, &loss, &((slope * sign)? / count)?);
        }
        // As in cross_entropy.rs: u = z - z_y, so that nothing cancels when the label wins by far.
        let label = y.unsqueeze(1)?;
        let u = z.broadcast_sub(&z.gather(&label, 1)?)?;
        let others = u.ones_like()?.scatter(&label, &label.to_dtype(DType::F64)?.zeros_like()?, 1)?;
        let largest = u.max_keepdim(D::Minus1)?; // the label's own is 0
        let e = (u.broadcast_sub(&largest)?.exp()? * &others)?;
        let (own, rest) = (largest.neg()?.exp()?, e.sum_keepdim(D::Minus1)?);
        let all = (&own + &rest)?;
        let loss = largest.eq(0.0)?.where_cond(&log1p(&rest)?, &(&largest + all.log()?)?)?.mean_all()?;
        let terms = (e - others.affine(-1.0, 1.0)?.broadcast_mul(&rest)?)?;
        attach(scores, &loss, &(terms.broadcast_div(&all)? / count)?)
    };
    value().map_err(Error::candle(OP))
}

/// Any other loss: its value and gradient, known to the host, as a node on the scores' device.
pub(super) fn known(scores: &Tensor, known: Known) -> Result<Tensor> {
    let device = scores.device();
    let value = || {
        let gradient = Tensor::from_vec(known.gradient, scores.shape(), device)?;
        attach(scores, &Tensor::new(known.value, device)?, &gradient)
    };
    value().map_err(Error::candle(OP))
}

/// A scalar of the scores' type whose value is `value` and whose gradient in the scores is `gradient`.
fn attach(scores: &Tensor, value: &Tensor, gradient: &Tensor) -> candle_core::Result<Tensor> {
    // The difference is 0, and so is the sum; its derivative is not.
    let zero = (scores - scores.detach())?;
    value.to_dtype(scores.dtype())? + (zero * gradient.to_dtype(scores.dtype())?)?.sum_all()?
}

/// log(1 + e) for e of at least 0, to f64's rounding: below 1e-4 the series, whose next term is e⁵ / 5.
fn log1p(e: &Tensor) -> candle_core::Result<Tensor> {
    let series = e.affine(-0.25, 1.0 / 3.0)?.mul(e)?.affine(1.0, -0.5)?.mul(e)?.affine(1.0, 1.0)?.mul(e)?;
    e.lt(1e-4)?.where_cond(&series, &e.affine(1.0, 1.0)?.log()?)
}

/// Refuses a score that is not finite; only then the scores are copied, to name it.
fn finite(scores: &Tensor, y: &Tensor) -> Result<()> {
    // 0 · x is NaN for such a score, and so is the sum.
    let sum = (scores.detach() * 0.0).and_then(|zeros| zeros.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>());
    if sum.map_err(Error::candle(OP))? == 0.0 {
        return Ok(());
    }
    let expected = "finite scores".into();
    Labelled::new(scores, y).and(Err(Error::Value { op: OP, expected, got: "one that is not".into() }))
}

/// The pair loss of positives (m,) and negatives (n,) with both gradients: (1 + m + n,), of which the first is the loss.
///
/// The gradients come with the value because they cost the same pass; the backward pass reads them from there.
struct PairScores;

impl CustomOp2 for PairScores {
    fn name(&self) -> &'static str {
        "differential loss"
    }

    fn cpu_fwd(
        &self,
        s: &CpuStorage,
        s_layout: &Layout,
        t: &CpuStorage,
        t_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (Some((s_start, s_end)), Some((t_start, t_end))) =
            (s_layout.contiguous_offsets(), t_layout.contiguous_offsets())
        else {
            bail!("{}: the layout is not contiguous", self.name());
        };
        let failed = |error: Error| candle_core::Error::Msg(error.to_string());
        let storage = match (s, t) {
            (CpuStorage::F32(s), CpuStorage::F32(t)) => {
                let found = AllPairs::default().loss_and_grads(&s[s_start..s_end], &t[t_start..t_end]);
                let (loss, in_s, in_t) = found.map_err(failed)?;
                CpuStorage::F32([vec![loss as f32], in_s, in_t].concat())
            }
            (CpuStorage::F64(s), CpuStorage::F64(t)) => {
                let found = AllPairs::default().loss_and_grads(&s[s_start..s_end], &t[t_start..t_end]);
                let (loss, in_s, in_t) = found.map_err(failed)?;
                CpuStorage::F64([vec![loss], in_s, in_t].concat())
            }
            _ => bail!("{}: the scores must be f32 or f64", self.name()),
        };
        Ok((storage, Shape::from(1 + s_end - s_start + t_end - t_start)))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        s: &candle_core::CudaStorage,
        s_layout: &Layout,
        t: &candle_core::CudaStorage,
        t_layout: &Layout,
    ) -> candle_core::Result<(candle_core::CudaStorage, Shape)> {
        crate::cuda::tensors::pair_loss(self.name(), (s, s_layout), (t, t_layout))
    }

    fn bwd(
        &self,
        s: &Tensor,
        t: &Tensor,
        all: &Tensor,
        outer: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let (m, n) = (s.dims1()?, t.dims1()?);
        let outer = outer.narrow(0, 0, 1)?;
        let part = |start: usize, count: usize| all.detach().narrow(0, start, count)?.broadcast_mul(&outer);
        Ok((Some(part(1, m)?), Some(part(1 + m, n)?)))
    }
}
