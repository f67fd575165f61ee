//! The results of a folder, found by what was run.

use super::{read, store};
use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// All results of a folder, of one version of the sources.
#[derive(Clone, Debug)]
pub struct Results {
    pub(super) records: Vec<Value>,
}

/// One quantity of one method, seed by seed.
pub(super) type PerSeed = Vec<(u64, f64)>;

impl Results {
    /// Reads the results that [`Store::run`](super::Store::run) wrote.
    ///
    /// Errors: `Io`; `Damaged`; `Value` for a folder without results or with those of several versions.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let records = store::records(folder)?;
        let refuse = |expected: &str, got: String| Err(Error::Value { op: "results", expected: expected.into(), got });
        let Some(first) = records.first() else {
            return refuse("at least one result", format!("none in {}", folder.display()));
        };
        match records.iter().find(|record| record["source"] != first["source"]) {
            Some(other) => refuse("results of one version", format!("{} and {}", first["source"], other["source"])),
            None => Ok(Self { records }),
        }
    }

    /// The results that this book is written from: of the nearest folder `book/results` at or above the working directory.
    ///
    /// Errors: `Unknown` outside a copy of the book; those of [`Results::open`].
    pub fn of_book() -> Result<Self> {
        let here = std::env::current_dir().map_err(Error::io("find", "."))?;
        let folder = here.ancestors().map(|folder| folder.join("book/results")).find(|folder| folder.is_dir());
        Self::open(folder.ok_or_else(|| Error::Unknown {
            what: "folder book/results",
            got: here.display().to_string(),
            known: vec!["a copy of the book and any folder in it".into()],
        })?)
    }

    /// The networks that were trained, in the order of their names.
    pub fn networks(&self) -> Vec<String> {
        self.distinct("network")
    }

    /// The methods that were compared on a network: cross-entropy and differential first.
    pub fn methods(&self, network: &str) -> Vec<String> {
        let trained = self.compared().filter(|record| record["settings"]["network"] == network);
        let mut names: Vec<String> = Vec::new();
        for record in trained {
            let name = record["settings"]["method"].as_str().unwrap_or_default().to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let first = ["cross-entropy", "differential"];
        names.sort_by_key(|name| first.iter().position(|f| f == name).unwrap_or(first.len()));
        names
    }

    fn distinct(&self, key: &str) -> Vec<String> {
        let mut all: Vec<String> =
            self.compared().filter_map(|record| record["settings"][key].as_str().map(str::to_owned)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The runs that trained and attacked a network.
    pub(super) fn compared(&self) -> impl Iterator<Item = &Value> {
        self.records.iter().filter(|record| record["numbers"]["attacked"].is_object())
    }

    /// The runs of one method on one network, by seed.
    pub(super) fn runs(&self, network: &str, method: &str) -> Vec<&Value> {
        let mine = |record: &&Value| record["settings"]["network"] == network && record["settings"]["method"] == method;
        let mut found: Vec<&Value> = self.compared().filter(mine).collect();
        found.sort_by_key(|record| record["seed"].as_u64());
        found
    }

    /// A quantity of each seed; seeds without it are left out.
    pub(super) fn per_seed(&self, network: &str, method: &str, value: &dyn Fn(&Value) -> Option<f64>) -> PerSeed {
        let runs = self.runs(network, method);
        runs.iter().filter_map(|r| Some((r["seed"].as_u64()?, value(&r["numbers"])?))).collect()
    }
}

/// The median of distances as they are kept: of an even number the lower one, infinite if censored ones reach it.
pub(super) fn quantile(distances: &Value, q: f64) -> Option<f64> {
    let mut all = distances.as_array()?.iter().map(read).collect::<Option<Vec<f64>>>()?;
    all.sort_by(f64::total_cmp);
    let rank = (q * all.len() as f64).ceil() as usize;
    all.get(rank.clamp(1, all.len().max(1)) - 1).copied()
}
