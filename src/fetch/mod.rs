//! Public datasets from their publishers, only when a person asks: fetched, checked, kept.
//!
//! A dataset is a folder of files whose SHA-256 sums stand in `source.rs`. A download goes to `NAME.part`, goes on where it was
//! cut off, and becomes `NAME` only when its sum is right; an archive is unpacked file by file in the same way. One fetch of a
//! dataset runs at a time: a second waits, and finds the work done. Everything takes a [`Source`], so another mirror or a
//! dataset of yours is served by the same code.
//!
//! Uses `error` alone; `cli` shows it to people.

mod download;
mod source;
mod unpack;

pub use source::{Remote, Source, sources};

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where files may come from.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Files that are there already: one, or a folder with them; the network is not asked.
    pub from: Option<PathBuf>,
    /// Fail rather than ask the network.
    pub offline: bool,
}

/// What is wrong with a dataset's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All files are there.
    Complete,
    /// Some are there, or part of one.
    Partial,
    /// Nothing is.
    Absent,
}

/// The sums of what an archive held, in the format of `sha256sum`.
const SUMS: &str = "SHA256SUMS";

/// The folder for all datasets: `WIDEMARGIN_DATA`, or `widemargin/data` in the user's data folder.
///
/// Errors: `Value` if neither is known.
pub fn data_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("WIDEMARGIN_DATA").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let own = dirs::data_local_dir().map(|folder| folder.join("widemargin").join("data"));
    own.ok_or_else(|| Error::Value {
        op: "data",
        expected: "a user's data folder, or WIDEMARGIN_DATA".into(),
        got: "neither".into(),
    })
}

impl Source {
    /// The names of the files that a reader of the dataset opens.
    fn wanted(&self) -> Vec<&str> {
        if self.members.is_empty() {
            self.files.iter().map(|f| f.name.as_str()).collect()
        } else {
            self.members.iter().map(String::as_str).collect()
        }
    }

    /// What is there of it in `folder`.
    pub fn state(&self, folder: &Path) -> State {
        let there = self.wanted().iter().filter(|name| folder.join(name).is_file()).count();
        if there == self.wanted().len() {
            return State::Complete;
        }
        let parts = std::fs::read_dir(folder).map(|entries| entries.count()).unwrap_or(0);
        if there == 0 && parts == 0 { State::Absent } else { State::Partial }
    }

    /// Makes the dataset complete in `folder`; returns how many files were fetched or copied. `say` gets lines of progress.
    ///
    /// Errors: `Value` for a wrong sum (nothing is kept then) and for `offline`; `Io` naming the file; `Session` for what the
    /// server or the network says. Called again, it goes on where it stopped.
    pub fn fetch(&self, folder: &Path, options: &Options, say: &mut dyn FnMut(&str)) -> Result<usize> {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let _lock = locked(folder, say)?;
        if self.state(folder) == State::Complete {
            return Ok(0);
        }
        let mut got = 0;
        for file in &self.files {
            let place = folder.join(&file.name);
            if place.is_file() && sum(&place)? == file.sha256 {
                continue;
            }
            match (&options.from, options.offline) {
                (Some(from), _) => download::copy(file, from, &place)?,
                (None, true) => {
                    let got = format!("no {} in {}", file.name, folder.display());
                    return Err(Error::Value {
                        op: "data",
                        expected: format!("{} without the network", self.name),
                        got,
                    });
                }
                (None, false) => download::fetch(file, &place, say)?,
            }
            got += 1;
        }
        if !self.members.is_empty() {
            let archive = folder.join(&self.files[0].name);
            say(&format!("{}: unpacking", self.name));
            unpack::unpack(&archive, &self.members, folder)?;
            std::fs::remove_file(&archive).map_err(Error::io("remove", &archive))?;
        }
        Ok(got)
    }

    /// Reads every file and compares its sum; the names of those that differ or are missing.
    ///
    /// Errors: `Io`.
    pub fn verify(&self, folder: &Path) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let sums = if self.members.is_empty() {
            self.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect()
        } else {
            unpack::sums(folder)?
        };
        for name in self.wanted() {
            let place = folder.join(name);
            let known = sums.iter().find(|(known, _)| known == name);
            if !place.is_file() || known.is_none_or(|(_, known)| sum(&place).ok().as_ref() != Some(known)) {
                wrong.push(name.to_owned());
            }
        }
        Ok(wrong)
    }
}

/// Held while it lives; waits for another process or thread that holds it.
fn locked(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<File> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    if file.try_lock().is_err() {
        say("another fetch of this dataset is at work; waiting for it");
        file.lock().map_err(Error::io("lock", &path))?;
    }
    Ok(file)
}

/// The SHA-256 of a file, in hexadecimal.
fn sum(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(Error::io("read", path))? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
