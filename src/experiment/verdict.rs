//! The paper's five questions, answered by a rule from the results.
//!
//! A quantity is compared seed by seed (same starting parameters, same order of images), and its interval is the 95 % one
//! of Student's t over seeds. A change counts if its interval leaves out 0 and its mean is at least
//! [`SMALLEST_EFFECT`]. A gain that only cross-entropy in float32 sees is one of the attack, not of the network.

use super::results::{PerSeed, quantile};
use super::{Results, SMALLEST_EFFECT, read};
use crate::attack::Spread;
use serde_json::Value;

/// What the results say about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It holds under every attack.
    Supported,
    /// It holds only under an attack whose gradient vanishes.
    MaskedOnly,
    /// It does not hold here.
    NotSupported,
    /// Too few seeds, or the runs are missing.
    Open,
}

impl Conclusion {
    /// The words of the results page.
    pub fn words(self) -> &'static str {
        match self {
            Conclusion::Supported => "supported",
            Conclusion::MaskedOnly => "supported only with a masked attack",
            Conclusion::NotSupported => "not supported",
            Conclusion::Open => "open: too few results",
        }
    }
}

/// One claim beside what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The number of the question, 1 to 5.
    pub question: usize,
    /// What is claimed.
    pub claim: String,
    /// The paper's number; "not stated" where it gives none, or none that could be read.
    pub paper: &'static str,
    /// What was measured, in words.
    pub measured: String,
    /// The mean over seeds and its 95 % interval.
    pub value: Option<(f64, Option<[f64; 2]>)>,
    /// The conclusion, by the rule of this module.
    pub conclusion: Conclusion,
}

/// The mean and the interval of Student's t.
fn interval(values: &[f64]) -> Option<(f64, Option<[f64; 2]>)> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let spread = Spread::of(values);
    Some((spread.mean, spread.interval()))
}

/// `of` against `than`, seed by seed.
fn changes(of: &PerSeed, than: &PerSeed, change: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let pairs = of.iter().filter_map(|(seed, a)| Some((*a, than.iter().find(|(s, _)| s == seed)?.1)));
    pairs.map(|(a, b)| change(a, b)).collect()
}

/// A relative gain: supported if the interval is above 0 and the mean large enough.
fn gain(value: Option<(f64, Option<[f64; 2]>)>) -> Conclusion {
    match value {
        Some((mean, Some([low, _]))) if low > 0.0 && mean >= SMALLEST_EFFECT => Conclusion::Supported,
        Some((_, Some(_))) => Conclusion::NotSupported,
        _ => Conclusion::Open,
    }
}

const RELATIVE: fn(f64, f64) -> f64 = |a, b| a / b - 1.0;
const APART: fn(f64, f64) -> f64 = |a, b| a - b;

impl Results {
    /// The five questions of the paper, each with one or more claims.
    pub fn answers(&self) -> Vec<Answer> {
        let mut answers = self.linear();
        for network in self.networks() {
            answers.extend(self.of_network(&network));
        }
        answers.sort_by_key(|answer| answer.question);
        answers
    }

