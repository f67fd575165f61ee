//! Models over seeds: mean and standard deviation of what the attacks found, and a conclusion that is computed.
//!
//! A difference counts if the 95 % interval of Welch's t test leaves out 0. With two models and n seeds each the test has
//! 2n - 2 or fewer degrees of freedom: at n = 3 a difference has to be 2.8 to 4.3 standard errors large.

use super::evaluate::{Evaluated, Part};
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};

const OP: &str = "compare";

/// Mean and standard deviation over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation with divisor n - 1; NaN for one seed.
    pub deviation: f64,
    /// How many seeds.
    pub count: usize,
}

impl Spread {
    /// Of some values; an infinite one makes the mean infinite and the deviation NaN.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self { mean, deviation: (squares / (count as f64 - 1.0)).sqrt(), count }
    }

    /// The 95 % interval of the difference of means `self` - `other` by Welch's t test; `None` if it has none.
    ///
    /// It has none for fewer than two seeds or a mean that is not finite.
    pub fn difference(&self, other: &Spread) -> Option<[f64; 2]> {
        let parts = [self, other].map(|s| s.deviation.powi(2) / s.count as f64);
        let variance = parts[0] + parts[1];
        let apart = self.mean - other.mean;
        if self.count < 2 || other.count < 2 || !variance.is_finite() || !apart.is_finite() {
            return None;
        }
        if variance == 0.0 {
            return Some([apart, apart]);
        }
        let freedom = [(parts[0], self.count), (parts[1], other.count)].map(|(v, n)| v * v / (n as f64 - 1.0));
        let wide = t_quantile(variance * variance / (freedom[0] + freedom[1])) * variance.sqrt();
        Some([apart - wide, apart + wide])
    }
}

/// The 97.5 % point of Student's t; between whole degrees of freedom the larger one.
fn t_quantile(freedom: f64) -> f64 {
    // scipy.stats.t.ppf(0.975, k) for k = 1 to 30, rounded up.
    const TABLE: [f64; 30] = [
        12.7063, 4.3027, 3.1825, 2.7765, 2.5706, 2.4470, 2.3647, 2.3061, 2.2622, 2.2282, 2.2010, 2.1789, 2.1604,
        2.1448, 2.1315, 2.1200, 2.1099, 2.1010, 2.0931, 2.0860, 2.0797, 2.0739, 2.0687, 2.0639, 2.0596, 2.0556, 2.0519,
        2.0485, 2.0453, 2.0423,
    ];
    TABLE[(freedom.floor().max(1.0) as usize).min(30) - 1]
}

/// A quantity of one set, over models.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// What it is, with the set.
    pub name: String,
    /// One entry per model.
    pub models: Vec<Spread>,
}

/// Several models, each evaluated over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The names of the models.
    pub names: Vec<String>,
    /// What was measured.
    pub quantities: Vec<Quantity>,
    /// Rows of each set.
    pub rows: Vec<(String, usize)>,
}

