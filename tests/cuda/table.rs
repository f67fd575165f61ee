//! The launch table against the text of the sources: names, parameters, threads, shared memory.

use std::collections::BTreeMap;
use widemargin::cuda::{KERNELS, Source};

/// The source with its macro, if it has one, written out.
fn expanded(source: &Source) -> String {
    let Some((_, rest)) = source.text.split_once("#define BLOCKS(") else { return source.text.into() };
    let (names, rest) = rest.split_once(')').unwrap();
    let names: Vec<&str> = names.split(", ").collect();
    let mut body = String::new();
    for line in rest.lines() {
        body.push_str(line.trim_end_matches('\\'));
        body.push('\n');
        if !line.ends_with('\\') {
            break;
        }
    }
    let mut text = source.text.replace("#define BLOCKS(", "#define (");
    for (_, call) in source
        .text
        .match_indices("\nBLOCKS(")
        .map(|(at, _)| source.text[at + 8..].split_once(')').unwrap())
        .map(|(call, rest)| (rest, call))
    {
        let mut written = body.clone();
        for (name, value) in names.iter().zip(call.split(", ")) {
            // Pasted parts, then whole words: `const T*`, `T* out`.
            written = written.replace(&format!("##{name}##"), value).replace(&format!("##{name}"), value);
            written = written.replace(&format!(" {name}*"), &format!(" {value}*"));
        }
        text.push_str(&written);
    }
    text
}

/// Every `extern "C" __global__ void name(parameters)`, with the types of its parameters and its launch bound.
fn signatures(text: &str) -> BTreeMap<String, (String, Option<u32>)> {
    let mut out = BTreeMap::new();
    for part in text.split("extern \"C\" __global__ void").skip(1) {
        let part = part.trim_start();
        let (bound, part) = match part.strip_prefix("__launch_bounds__(") {
            Some(rest) => {
                let (bound, rest) = rest.split_once(')').unwrap();
                (Some(bound.parse().unwrap()), rest.trim_start())
            }
            None => (None, part),
        };
        let (name, rest) = part.split_once('(').unwrap();
        if name.contains("##") {
            continue;
        }
        let parameters = rest.split_once(')').unwrap().0;
        let types = parameters.split(',').map(|parameter| parameter.trim().rsplit_once(char::is_whitespace).unwrap().0);
        let types: Vec<String> = types.map(|t| t.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        out.insert(name.to_owned(), (types.join(", "), bound));
    }
    out
}

#[test]
fn parameters_are_those_of_the_sources() {
    let mut count = 0;
    for source in Source::ALL {
        for (name, (parameters, bound)) in signatures(&expanded(source)) {
            let kernel = KERNELS.iter().find(|kernel| kernel.name == name && kernel.source == source);
            let kernel = kernel.unwrap_or_else(|| panic!("{name} of {} is not in the table", source.file));
            assert_eq!(kernel.parameters, parameters, "{name}");
            assert!(bound.is_none_or(|bound| bound == kernel.threads), "{name}: {bound:?}");
            count += 1;
        }
    }
    assert_eq!(count, KERNELS.len(), "the table names CUDA kernels that no source has");
}

#[test]
fn blocks_fit_every_card() {
    for kernel in KERNELS {
        assert!(kernel.threads % 32 == 0 && kernel.threads <= 1024, "{}", kernel.name);
        assert!(kernel.shared <= 48 * 1024, "{} needs more than a block gets unasked", kernel.name);
    }
}

#[test]
fn sources_are_self_contained_and_add_in_a_fixed_order() {
    for source in Source::ALL {
        let code: String = source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        assert!(!code.contains("#include"), "{}", source.file);
        assert!(!code.contains("atomic"), "{}", source.file);
        assert!(source.options.contains(&"--fmad=false"), "{}", source.file);
    }
}
