//! The results page in Markdown, and its parts as tables for a notebook.

use super::Results;
use crate::display::{Bundle, Show, Table};
use crate::error::Result;
use std::fmt::Write;

impl Results {
    /// Scale, number of results, what they were made by, and on which data: one sentence each.
    pub fn provenance(&self) -> String {
        let first = &self.records[0];
        let said = |key: &str| first[key].as_str().unwrap_or("?").to_owned();
        let d = &first["data"];
        format!(
            "Scale {}; {} results; version {}, sources {}, commit {}, {}. Data: {} ({} images), {} ({} images).",
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
        )
    }

    /// [`Results::answers`] as a table, a line for each claim.
    pub fn verdicts(&self) -> Table {
        let head = ["question", "claim", "the paper's number", "measured", "ours", "verdict"];
        let mut table = Table::new("The paper's five questions", head);
        for answer in self.answers() {
            let value = match answer.value {
                Some((mean, Some([low, high]))) => format!("{mean:.3} [{low:.3}, {high:.3}]"),
                Some((mean, None)) => format!("{mean:.3}"),
                None => "none".into(),
            };
            let question = answer.question.to_string();
            let verdict = answer.conclusion.words().to_owned();
            table.row([question, answer.claim, answer.paper.into(), answer.measured, value, verdict]);
        }
        let intervals =
            "Intervals are 95 % of Student's t over seeds, or a range where it says so. Every line is computed.";
        table.notes = vec![intervals.into(), self.provenance()];
        table
    }

    /// The page: the answers, and a table of all methods for each network.
    ///
    /// Errors: none for results that [`Results::open`] read.
    pub fn page(&self) -> Result<String> {
        let mut page = format!("# Results\n\n{}", markdown(&self.verdicts()));
        for network in self.networks() {
            let _ = write!(page, "\n{}", markdown(&self.comparison(&network)?));
        }
        Ok(page)
    }
}

impl Show for Results {
    fn bundle(&self) -> Bundle {
        self.verdicts().bundle()
    }
}

/// A section: caption, notes, table.
fn markdown(table: &Table) -> String {
    let mut out = format!("## {}\n\n", table.caption);
    for note in &table.notes {
        let _ = writeln!(out, "{note}\n");
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    out += &line(&table.head);
    out += &line(&vec!["---".to_owned(); table.head.len()]);
    for row in &table.rows {
        out += &line(row);
    }
    out
}
