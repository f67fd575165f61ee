//! The folder of results: what is done, what is left, and who runs which part.

use super::table::{Kind, Run, Scale};
use super::{attacked, network, synthetic, transferred};
use crate::data::Pair;
use crate::error::{Error, Result};
use crate::model::ops::simd::Level;
use crate::progress::interrupted;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What made the results: they are only compared if these agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// The library's version.
    pub version: String,
    /// A hash of the sources that compute.
    pub source: String,
    /// The commit, as far as it is known.
    pub commit: String,
    /// The processor.
    pub device: String,
}

/// The part of the table that one machine runs: `index` from 1 to `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl Shard {
    /// Reads `2/8`.
    ///
    /// Errors: `Value`.
    pub fn parse(text: &str) -> Result<Self> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, of)) if index >= 1 && index <= of => Ok(Self { index, of }),
            _ => Err(Error::Value { op: "shard", expected: "i/n with 1 <= i <= n".into(), got: text.into() }),
        }
    }

    /// The runs of this shard: groups that share networks stay together.
    pub fn of(self, runs: Vec<Run>) -> Vec<Run> {
        let mut groups: Vec<String> = Vec::new();
        let mut mine = Vec::new();
        for run in runs {
            let group = run.group();
            let place = groups.iter().position(|g| *g == group).unwrap_or_else(|| {
                groups.push(group);
                groups.len() - 1
            });
            if place % self.of == self.index - 1 {
                mine.push(run);
            }
        }
        mine
    }
}

/// A folder of results.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

const VERSION: u64 = 1;

impl Store {
    /// The folder, made if it is not there.
    ///
    /// Errors: `Io`.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder.join("work")).map_err(Error::io("create", folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Executes the runs that have no result yet, in their order; returns how many were executed.
    ///
    /// Each result is written whole when its run ends: killed at any moment, the next call goes on there. `say` gets a line
    /// after each run, with the time left.
    /// Errors: those of the runs; `Value` if the folder holds results of other sources; `Interrupted`.
    pub fn run(
        &self,
        scale: Scale,
        runs: &[Run],
        data: &Pair,
        by: &Provenance,
        say: &mut dyn FnMut(&str),
    ) -> Result<usize> {
        self.check(by)?;
        let left: Vec<&Run> = runs.iter().filter(|run| !self.path(&run.id).exists()).collect();
        let total: f64 = left.iter().map(|run| run.weight()).sum();
        let (begin, mut done) = (Instant::now(), 0.0);
        for (k, run) in left.iter().enumerate() {
            let start = Instant::now();
            let numbers = match &run.kind {
                Kind::Synthetic { draws } => synthetic::run(*draws)?,
                Kind::Train { .. } => network::run(run, data, &self.work())?,
                Kind::Transfer { network, images } => {
                    transferred::run(*network, run.seed, data.test.take(*images)?, &self.work())?
                }
            };
            if interrupted() {
                return Err(Error::Interrupted { op: "reproduce", done: format!("{k} of {} runs", left.len()) });
            }
            let record = json!({
                "format": VERSION,
                "id": run.id,
                "scale": format!("{scale:?}"),
                "settings": settings(run),
                "seed": run.seed,
                "version": by.version,
                "source": by.source,
                "commit": by.commit,
                "device": by.device,
                "build": build(),
                "data": {
                    "train": data.train.name, "train_images": data.train.len(),
                    "test": data.test.name, "test_images": data.test.len(),
                },
                "numbers": numbers,
            });
            let seconds = json!({"id": run.id, "seconds": start.elapsed().as_secs_f64(), "threads": threads()});
            let beside = self.work().join(format!("{}.seconds.json", run.id));
            write(&beside, seconds.to_string().as_bytes())?;
            write(&self.path(&run.id), record.to_string().as_bytes())?;
            done += run.weight();
            let (took, so_far) = (start.elapsed().as_secs_f64(), begin.elapsed().as_secs_f64());
            let minutes = so_far / done * (total - done) / 60.0;
            say(&format!("{} of {}: {}, {took:.1} s; about {minutes:.0} min left", k + 1, left.len(), run.id));
        }
        Ok(left.len())
    }

