//! The table runs, resumes, merges; the answers follow from the numbers alone.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use widemargin::data::{Pair, digits};
use widemargin::experiment::{Conclusion, Provenance, Results, Run, Scale, Shard, Store, table};
use widemargin::prelude::{Classifier, Loss, Mlp, Norm, Trainer};

fn pair() -> Pair {
    digits().and_then(|all| all.pair(3, 8)).expect("embedded")
}

fn by(source: &str) -> Provenance {
    let text = |text: &str| text.to_owned();
    Provenance { version: text("0"), source: source.into(), commit: text("none"), device: text("test") }
}

fn execute(folder: &Path, runs: &[Run]) -> usize {
    let store = Store::open(folder).expect("a fresh folder");
    store.run(Scale::Tiny, runs, &pair(), &by("a"), &mut |_| {}).expect("the runs work")
}

/// The bytes of each result.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let results = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    results
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn stopped_and_resumed_or_spread_and_merged_the_results_are_the_same_bytes() {
    let runs = table(Scale::Tiny, None);
    let folders = [(); 4].map(|()| tempfile::tempdir().expect("a folder"));
    let [whole, stopped, one, two] = folders.each_ref().map(|folder| folder.path());
    assert_eq!(execute(whole, &runs), runs.len());
    let expected = bytes(whole);
    assert_eq!(expected.len(), runs.len());

    // Stopped after two runs, with half a file left behind by the third.
    assert_eq!(execute(stopped, &runs[..2]), 2);
    std::fs::write(stopped.join(".result-abc"), "{\"form").unwrap();
    assert_eq!(execute(stopped, &runs), runs.len() - 2);
    assert_eq!(execute(stopped, &runs), 0);
    assert!(bytes(stopped) == expected, "resumed results differ");

    let shards = [1, 2].map(|index| Shard { index, of: 2 }.of(runs.clone()));
    assert_eq!(shards[0].len() + shards[1].len(), runs.len());
    assert_eq!(execute(one, &shards[0]) + execute(two, &shards[1]), runs.len());
    Store::open(one).unwrap().merge(&[two.to_owned()]).expect("one version");
    assert!(bytes(one) == expected, "merged results differ");

    let results = Results::open(whole).expect("results");
    let network = &results.networks()[0];
    for set in ["train", "test"] {
        let figures = [
            results.robust_accuracy(network, set),
            results.masked_accuracy(network, set),
            results.distances(network, set),
            results.logit_scale(network, set),
        ];
        for figure in figures {
            assert!(figure.expect("a figure").alt().contains("differential"));
        }
    }
    let figures =
        [results.training(network), results.spectra(network), results.ranks(network), results.transfer(network)];
    for figure in figures {
        assert!(figure.expect("a figure").alt().contains("cross-entropy"));
    }
    assert_eq!(results.images(network, "differential").expect("kept images").len(), 2);
    assert!(results.robust_accuracy("other", "test").is_err());
    let median = results.median(network, "differential", "test", Norm::L2).expect("measured");
    assert!(median.mean > 0.0, "{median:?}");
    assert!(results.median(network, "differential", "other", Norm::L2).is_err());
    // The mean over the files of all seeds.
    let ranks: Vec<f64> = expected
        .values()
        .map(|file| serde_json::from_slice::<Value>(file).expect("JSON"))
        .filter(|run| run["settings"]["network"] == network.as_str() && run["settings"]["method"] == "differential")
        .filter_map(|run| run["numbers"]["ranks"].as_array()?.last()?["centred"]["k99"].as_f64())
        .collect();
    let rank = results.rank(network, "differential", true).expect("measured");
    assert_eq!((rank.count, rank.mean), (ranks.len(), ranks.iter().sum::<f64>() / ranks.len() as f64));
    assert!(rank.count > 1 && rank.mean >= 1.0, "{ranks:?}");
    assert!(results.rank(network, "other", true).is_err());
    assert!(results.comparison("other").is_err());
    // A line for each claim and each method, in text and in HTML.
    assert_eq!(results.verdicts().rows.len(), results.answers().len());
    assert_eq!(results.comparison(network).expect("a table").rows.len(), 2);
    // The exact linear cases need no seeds: figure 1's ratio is 0.040 (closed form in data::synthetic).
    let page = results.page().expect("a page");
    assert!(page.contains("0.040 |"), "{page}");
}

