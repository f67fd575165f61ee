//! The results page in Markdown: every number and every verdict computed from the results.

use super::results::{PerSeed, quantile};
use super::{Results, read};
use crate::attack::Spread;
use serde_json::Value;
use std::fmt::Write;

impl Results {
    /// The page: the answers, the table of methods, the gates.
    pub fn page(&self) -> String {
        let mut page = String::new();
        let first = &self.records[0];
        let said = |key: &str| first[key].as_str().unwrap_or("?").to_owned();
        let d = &first["data"];
        let _ = writeln!(
            page,
            "# Results\n\nScale {}; {} results; version {}, sources {}, commit {}, {}. Data: {} ({} images), {} ({} images).",
            said("scale"),
            self.records.len(),
            said("version"),
            said("source"),
            said("commit"),
            said("device"),
            d["train"].as_str().unwrap_or("?"),
            d["train_images"],
            d["test"].as_str().unwrap_or("?"),
            d["test_images"],
        );
        let _ = writeln!(
            page,
            "\nIntervals are 95 % of Student's t over seeds, or a range where it says so. Every line below is computed.\n"
        );
        let _ = writeln!(
            page,
            "| question | claim | the paper's number | measured | ours | verdict |\n|---|---|---|---|---|---|"
        );
        for answer in self.answers() {
            let value = match answer.value {
                Some((mean, Some([low, high]))) => format!("{mean:.3} [{low:.3}, {high:.3}]"),
                Some((mean, None)) => format!("{mean:.3}"),
                None => "none".into(),
            };
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {value} | {} |",
                answer.question,
                answer.claim,
                answer.paper,
                answer.measured,
                answer.conclusion.words()
            );
        }
        for network in self.networks() {
            self.methods_table(&mut page, &network);
        }
        page
    }

    fn methods_table(&self, page: &mut String, network: &str) {
        let _ = writeln!(
            page,
            "\n## {network}: all methods\n\nMean over seeds, and the standard deviation where there are several. Distances are \
             medians of upper bounds, images in [0, 1]; the ratio is that of float32 cross-entropy PGD at 0.3, through one \
             output and two.\n\n| method | seeds | test accuracy | L2 train | L2 test | L2 test, 5th percentile | Linf test x 255 \
             | accuracy at 4/255, test | ratio found, test | not found | gates passed |\n|---|---|---|---|---|---|---|---|---|---|---|"
        );
        for method in self.methods(network) {
            let of = |value: &dyn Fn(&Value) -> Option<f64>| told(&self.per_seed(network, &method, value), 1.0);
            let runs = self.runs(network, &method);
            let (one, two) = (
                of(&|n| read(&n["published"]["test"][0]["cross_entropy_one_output"])),
                of(&|n| read(&n["published"]["test"][0]["cross_entropy_two_outputs"])),
            );
            let medians = |set: &str, norm: &str, by: f64| {
                let values = self.medians(network, &method, set, norm);
                told(&values.into_iter().enumerate().map(|(k, v)| (k as u64, v)).collect(), by)
            };
            let censored: usize = runs.iter().map(|r| censored(&r["numbers"]["attacked"]["test"])).sum();
            let _ = writeln!(
                page,
                "| {method} | {} | {} | {} | {} | {} | {} | {} | {one}, {two} | {censored} | {} |",
                runs.len(),
                of(&|n| read(&n["clean_test"])),
                medians("train", "l2", 1.0),
                medians("test", "l2", 1.0),
                of(&|n| quantile(&n["attacked"]["test"]["l2"], 0.05)),
                medians("test", "linf", 255.0),
                of(&|n| read(&n["attacked"]["test"]["margin_pgd"]["accuracy"][2])),
                gates(&runs),
            );
        }
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
        format!("{:.3} ± {:.3}", spread.mean, spread.deviation)
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