    fn linear(&self) -> Vec<Answer> {
        let Some(record) = self.records.iter().find(|record| record["settings"]["kind"] == "synthetic") else {
            return Vec::new();
        };
        let n = &record["numbers"];
        let mut out = Vec::new();
        for (case, key, paper) in [
            ("on the line of figure 1", "figure_1", "\"almost orthogonal\"; no number stated"),
            ("on two points (theorem 1)", "two_points", "not stated"),
        ] {
            let Some(ratio) = read(&n[key]["cross_entropy_ratio"]) else { continue };
            let angle = read(&n[key]["cross_entropy_angle_degrees"]).unwrap_or(f64::NAN);
            let pairs = read(&n[key]["pair_loss_ratio"]).unwrap_or(f64::NAN);
            out.push(Answer {
                question: 2,
                claim: format!("Linear, {case}: cross-entropy ends at a poor margin, the pair loss at the largest"),
                paper,
                measured: format!(
                    "margin of the limit of cross-entropy over the largest (exact); angle {angle:.1} degrees; pair loss {pairs:.6}"
                ),
                value: Some((ratio, None)),
                conclusion: if ratio < 1.0 - SMALLEST_EFFECT && (pairs - 1.0).abs() < 1e-4 {
                    Conclusion::Supported
                } else {
                    Conclusion::NotSupported
                },
            });
        }
        if let Some(ratios) = n["figure_2"]["ratios"].as_array().filter(|all| !all.is_empty()) {
            let all: Vec<f64> = ratios.iter().filter_map(read).collect();
            let at = |q: f64| quantile(&n["figure_2"]["ratios"], q).unwrap_or(f64::NAN);
            let worse = all.iter().filter(|r| **r < 1.0 - SMALLEST_EFFECT).count();
            out.push(Answer {
                question: 2,
                claim: "Linear, two clouds of figure 2: the margin of cross-entropy is smaller".into(),
                paper: "not stated",
                measured: format!(
                    "median of that ratio over {} draws, with its 5 to 95 % range; below {:.2} in {worse}",
                    all.len(),
                    1.0 - SMALLEST_EFFECT
                ),
                value: Some((at(0.5), Some([at(0.05), at(0.95)]))),
                conclusion: if at(0.5) < 1.0 - SMALLEST_EFFECT {
                    Conclusion::Supported
                } else {
                    Conclusion::NotSupported
                },
            });
        }
        out
    }

