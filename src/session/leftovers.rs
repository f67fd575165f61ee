//! Folders of sessions whose program was killed: each holds its owner's process id, and goes when that process is gone.
//!
//! A session has two temporary folders, its pipes and evcxr's package (tens of megabytes). Both go with the session, but
//! not when its program is killed.

use rustix::process::{Pid, test_kill_process};
use std::path::Path;

const OWNER: &str = "widemargin-owner";

/// Marks a folder as this program's.
pub fn own(folder: &Path) {
    // Without the mark the folder is only not cleared away.
    let _ = std::fs::write(folder.join(OWNER), std::process::id().to_string());
}

/// Removes the marked folders in `temporary` whose owner is gone.
pub fn clear(temporary: &Path) {
    for entry in std::fs::read_dir(temporary).into_iter().flatten().flatten() {
        let folder = entry.path();
        let owner = std::fs::read_to_string(folder.join(OWNER)).ok().and_then(|text| Pid::from_raw(text.parse().ok()?));
        if owner.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH)) {
            // Another session may clear it at the same time.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OWNER, clear, own};

    #[test]
    fn only_a_dead_owners_folder_goes() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir(&path).expect("a new folder");
            path
        };
        let (mine, dead, foreign) = (folder("mine"), folder("dead"), folder("foreign"));
        own(&mine);
        let mut child = std::process::Command::new("true").spawn().expect("`true` runs");
        std::fs::write(dead.join(OWNER), child.id().to_string()).expect("the mark is written");
        child.wait().expect("`true` ends");
        clear(place.path());
        assert!(mine.exists() && foreign.exists() && !dead.exists());
    }
}
