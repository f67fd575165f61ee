//! How a notebook shows a tensor: what it is, the range of its values, and its first and last rows.
//!
//! Never the whole tensor: at most five rows of eight values, whatever its size.

use super::{Bundle, Show, number};
use candle_core::{DType, DeviceLocation, Result, Tensor, Var};
use std::fmt::Write;

/// Values read at a time: a bounded copy instead of one of the whole tensor.
const CHUNK: usize = 1 << 20;
/// Rows and values of a row that are printed from the start and from the end.
const HEAD_ROWS: usize = 3;
const TAIL_ROWS: usize = 2;
const EDGE: usize = 4;

impl Show for Tensor {
    fn bundle(&self) -> Bundle {
        Bundle::text(text("Tensor", self))
    }
}

impl Show for Var {
    fn bundle(&self) -> Bundle {
        Bundle::text(text("Var", self))
    }
}

fn text(kind: &str, tensor: &Tensor) -> String {
    let device = match tensor.device().location() {
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    };
    let shape = tensor.dims().iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let comma = if tensor.rank() == 1 { "," } else { "" };
    let title = format!("{kind} ({shape}{comma}) {} on {device}", tensor.dtype().as_str());
    match Summary::of(tensor).and_then(|summary| Ok((summary, edges(tensor)?))) {
        Ok((summary, edges)) => format!("{title}: {summary}{edges}"),
        Err(error) => {
            let reason = error.to_string();
            format!("{title}: its values cannot be read: {}", reason.lines().next().unwrap_or_default())
        }
    }
}

/// Range and mean of the finite values, and how many are not finite.
#[derive(Default)]
struct Summary {
    count: usize,
    nan: usize,
    plus: usize,
    minus: usize,
    low: f64,
    high: f64,
    sum: f64,
    integer: bool,
}

impl Summary {
    fn of(tensor: &Tensor) -> Result<Self> {
        let mut out = Self { low: f64::INFINITY, high: f64::NEG_INFINITY, ..Self::default() };
        out.integer = matches!(tensor.dtype(), DType::U8 | DType::U32 | DType::I16 | DType::I32 | DType::I64);
        let flat = tensor.flatten_all()?;
        for start in (0..flat.elem_count()).step_by(CHUNK) {
            let part = flat.narrow(0, start, CHUNK.min(flat.elem_count() - start))?;
            // A sum for each part keeps the error of the mean at the level of one part.
            let mut sum = 0.0;
            for value in part.to_dtype(DType::F64)?.to_vec1::<f64>()? {
                out.count += 1;
                if value.is_finite() {
                    out.low = out.low.min(value);
                    out.high = out.high.max(value);
                    sum += value;
                } else if value.is_nan() {
                    out.nan += 1;
                } else if value > 0.0 {
                    out.plus += 1;
                } else {
                    out.minus += 1;
                }
            }
            out.sum += sum;
        }
        Ok(out)
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [(self.nan, "NaN"), (self.plus, "inf"), (self.minus, "-inf")];
        let bad: usize = kinds.iter().map(|(count, _)| count).sum();
        let finite = self.count - bad;
        let values = |count: usize| if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
        f.write_str(&values(self.count))?;
        if bad > 0 {
            let found = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}"));
            write!(f, ", NOT FINITE: {}", found.collect::<Vec<_>>().join(", "))?;
        }
        if finite == 0 {
            return Ok(());
        }
        let exact = |v: f64| if self.integer { format!("{v}") } else { number(v, 4) };
        let mean = number(self.sum / finite as f64, 4);
        let (low, high) = (exact(self.low), exact(self.high));
        let of = if bad > 0 { format!("; of the {} that are finite", values(finite)) } else { String::new() };
        write!(f, "{of}, min {low}, mean {mean}, max {high}")
    }
}

/// The first and the last rows, one a line, with where they stand; nothing for an empty tensor.
fn edges(tensor: &Tensor) -> Result<String> {
    let width = tensor.dims().last().copied().unwrap_or(1);
    let rows = tensor.elem_count().checked_div(width).unwrap_or(0);
    let outer = tensor.dims().split_last().map_or(&[][..], |(_, outer)| outer);
    let shown = picked(rows, HEAD_ROWS, TAIL_ROWS);
    // Row by row, so that a large tensor on another device is not copied for this.
    let flat = tensor.flatten_all()?;
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for row in &shown {
        let Some(row) = *row else {
            lines.push(("…".into(), Vec::new()));
            continue;
        };
        let mut cells = Vec::new();
        for column in picked(width, EDGE, EDGE) {
            cells.push(match column {
                Some(column) => {
                    let value = flat.narrow(0, row * width + column, 1)?.to_dtype(DType::F64)?;
                    number(value.to_vec1::<f64>()?[0], 4)
                }
                None => "…".into(),
            });
        }
        lines.push((place(row, outer), cells));
    }
    let label = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let cell = lines.iter().flat_map(|(_, cells)| cells).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, cells) in lines {
        let name = if cells.is_empty() { name } else { format!("{name:label$}") };
        let _ = write!(out, "\n{name}");
        for text in cells {
            let width = if text == "…" { 1 } else { cell };
            let _ = write!(out, "  {text:>width$}");
        }
    }
    Ok(out)
}

/// `0..count`, or its start and end with `None` between them.
fn picked(count: usize, head: usize, tail: usize) -> Vec<Option<usize>> {
    if count <= head + tail {
        return (0..count).map(Some).collect();
    }
    (0..head).map(Some).chain([None]).chain((count - tail..count).map(Some)).collect()
}

/// The indices of row `row`, `[2, 0]`; empty for a tensor with one row.
fn place(row: usize, outer: &[usize]) -> String {
    if outer.is_empty() {
        return String::new();
    }
    let mut rest = row;
    let mut indices: Vec<String> = Vec::new();
    for size in outer.iter().rev() {
        indices.push((rest % size).to_string());
        rest /= size;
    }
    indices.reverse();
    format!("[{}]", indices.join(", "))
}