#[test]
fn results_of_other_sources_are_refused() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let runs = &table(Scale::Tiny, None)[..1];
    execute(folders[0].path(), runs);
    let store = Store::open(folders[0].path()).unwrap();
    let error = store.run(Scale::Tiny, runs, &pair(), &by("b"), &mut |_| {}).expect_err("other sources");
    assert!(error.to_string().contains("--out"), "{error}");
    Store::open(folders[1].path()).unwrap().run(Scale::Tiny, runs, &pair(), &by("b"), &mut |_| {}).unwrap();
    let error = store.merge(&[folders[1].path().to_owned()]).expect_err("mixed");
    assert!(error.to_string().contains("source"), "{error}");
    assert!(Shard::parse("3/2").is_err() && Shard::parse("0/2").is_err() && Shard::parse("x").is_err());
}

/// Results of cross-entropy and differential training with these median distances and published ratios, seed by seed.
fn invented(distances: [[f64; 3]; 2], ratios: [[f64; 3]; 2]) -> Results {
    let folder = tempfile::tempdir().expect("a folder");
    for (k, method) in ["cross-entropy", "differential"].into_iter().enumerate() {
        for seed in 0..3 {
            // As results keep it: JSON has no infinity.
            let distance = Some(distances[k][seed]).filter(|d| d.is_finite()).map_or(json!("inf"), |d| json!(d));
            let set = json!({"l2": [distance], "linf": [distance]});
            let sets = json!({"train": set, "test": set});
            let line = json!([{"cross_entropy_one_output": ratios[k][seed], "cross_entropy_two_outputs": 1.0}]);
            let numbers = json!({
                "attacked": sets, "matched": {"attacked": sets}, "published": {"train": line, "test": line},
            });
            let id = format!("{method}-{seed}");
            let record = json!({
                "format": 1, "id": id, "source": "a", "seed": seed, "numbers": numbers,
                "settings": {"kind": "train", "network": "lenet", "method": method},
            });
            std::fs::write(folder.path().join(format!("{id}.json")), Value::to_string(&record)).unwrap();
        }
    }
    Results::open(folder.path()).expect("results")
}

fn conclusions(results: &Results) -> Vec<Conclusion> {
    results.answers().into_iter().filter(|a| a.question >= 4).map(|a| a.conclusion).collect()
}

#[test]
fn a_gain_is_believed_only_where_the_distance_grows() {
    let (even, ratios) = ([1.0, 1.1, 0.9], [[1.0, 0.9, 0.8], [0.3, 0.2, 0.1]]);
    let grown = invented([even, even.map(|d| 1.3 * d)], ratios);
    assert_eq!(conclusions(&grown), [Conclusion::Supported; 8]);
    // The distance is the same and only cross-entropy finds less.
    assert_eq!(conclusions(&invented([even, even], ratios)), [Conclusion::MaskedOnly; 8]);
    assert_eq!(conclusions(&invented([even, even], [[0.9; 3], [0.9; 3]])), [Conclusion::NotSupported; 8]);
    // 3 % in every seed is no effect; 30 % in one seed of three is no evidence.
    assert_eq!(conclusions(&invented([even, even.map(|d| 1.03 * d)], [[0.9; 3]; 2])), [Conclusion::NotSupported; 8]);
    assert_eq!(conclusions(&invented([even, [1.9, 1.1, 0.9]], [[0.9; 3]; 2])), [Conclusion::NotSupported; 8]);
    // One censored median leaves the question open.
    assert_eq!(conclusions(&invented([even, [1.3, 1.4, f64::INFINITY]], ratios)), [Conclusion::Open; 8]);
}

#[test]
fn watching_a_training_does_not_change_it() {
    let data = pair().train;
    let settings = Mlp { inputs: 64, hidden: vec![16], features: 8, outputs: 1, ..Mlp::default() };
    let trainer = Trainer { loss: Loss::Differential, epochs: 3, silent: true, ..Trainer::default() };
    let mut nets = [0, 0].map(|seed| Classifier::mlp(&settings, seed).expect("a net"));
    trainer.fit(&mut nets[0], &data).expect("training");
    let mut seen = Vec::new();
    let watch = &mut |net: &Classifier, epoch: &widemargin::prelude::Epoch| {
        seen.push((epoch.epoch, net.outputs()));
        Ok(())
    };
    trainer.fit_watched(&mut nets[1], &data, watch).expect("training");
    assert_eq!(seen, [(1, 1), (2, 1), (3, 1)]);
    let scores = nets.map(|net| net.scores(&data.x).unwrap().to_vec1::<f32>().unwrap());
    assert_eq!(scores[0], scores[1]);
}
