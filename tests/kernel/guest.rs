//! Hosting, the other way round: our session with a prelude that is not ours. Read this to bring your own.

use crate::{bad, good, value};
use std::path::{Path, PathBuf};
use widemargin::session::{Guest, Options, Session, Stage};

/// The fixture in a folder of its own, with this repository's locked versions: a build then compiles two crates.
fn package(place: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixture = root.join("tests/fixtures/rain-prelude");
    let folder = place.join("rain-prelude");
    std::fs::create_dir_all(folder.join("src")).expect("writable");
    std::fs::copy(fixture.join("src/lib.rs"), folder.join("src/lib.rs")).expect("writable");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("writable");
    let manifest = std::fs::read_to_string(fixture.join("Cargo.toml")).expect("the fixture is there");
    let manifest = manifest.replace("../../..", &root.to_string_lossy());
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("writable");
    folder
}

#[test]
fn another_library_is_the_prelude() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let guest =
        Guest { name: "rain-prelude".into(), folder: package(place.path()), first_cell: "use rain_prelude::*;".into() };
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_widemargin")));
    let options = Options { program, guest: Some(guest), ..Options::default() };
    let mut session = Session::start(&options, &mut |line| println!("{line}")).unwrap_or_else(|e| panic!("{e}"));

    good(
        &mut session,
        "let mut gauge = Gauge::default(); let other = { let mut g = Gauge::default(); g.read(1.0)?; g };",
    );
    good(&mut session, "gauge.read(2.5)?; gauge.read(4.0)?;");
    // Its own `Show`, and one static for all cells.
    assert_eq!(value(&good(&mut session, "gauge")), "6.5 mm in 2 days");
    assert_eq!(value(&good(&mut session, "readings()")), "3");
    let error = bad(&mut session, "let total = gauge.read(-1.0)?;");
    assert_eq!((error.stage, error.message.as_str()), (Stage::Question, "rain of -1 mm: expected 0 or more"));
    assert_eq!(value(&good(&mut session, "other")), "1 mm in 1 days");
    assert!(session.variables().iter().any(|(name, kind)| name == "gauge" && kind.ends_with("Gauge")));
    let found = session.complete("gauge.re", 8).expect("rust-analyzer knows the library");
    assert!(found.matches.iter().any(|(text, _)| text.starts_with("read")), "{:?}", found.matches);
    // Our own names are there for those who ask for them.
    assert_eq!(value(&good(&mut session, "widemargin::data::digits()?.train.len()")), "1197");

    // Each run of this test has a folder of its own, and so leaves a prelude of its own.
    drop(session);
    let preludes = widemargin::session::cache_folder().expect("a cache").join("prelude");
    for entry in std::fs::read_dir(preludes).expect("readable").flatten() {
        if entry.file_name().to_string_lossy().starts_with("rain-prelude-") {
            std::fs::remove_dir_all(entry.path()).expect("removable");
        }
    }
}
