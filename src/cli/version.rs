//! What `--version` says.

use std::sync::LazyLock;

const LOCK: &str = include_str!("../../Cargo.lock");

/// This program's version and those of what it is made of; `-V` prints the first line.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let kernel = format!("{} ({} {})", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
        let crates = ["evcxr", "candle-core", "plotly"].map(|name| format!("{name} {}", locked(name)));
        format!("{kernel}\n{}\nJupyter protocol {}", crates.join("\n"), crate::jupyter::PROTOCOL)
    });
    &TEXT
}

/// The version of a crate in the lock file.
fn locked(name: &str) -> &'static str {
    let package = LOCK.split("[[package]]").find(|package| package.contains(&format!("name = \"{name}\"\n")));
    let version = package.and_then(|package| package.split("version = \"").nth(1));
    version.and_then(|version| version.split('"').next()).unwrap_or("unknown")
}