    fn check(&self, by: &Provenance) -> Result<()> {
        for record in records(&self.folder)? {
            if record["source"].as_str() != Some(&by.source) {
                return Err(Error::Value {
                    op: "reproduce",
                    expected: format!("results of sources {} in {}", by.source, self.folder.display()),
                    got: format!("{} of {}; use another --out", record["id"], record["source"]),
                });
            }
        }
        Ok(())
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// Networks and seconds, which are no results.
    fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// Copies the results of `from` into this folder.
    ///
    /// Errors: `Value` if they are not all of one version, source and scale, or two of one name differ.
    pub fn merge(&self, from: &[PathBuf]) -> Result<usize> {
        let refuse = |expected: String, got: String| Err(Error::Value { op: "merge", expected, got });
        let mut all = records(&self.folder)?;
        let mut added = 0;
        for folder in from {
            for record in records(folder)? {
                if let Some(first) = all.first() {
                    for key in ["format", "version", "source", "scale", "data"] {
                        if record[key] != first[key] {
                            return refuse(
                                format!("{key} {}", first[key]),
                                format!("{} in {}", record[key], record["id"]),
                            );
                        }
                    }
                }
                match all.iter().find(|known| known["id"] == record["id"]) {
                    Some(known) if known["numbers"] != record["numbers"] => {
                        return refuse("equal numbers".into(), format!("two different results {}", record["id"]));
                    }
                    Some(_) => {}
                    None => {
                        // Its bytes: written again, a number may change in its last digit.
                        let id = record["id"].as_str().unwrap_or_default();
                        let path = folder.join(format!("{id}.json"));
                        write(&self.path(id), &std::fs::read(&path).map_err(Error::io("read", &path))?)?;
                        all.push(record);
                        added += 1;
                    }
                }
            }
        }
        Ok(added)
    }
}

/// The results in a folder, by name.
pub(super) fn records(folder: &Path) -> Result<Vec<Value>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let record: Value = serde_json::from_str(&text).map_err(|error| Error::Damaged {
            path: path.clone(),
            offset: 0,
            reason: error.to_string(),
        })?;
        if record["format"].as_u64() != Some(VERSION) || !record["id"].is_string() {
            let reason = format!("no result of format {VERSION}");
            return Err(Error::Damaged { path, offset: 0, reason });
        }
        all.push(record);
    }
    Ok(all)
}

/// Beside the target first, then renamed: a reader sees nothing or all of it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut write = || {
        let mut file = builder.prefix(".result-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(Error::io("write", path))
}

fn settings(run: &Run) -> Value {
    match &run.kind {
        Kind::Synthetic { draws } => json!({"kind": "synthetic", "draws": draws}),
        Kind::Transfer { network, images } => {
            json!({"kind": "transfer", "network": network.name(), "images": images, "attack": attacked::words()})
        }
        Kind::Train { network, method, images, matched, .. } => {
            let t = &method.trainer;
            json!({
                "kind": "train", "network": network.name(), "method": method.name, "loss": format!("{:?}", t.loss),
                "epochs": t.epochs, "batch": t.batch, "learning_rate": t.learning_rate, "momentum": t.momentum,
                "weight_decay": t.weight_decay, "bias_scale": t.bias_scale, "centre_features": t.centre_features,
                "adversary": t.adversary.as_ref().map(|a| format!("{a:?}")), "images": images,
                "matched_share": matched, "attack": attacked::words(),
            })
        }
    }
}

/// How it was compiled and what it computes with: other vectors round in another order.
fn build() -> String {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("{profile}, {} {}, {}", std::env::consts::ARCH, std::env::consts::OS, Level::best().name())
}

fn threads() -> usize {
    rayon::current_num_threads()
}
