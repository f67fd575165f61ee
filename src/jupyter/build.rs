//! The progress of a prelude's build, in the output of the first cell that waits for it.

use super::message::Message;
use super::outbox::Outbox;
use crate::display::escape_html;
use serde_json::json;
use std::time::{Duration, Instant};

const BETWEEN_UPDATES: Duration = Duration::from_millis(200);

/// One line under one display id.
#[derive(Default)]
pub struct Build {
    cell: Option<Message>,
    begun: Option<Instant>,
    shown: Option<Instant>,
}

impl Build {
    /// The cell whose output shows the line.
    pub fn show_on(&mut self, request: Message) {
        self.cell = Some(request);
    }

    /// A step of the build: told on stderr, and in the cell if there is one.
    pub fn say(&mut self, line: &str, outbox: &Outbox) {
        eprintln!("{line}");
        self.begun.get_or_insert_with(Instant::now);
        if self.shown.is_none_or(|shown| shown.elapsed() >= BETWEEN_UPDATES) {
            self.show(line, outbox);
        }
    }

    /// The build, if there was one, has ended.
    pub fn end(&mut self, failure: Option<&str>, outbox: &Outbox) {
        let Some(begun) = self.begun else { return };
        let seconds = begun.elapsed().as_secs();
        match failure {
            None => self.show(&format!("the prelude was built in {seconds} s; from now on it is there"), outbox),
            Some(_) => self.show(&format!("the prelude's build failed after {seconds} s"), outbox),
        }
    }

    fn show(&mut self, line: &str, outbox: &Outbox) {
        let Some(cell) = &self.cell else { return };
        let kind = if self.shown.is_none() { "display_data" } else { "update_display_data" };
        self.shown = Some(Instant::now());
        let data = json!({"text/plain": line, "text/html": format!("<em>{}</em>", escape_html(line))});
        let content = json!({"data": data, "metadata": {}, "transient": {"display_id": "prelude-build"}});
        outbox.iopub(Message::new(kind, cell.header.clone(), content));
    }
}