/// Compares models that were evaluated on the same sets with the same attacks, one [`Evaluated`] per seed.
///
/// Errors: `Value` for fewer than two models, a model without evaluations, or evaluations of other sets or radii.
pub fn compare(models: &[(&str, &[Evaluated])]) -> Result<Comparison> {
    let refuse = |expected: &str, got: String| Err(Error::Value { op: OP, expected: expected.into(), got });
    if models.len() < 2 {
        return refuse("at least two models", models.len().to_string());
    }
    let signature = |e: &Evaluated| -> Vec<(String, usize, String, Vec<u64>)> {
        let one = |part: &Part| {
            let r = &part.robustness;
            let radii = r.rows.iter().map(|row| row.epsilon.to_bits()).collect();
            (r.data.clone(), r.n, format!("{} {} {} {}", r.norm, r.objective, r.steps, r.restarts), radii)
        };
        e.parts.iter().map(one).collect()
    };
    let mut first = None;
    for (name, runs) in models {
        if runs.is_empty() {
            return refuse("an evaluation of each model", format!("none of {name}"));
        }
        for run in *runs {
            if run.interrupted {
                return refuse("evaluations that were not interrupted", format!("one of {name} was"));
            }
            let own = signature(run);
            if first.get_or_insert_with(|| own.clone()) != &own {
                return refuse("evaluations on the same sets with the same attacks", format!("others for {name}"));
            }
        }
    }
    let sample = &models[0].1[0];
    let mut quantities = Vec::new();
    for (k, part) in sample.parts.iter().enumerate() {
        let r = &part.robustness;
        let mut add = |name: &str, value: &dyn Fn(&Part) -> f64| {
            let spread = |(_, runs): &(&str, &[Evaluated])| {
                Spread::of(&runs.iter().map(|run| value(&run.parts[k])).collect::<Vec<f64>>())
            };
            let name = format!("{}: {name}", r.data);
            quantities.push(Quantity { name, models: models.iter().map(spread).collect() });
        };
        add("clean accuracy", &|part| part.robustness.clean_accuracy);
        for (at, row) in r.rows.iter().enumerate() {
            let name = format!("robust accuracy at {} {}", r.norm, row.epsilon);
            add(&name, &|part| part.robustness.rows[at].accuracy);
        }
        add("median distance in L2", &Part::median);
        add("5th percentile", &|part| part.quantile(0.05));
        add("share without adversarial input", &|part| part.censored() as f64 / part.distances.len() as f64);
    }
    let rows = sample.parts.iter().map(|part| (part.robustness.data.clone(), part.robustness.n)).collect();
    Ok(Comparison { names: models.iter().map(|(name, _)| (*name).to_owned()).collect(), quantities, rows })
}

impl Comparison {
    /// What the numbers say, one sentence for each model against the first, computed from the intervals.
    pub fn conclusion(&self) -> String {
        let mut sentences = Vec::new();
        for (k, name) in self.names.iter().enumerate().skip(1) {
            let first = &self.names[0];
            let (mut more, mut less, mut open, mut untold) = (Vec::new(), Vec::new(), 0, 0);
            for quantity in self.quantities.iter().filter(|q| !q.name.ends_with("share without adversarial input")) {
                match quantity.models[k].difference(&quantity.models[0]) {
                    Some([low, high]) if low > 0.0 => more.push(told(quantity, low, high)),
                    Some([low, high]) if high < 0.0 => less.push(told(quantity, low, high)),
                    Some(_) => open += 1,
                    None => untold += 1,
                }
            }
            let mut text = format!("{name} against {first}: ");
            if more.is_empty() && less.is_empty() {
                text += "no clear difference";
            }
            if !more.is_empty() {
                text += &format!("higher in {}", more.join(", "));
            }
            if !less.is_empty() {
                let join = if more.is_empty() { "" } else { "; " };
                text += &format!("{join}lower in {}", less.join(", "));
            }
            if open > 0 {
                text += &format!("; {open} of {} comparisons leave the sign open", open + more.len() + less.len());
            }
            if untold > 0 {
                text += &format!("; {untold} cannot be told (fewer than two seeds, or censored rows)");
            }
            sentences.push(text + ".");
        }
        sentences.join(" ")
    }
}

fn told(quantity: &Quantity, low: f64, high: f64) -> String {
    format!("{} (by {:.3} to {:.3})", quantity.name, low.abs().min(high.abs()), low.abs().max(high.abs()))
}

impl Show for Comparison {
    fn bundle(&self) -> Bundle {
        let sets: Vec<String> = self.rows.iter().map(|(name, n)| format!("{name} ({n} rows)")).collect();
        let caption = format!("{}: mean ± standard deviation over seeds", sets.join(", "));
        let cell = |s: &Spread| match (s.mean.is_finite(), s.count) {
            (false, _) => "censored".to_owned(),
            (true, 1) => format!("{:.4}, one seed", s.mean),
            (true, n) => format!("{:.4} ± {:.4} (n = {n})", s.mean, s.deviation),
        };
        let head = std::iter::once(String::new()).chain(self.names.iter().cloned());
        let mut table = Table::new(caption, head);
        for quantity in &self.quantities {
            table.row(std::iter::once(quantity.name.clone()).chain(quantity.models.iter().map(cell)));
        }
        table.notes.push(self.conclusion());
        table.notes.push("Differences are told by 95 % intervals of Welch's t test, one by one.".into());
        table.bundle()
    }
}
