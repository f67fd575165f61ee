//! One file over HTTP, going on where it was cut off.

use super::{Remote, sum};
use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a cut connection is taken up again.
const ATTEMPTS: usize = 5;

/// Brings `file` to `place`.
///
/// Errors: as [`Source::fetch`](super::Source::fetch).
pub(super) fn fetch(file: &Remote, place: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let part = part_of(place);
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            say(&format!("{}: the connection was cut; going on", file.name));
            std::thread::sleep(Duration::from_millis(200 << attempt));
        }
        match stream(file, &part, say) {
            Ok(()) => return keep(file, &part, place),
            // What the disk says does not get better by asking the server again.
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| failed(file, "no attempt was made")))
}

/// Takes `file` from a place on this machine: the file itself, or a folder with it.
///
/// Errors: as [`Source::fetch`](super::Source::fetch).
pub(super) fn copy(file: &Remote, from: &Path, place: &Path) -> Result<()> {
    let from = if from.is_dir() { from.join(&file.name) } else { from.to_owned() };
    let part = part_of(place);
    std::fs::copy(&from, &part).map_err(Error::io("copy", &from))?;
    keep(file, &part, place)
}

fn part_of(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    place.with_file_name(name)
}

/// Checks the sum and gives the file its name; a wrong one is removed, so that the next fetch starts anew.
fn keep(file: &Remote, part: &Path, place: &Path) -> Result<()> {
    let got = sum(part)?;
    if got != file.sha256 {
        std::fs::remove_file(part).map_err(Error::io("remove", part))?;
        let expected = format!("{} with SHA-256 {}", file.name, file.sha256);
        return Err(Error::Value { op: "data", expected, got: format!("{got}; nothing of it is kept") });
    }
    std::fs::rename(part, place).map_err(Error::io("rename", part))
}

/// Appends to `part` what is missing.
fn stream(file: &Remote, part: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let mut have = part.metadata().map_or(0, |part| part.len());
    if have > file.bytes {
        // Not of this file.
        std::fs::remove_file(part).map_err(Error::io("remove", part))?;
        have = 0;
    }
    if have == file.bytes {
        return Ok(());
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .build()
        .into();
    let mut request = agent.get(&file.url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| failed(file, &error.to_string()))?;
    // A server that knows no ranges sends everything.
    let goes_on = response.status().as_u16() == 206;
    let mut out = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(part)
        .map_err(Error::io("open", part))?;
    let mut have = if goes_on { have } else { 0 };
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    let mut course = Course::new(file, have);
    while have < file.bytes {
        let n = body.read(&mut buffer).map_err(|error| failed(file, &error.to_string()))?;
        if n == 0 {
            return Err(failed(file, &format!("{have} of {} bytes came", file.bytes)));
        }
        write(&mut out, &buffer[..n], part)?;
        have += n as u64;
        course.tell(have, say);
    }
    out.sync_all().map_err(Error::io("write", part))
}

fn write(out: &mut File, bytes: &[u8], part: &Path) -> Result<()> {
    out.write_all(bytes).map_err(Error::io("write", part))
}

fn failed(file: &Remote, reason: &str) -> Error {
    Error::Session { stage: "data fetch", reason: format!("{}: {reason}", file.url) }
}

/// A line of progress a second.
struct Course<'a> {
    file: &'a Remote,
    began: Instant,
    first: u64,
    told: Instant,
}

impl<'a> Course<'a> {
    fn new(file: &'a Remote, first: u64) -> Self {
        let now = Instant::now();
        Self { file, began: now, first, told: now }
    }

    fn tell(&mut self, have: u64, say: &mut dyn FnMut(&str)) {
        if self.told.elapsed() < Duration::from_secs(1) && have < self.file.bytes {
            return;
        }
        self.told = Instant::now();
        let rate = (have - self.first) as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let left = (self.file.bytes - have) as f64 / rate.max(1.0);
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let (have, all) = (mega(have), mega(self.file.bytes));
        say(&format!("{}: {have:.1} of {all:.1} MB, about {left:.0} s left", self.file.name));
    }
}
