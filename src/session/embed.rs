//! Build script: puts the cell side's sources into the binary, so that an installed kernel can build its prelude.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Modules of the kernel side; cells never see them.
const KERNEL_SIDE: [&str; 6] = ["cli", "session", "still", "jupyter", "notebook", "main.rs"];

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut files = vec!["Cargo.toml".to_owned(), "Cargo.lock".to_owned()];
    collect(&root, Path::new("src"), &mut files);
    collect(&root, Path::new("kernels"), &mut files);
    files.sort();
    let mut code = String::from("pub const SOURCES: &[(&str, &[u8])] = &[\n");
    for file in files.iter().filter(|file| root.join(file).is_file()) {
        writeln!(code, "    ({file:?}, include_bytes!({:?})),", root.join(file)).expect("strings grow");
    }
    code.push_str("];\n");
    std::fs::write(out.join("sources.rs"), code).expect("OUT_DIR is writable");
    // cargo takes a path that is not there for changed, and would build anew each time.
    for path in ["src", "kernels", "Cargo.toml", "Cargo.lock"].iter().filter(|path| root.join(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        if folder == Path::new("src") && KERNEL_SIDE.contains(&name.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            collect(root, &path, files);
        } else {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
}
