//! All ways to train on one network, side by side.

use super::results::{PerSeed, quantile};
use super::{Results, read};
use crate::attack::{Norm, Spread};
use crate::display::Table;
use crate::error::Result;
use serde_json::Value;

impl Results {
    /// The median distance of the attacked images of `set` (`"train"` or `"test"`) to the other class in `norm`, over seeds:
    /// infinite where half of them are censored. L2 in units of [0, 1], Linf too.
    ///
    /// Errors: `Unknown` for a network, method, set or norm without results.
    pub fn median(&self, network: &str, method: &str, set: &str, norm: Norm) -> Result<Spread> {
        let key = norm.to_string().to_lowercase();
        let values = self.per_seed(network, method, &|n| quantile(&n["attacked"][set][key.as_str()], 0.5));
        if values.is_empty() {
            return Err(self.unknown(&format!("{network}, {method}, {set}, {norm}")));
        }
        Ok(Spread::of(&values.iter().map(|(_, v)| *v).collect::<Vec<f64>>()))
    }

    /// The directions that hold 99 % of the energy of the training images' features after the last epoch, over seeds: of
    /// the features as they are, or `centred`.
    ///
    /// Errors: `Unknown` for a network or method without results.
    pub fn rank(&self, network: &str, method: &str, centred: bool) -> Result<Spread> {
        let kind = if centred { "centred" } else { "raw" };
        let values = self.per_seed(network, method, &|n| read(&n["ranks"].as_array()?.last()?[kind]["k99"]));
        if values.is_empty() {
            return Err(self.unknown(&format!("rank of {network}, {method}")));
        }
        Ok(Spread::of(&values.iter().map(|(_, v)| *v).collect::<Vec<f64>>()))
    }

    /// Every method on a network: accuracies, distances, the published ratio, the gates.
    ///
    /// Errors: `Unknown` for a network without results.
    pub fn comparison(&self, network: &str) -> Result<Table> {
        let methods = self.methods(network);
        if methods.is_empty() {
            return Err(self.unknown(network));
        }
        let head = [
            "method",
            "seeds",
            "test accuracy",
            "L2 train",
            "L2 test",
            "L2 test, 5th percentile",
            "Linf test x 255",
            "accuracy at 4/255, test",
            "ratio found, test",
            "not found",
            "gates passed",
        ];
        let mut table = Table::new(format!("{network}: all methods"), head);
        table.notes = vec![
            "Mean over seeds, and the standard deviation where there are several. Distances are medians of upper bounds, \
             images in [0, 1]; the ratio is that of float32 cross-entropy PGD at 0.3, through one output and two."
                .into(),
        ];
        for method in methods {
            let of = |value: &dyn Fn(&Value) -> Option<f64>| told(&self.per_seed(network, &method, value), 1.0);
            let runs = self.runs(network, &method);
            let (one, two) = (
                of(&|n| read(&n["published"]["test"][0]["cross_entropy_one_output"])),
                of(&|n| read(&n["published"]["test"][0]["cross_entropy_two_outputs"])),
            );
            let median = |set: &str, norm: &str, by: f64| {
                told(&self.per_seed(network, &method, &|n| quantile(&n["attacked"][set][norm], 0.5)), by)
            };
            let censored: usize = runs.iter().map(|r| censored(&r["numbers"]["attacked"]["test"])).sum();
            table.row([
                method.clone(),
                runs.len().to_string(),
                of(&|n| read(&n["clean_test"])),
                median("train", "l2", 1.0),
                median("test", "l2", 1.0),
                of(&|n| quantile(&n["attacked"]["test"]["l2"], 0.05)),
                median("test", "linf", 255.0),
                of(&|n| read(&n["attacked"]["test"]["margin_pgd"]["accuracy"][2])),
                format!("{one}, {two}"),
                censored.to_string(),
                gates(&runs),
            ]);
        }
        Ok(table)
    }
}

fn told(values: &PerSeed, by: f64) -> String {
    if values.is_empty() {
        return "-".into();
    }
    let spread = Spread::of(&values.iter().map(|(_, v)| v * by).collect::<Vec<f64>>());
    if values.len() < 2 {
        format!("{:.3}", spread.mean)
    } else {
        // Not to be broken at the sign.
        format!("{:.3}\u{a0}±\u{a0}{:.3}", spread.mean, spread.deviation)
    }
}

/// Images without an adversarial one in L2 or Linf.
fn censored(part: &Value) -> usize {
    let count =
        |key: &str| part[key].as_array().map_or(0, |all| all.iter().filter(|v| read(v) == Some(f64::INFINITY)).count());
    count("l2") + count("linf")
}

/// How many gates passed in all seeds together, and the names of the others.
fn gates(runs: &[&Value]) -> String {
    let all = runs.iter().flat_map(|r| r["numbers"]["gates"].as_array().into_iter().flatten());
    let run: Vec<&Value> = all.filter(|gate| gate["verdict"] != "not run").collect();
    let failed: Vec<&str> = run.iter().filter(|g| g["verdict"] == "fail").filter_map(|g| g["name"].as_str()).collect();
    let mut names = failed.clone();
    names.sort_unstable();
    names.dedup();
    let passed = format!("{} of {}", run.len() - failed.len(), run.len());
    if names.is_empty() { passed } else { format!("{passed}; failed: {}", names.join(", ")) }
}
