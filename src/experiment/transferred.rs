//! Attacks made against the cross-entropy net tried on the differential one of the same seed, and the other way round.

use super::network::place;
use super::number;
use super::table::{Network, PANEL, STEPS};
use crate::attack::{Pgd, transfer};
use crate::data::Dataset;
use crate::error::Result;
use crate::model::Classifier;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(network: Network, seed: u64, test: Dataset, work: &Path) -> Result<Value> {
    const NAMES: [&str; 2] = ["cross-entropy", "differential"];
    let load = |name: &str| Classifier::load(place(work, &format!("{}-{name}-{seed}", network.name())));
    let nets = [load(NAMES[0])?, load(NAMES[1])?];
    let pgd = Pgd { epsilon: PANEL, steps: STEPS, silent: true, ..Pgd::default() };
    let found = transfer(&[(NAMES[0], &nets[0]), (NAMES[1], &nets[1])], &test, &pgd)?;
    let success: Vec<Vec<Value>> =
        found.success.iter().map(|line| line.iter().map(|share| number(*share)).collect()).collect();
    Ok(json!({"names": found.names, "rows": found.rows, "attack": found.attack, "success": success}))
}
