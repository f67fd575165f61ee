//! The table of accuracy against the radius.

use candle_core::{DType, Device, Tensor};
use widemargin::attack::{Attacks, Evaluation, MinimalNorm, Model, Norm, Objective, Pgd, evaluate, robustness};
use widemargin::data::{Dataset, digits};
use widemargin::display::Show;
use widemargin::model::{Classifier, Mlp};
use widemargin::train::Trainer;

fn trained() -> (Classifier, widemargin::data::Pair) {
    let pair = digits().unwrap().pair(3, 8).unwrap();
    let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    Trainer { epochs: 20, silent: true, ..Trainer::default() }.fit(&mut net, &pair.train).unwrap();
    (net, pair)
}

#[test]
fn accuracy_starts_clean_never_rises_and_ends_at_zero_within_the_box() {
    let (net, pair) = trained();
    let attacks = Attacks { epsilons: vec![1.0, 0.05, 0.0, 0.1, 0.2], silent: true, ..Attacks::default() };
    let table = robustness(&net, &pair.test, &attacks).unwrap();
    let accuracies: Vec<f64> = table.rows.iter().map(|row| row.accuracy).collect();
    assert_eq!(table.rows.iter().map(|row| row.epsilon).collect::<Vec<_>>(), [0.0, 0.05, 0.1, 0.2, 1.0]);
    assert_eq!(accuracies[0], table.clean_accuracy);
    assert_eq!(table.clean_accuracy, net.accuracy(&pair.test.x, &pair.test.y).unwrap());
    assert!(accuracies.windows(2).all(|w| w[0] >= w[1]), "{accuracies:?}");
    assert_eq!(accuracies[4], 0.0);
}

#[test]
fn a_radius_alone_gives_the_same_accuracy_as_in_the_table_or_more() {
    let (net, pair) = trained();
    let attacks = Attacks { norm: Norm::L2, epsilons: vec![0.3, 0.6], silent: true, ..Attacks::default() };
    let table = robustness(&net, &pair.test, &attacks).unwrap();
    let alone = Pgd { norm: Norm::L2, epsilon: 0.6, silent: true, ..Pgd::default() };
    let alone = alone.run(&net, &pair.test.x, &pair.test.y).unwrap().robust_accuracy();
    // Rows broken at 0.3 stay broken, so the table can only be lower.
    assert!(table.at(0.6).unwrap() <= alone && alone - table.at(0.6).unwrap() < 0.02, "{table:?} {alone}");
}

#[test]
fn the_table_names_its_attack_and_counts_masked_rows() {
    let (net, pair) = trained();
    let vars = net.vars();
    for var in &vars[vars.len() - 2..] {
        var.set(&(var.as_tensor() * 1000.0).unwrap()).unwrap();
    }
    let test = pair.test.take(40).unwrap();
    let attacks =
        Attacks { objective: Objective::CrossEntropy, epsilons: vec![0.1], silent: true, ..Attacks::default() };
    let table = robustness(&net, &test, &attacks).unwrap();
    assert!(table.zero_gradient() >= 35, "{table:?}");
    let bundle = table.bundle();
    let text = bundle.data["text/plain"].as_str().unwrap();
    assert!(text.contains("PGD Linf on the cross-entropy, 40 steps"), "{text}");
    assert!(text.lines().nth(1).unwrap().contains("zero gradient"), "{text}");
    assert!(bundle.data["text/html"].as_str().unwrap().contains("<th scope=\"row\">0.1</th>"));
}

#[test]
fn an_empty_set_is_refused() {
    let (net, pair) = trained();
    let empty = pair.test.take(0).unwrap();
    assert!(robustness(&net, &empty, &Attacks::default()).unwrap_err().to_string().contains("at least one input"));
}

/// Gradients that are not finite on every input whose first pixel is 1.
struct Broken(Classifier);

impl Model for Broken {
    fn outputs(&self) -> usize {
        Model::outputs(&self.0)
    }

    fn score_rows(&self, x: &Tensor) -> widemargin::Result<Vec<f32>> {
        self.0.score_rows(x)
    }

    fn score_gradient(
        &self,
        x: &Tensor,
        slopes: &dyn Fn(&[f32]) -> Vec<f32>,
    ) -> widemargin::Result<(Vec<f32>, Vec<f32>)> {
        let (scores, mut gradient) = self.0.score_gradient(x, slopes)?;
        let values = x.flatten_all()?.to_vec1::<f32>()?;
        let width = values.len() / scores.len();
        for (row, gradient) in values.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
            gradient[0] = if row[0] == 1.0 { f32::NAN } else { gradient[0] };
        }
        Ok((scores, gradient))
    }
}

#[test]
fn rows_without_a_finite_gradient_are_named_by_their_place_in_the_set() {
    let net = Broken(crate::attack_nets::linear(&[0.0, 1.0, -1.0], 0.0));
    // Row 0 breaks at the first radius and leaves, so row 3 is third in the second attack.
    let rows = [[0.5_f32, 0.51, 0.5], [0.5, 0.9, 0.1], [0.5, 0.9, 0.1], [1.0, 0.9, 0.1]];
    let x = Tensor::new(&rows, &Device::Cpu).unwrap();
    let y = Tensor::ones(4, DType::U32, &Device::Cpu).unwrap();
    let data = Dataset::new("four", x, y, vec!["no".into(), "yes".into()]).unwrap();
    let attacks = Attacks { epsilons: vec![0.1, 0.2], silent: true, ..Attacks::default() };
    let table = robustness(&net, &data, &attacks).unwrap();
    assert_eq!(table.not_finite, [3]);
    let wanted = "1 rows had values that are not finite and were not attacked there: 3.";
    assert!(table.bundle().plain().unwrap().ends_with(wanted), "{}", table.bundle().plain().unwrap());
    let minimal = MinimalNorm { steps: 5, retry_steps: 5, ..MinimalNorm::default() };
    let all = evaluate(&net, &[&data], &Evaluation { attacks, minimal }).unwrap();
    assert_eq!(all.parts[0].not_finite(), [3]);
    assert!(all.bundle().plain().unwrap().contains(&format!("four: {wanted}")));
}