    fn of_network(&self, network: &str) -> Vec<Answer> {
        let (ce, diff) = ("cross-entropy", "differential");
        let l2 = |set: &'static str| move |n: &Value| quantile(&n["attacked"][set]["l2"], 0.5);
        let of = |method: &str, value: &dyn Fn(&Value) -> Option<f64>| self.per_seed(network, method, value);
        let alone = |values: &PerSeed| interval(&values.iter().map(|(_, v)| *v).collect::<Vec<f64>>());
        let mut out = Vec::new();
        let mut add = |question, claim: String, paper, measured: String, value, conclusion| {
            out.push(Answer { question, claim: format!("{network}: {claim}"), paper, measured, value, conclusion });
        };

        // 1: what the last layer has to do with it.
        let swapped = |n: &Value| {
            let refitted = quantile(&n["head"]["refitted"]["test"]["l2"], 0.5)?;
            Some(refitted / quantile(&n["attacked"]["test"]["l2"], 0.5)? - 1.0)
        };
        let value = alone(&of(ce, &swapped));
        add(
            1,
            "an accurate network is vulnerable because its last layer puts the boundary close".into(),
            "not stated",
            "change of the median L2 distance of test images when the last layer becomes the largest margin on its features"
                .into(),
            value,
            gain(value),
        );
        // 2: the margin of the head on its own features.
        let lost = of(ce, &|n| Some(1.0 - read(&n["head"]["limit_ratio"])?));
        let own = alone(&of(ce, &|n| read(&n["head"]["own_ratio"])));
        let (d, h) = (alone(&of(ce, &|n| read(&n["head"]["D"]))), alone(&of(ce, &|n| read(&n["head"]["h"]))));
        let mean = |value: Option<(f64, _)>| {
            value.map_or("?".into(), |(mean, _): (f64, Option<[f64; 2]>)| format!("{mean:.3}"))
        };
        let value = alone(&lost);
        add(
            2,
            "on the learned features the limit of cross-entropy loses margin".into(),
            "not stated",
            format!(
                "share of the largest margin that the limit loses; the head itself, not at its limit, has {} of it; D {}, h {}",
                mean(own),
                mean(d),
                mean(h)
            ),
            value,
            gain(value),
        );
        // 3: rank, and the intervention.
        let columns = of(ce, &|n| read(&n["spectrum"]["columns"])).first().map_or(f64::NAN, |(_, c)| *c);
        // Raw, a common offset counts as a direction; what is said of variance is about centred features.
        for (kind, claim) in [
            ("raw", "features of the last hidden layer are of low rank"),
            ("centred", "their variance is of low rank, too"),
        ] {
            let k99 = of(ce, &|n| read(&n["ranks"].as_array()?.last()?[kind]["k99"]));
            let value = alone(&k99);
            add(
                3,
                claim.into(),
                "at most 20 of 84 components hold almost all of the variance",
                format!("directions with 99 % of the energy of the {kind} features, of {columns}"),
                value,
                match value {
                    Some((_, Some([_, high]))) if high <= 20.0 / 84.0 * columns => Conclusion::Supported,
                    Some((_, Some(_))) => Conclusion::NotSupported,
                    _ => Conclusion::Open,
                },
            );
        }
        let value = interval(&changes(&of("ce-centred", &l2("test")), &of(ce, &l2("test")), RELATIVE));
        add(
            3,
            "that is what makes it fragile: without the offset of the features cross-entropy is more robust".into(),
            "not stated",
            "change of the median L2 distance of test images when the head is trained on centred features".into(),
            value,
            gain(value),
        );
        // 4 and 5: differential training, on training and on test images.
        for (question, set) in [(4, "train"), (5, "test")] {
            let honest =
                |value: &dyn Fn(&Value) -> Option<f64>| interval(&changes(&of(diff, value), &of(ce, value), RELATIVE));
            let apart =
                |value: &dyn Fn(&Value) -> Option<f64>| interval(&changes(&of(diff, value), &of(ce, value), APART));
            let one = apart(&|n| read(&n["published"][set][0]["cross_entropy_one_output"]));
            let two = apart(&|n| read(&n["published"][set][0]["cross_entropy_two_outputs"]));
            let falls = |value: Option<(f64, Option<[f64; 2]>)>| matches!(value, Some((mean, Some([_, high]))) if high < 0.0 && mean <= -SMALLEST_EFFECT);
            let masked = falls(one) || falls(two);
            let judge = |value| match gain(value) {
                Conclusion::NotSupported if masked => Conclusion::MaskedOnly,
                other => other,
            };
            let by_words = |value: Option<(f64, Option<[f64; 2]>)>| match value {
                Some((mean, Some([low, high]))) => format!("{mean:+.3} [{low:+.3}, {high:+.3}]"),
                Some((mean, None)) => format!("{mean:+.3}"),
                None => "?".into(),
            };
            let found = format!(
                "ratio found by float32 cross-entropy PGD at 0.3, differential minus cross-entropy: {} through one output, {} \
                 through two",
                by_words(one),
                by_words(two)
            );
            let paper = "\"radically reduces the ratio\"; no ratio stated";
            let measures: [(&str, &str, Box<dyn Fn(&Value) -> Option<f64>>); 4] = [
                ("equal epochs", "L2", Box::new(move |n| quantile(&n["attacked"][set]["l2"], 0.5))),
                ("equal epochs", "Linf", Box::new(move |n| quantile(&n["attacked"][set]["linf"], 0.5))),
                ("equal training loss", "L2", Box::new(move |n| quantile(&n["matched"]["attacked"][set]["l2"], 0.5))),
                (
                    "equal training loss",
                    "Linf",
                    Box::new(move |n| quantile(&n["matched"]["attacked"][set]["linf"], 0.5)),
                ),
            ];
            // Equal loss is not equal effort: the loss that falls faster is stopped earlier.
            let stopped = |method: &str| mean(alone(&of(method, &|n| read(&n["matched"]["epoch"]))));
            for (at, norm, value) in measures {
                let value = honest(&*value);
                let epochs = match at {
                    "equal training loss" => format!(", after {} epochs against {}", stopped(diff), stopped(ce)),
                    _ => String::new(),
                };
                add(
                    question,
                    format!("differential training is more robust on {set} images, at {at}"),
                    paper,
                    format!("change of the median {norm} distance against cross-entropy{epochs}; {found}"),
                    value,
                    judge(value),
                );
            }
        }
        out
    }
}
