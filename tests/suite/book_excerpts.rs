//! What the book shows of the CUDA kernels stands in their sources.

use std::path::Path;

fn texts(folder: &str, extension: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path());
    let mine = files.filter(|path| path.extension().is_some_and(|e| e == extension));
    mine.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("text"))).collect()
}

#[test]
fn every_excerpt_stands_in_a_source() {
    let sources = texts("kernels", "cu");
    let mut excerpts = 0;
    for (chapter, text) in texts("book/src", "md") {
        for fence in text.split("```c\n").skip(1) {
            let excerpt = fence.split("```").next().expect("a fence ends");
            excerpts += 1;
            assert!(
                sources.iter().any(|(_, source)| source.contains(excerpt)),
                "{chapter}: not in kernels:\n{excerpt}"
            );
        }
    }
    assert!(excerpts >= 5, "only {excerpts} excerpts were found");
}
