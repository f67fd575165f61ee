//! `widemargin kernel install` and its siblings, in folders of their own.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// The program with Jupyter's folders inside `folder` and no Python environment.
fn widemargin(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_widemargin"));
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "JUPYTER_PATH"] {
        command.env_remove(name);
    }
    command.env("JUPYTER_DATA_DIR", folder.join("user"));
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = widemargin(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn what_install_writes_jupyter_can_read_and_uninstall_removes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let install = ["kernel", "install", "--name", "mine", "--display-name", "Mine", "--env", "A=b=c"];
    good(folder.path(), &install);
    let data = folder.path().join("user");
    let spec = json(&std::fs::read_to_string(data.join("kernels/mine/kernel.json")).expect("written"));
    assert_eq!(spec["argv"][0], env!("CARGO_BIN_EXE_widemargin"));
    assert_eq!(
        (&spec["argv"][3], &spec["language"], &spec["env"]["A"]),
        (&"{connection_file}".into(), &"rust".into(), &"b=c".into())
    );
    assert_eq!((&spec["display_name"], &spec["interrupt_mode"]), (&"Mine".into(), &"message".into()));
    assert!(data.join("kernels/mine/logo-svg.svg").is_file());
    let package = std::fs::read_to_string(data.join("labextensions/widemargin/package.json")).expect("written");
    let load = json(&package)["jupyterlab"]["_build"]["load"].as_str().expect("a path").to_owned();
    assert!(data.join("labextensions/widemargin").join(load).is_file());

    let listed = json(&good(folder.path(), &["kernel", "list", "--json"]));
    let mine = listed.as_array().expect("a list").iter().find(|kernel| kernel["name"] == "mine").expect("listed");
    assert_eq!(mine["program_exists"], true);

    // A second kernel keeps the renderer alive.
    good(folder.path(), &["kernel", "install", "--name", "other", "--no-lab"]);
    good(folder.path(), &["kernel", "uninstall", "--name", "mine"]);
    assert!(data.join("labextensions/widemargin").exists() && !data.join("kernels/mine").exists());
    good(folder.path(), &["kernel", "uninstall", "--name", "other"]);
    assert!(!data.join("labextensions/widemargin").exists());
    assert_eq!(widemargin(folder.path(), &["kernel", "uninstall", "--name", "other"]).status.code(), Some(1));
}

#[test]
fn a_prefix_gets_the_kernel_and_no_lab_leaves_the_renderer_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    good(folder.path(), &["kernel", "install", "--prefix", "env", "--no-lab"]);
    let data = folder.path().join("env/share/jupyter");
    assert!(data.join("kernels/widemargin/kernel.json").is_file() && !data.join("labextensions").exists());
    assert!(!folder.path().join("user").exists());
}

#[test]
fn names_that_would_leave_the_folder_and_kernels_of_others_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["../up", "a b", "", "."] {
        let output = widemargin(folder.path(), &["kernel", "install", "--name", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("a name of letters"), "{name}");
    }
    let python = folder.path().join("user/kernels/python3");
    std::fs::create_dir_all(&python).expect("writable");
    std::fs::write(python.join("kernel.json"), r#"{"argv": ["python"], "language": "python"}"#).expect("writable");
    let output = widemargin(folder.path(), &["kernel", "uninstall", "--name", "python3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(python.join("kernel.json").is_file());
    let wrong = widemargin(folder.path(), &["kernel", "install", "--env", "novalue"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn the_doctor_names_a_missing_kernel_and_a_moved_program_with_their_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finding = |check: &str| {
        let output = widemargin(folder.path(), &["kernel", "doctor", "--json"]);
        let findings = json(&String::from_utf8_lossy(&output.stdout));
        let found = findings.as_array().expect("a list").iter().find(|f| f["check"] == check).cloned();
        (found.unwrap_or_else(|| panic!("no {check}: {findings}")), output.status.code())
    };
    let (missing, code) = finding("kernelspec");
    // Elsewhere on this machine there may be one.
    if missing["found"] == "Jupyter does not know the kernel" {
        assert_eq!((&missing["state"], code), (&"problem".into(), Some(1)));
        assert_eq!(missing["remedy"], "`widemargin kernel install`");
    }
    good(folder.path(), &["kernel", "install"]);
    assert_eq!(finding("kernelspec").0["state"], "ok");
    for check in ["compiler", "cargo", "rust-src", "linker", "cache", "prelude", "renderer"] {
        let (found, code) = finding(check);
        assert_eq!((&found["state"], code), (&"ok".into(), Some(0)), "{found}");
    }
    let spec = folder.path().join("user/kernels/widemargin/kernel.json");
    let text = std::fs::read_to_string(&spec).expect("written");
    std::fs::write(&spec, text.replace(env!("CARGO_BIN_EXE_widemargin"), "/nowhere/widemargin")).expect("writable");
    let (moved, code) = finding("kernelspec");
    assert_eq!((&moved["state"], code), (&"problem".into(), Some(1)), "{moved}");
    assert!(
        moved["found"].as_str().is_some_and(|text| text.contains("/nowhere/widemargin, which is not there")),
        "{moved}"
    );
}

#[test]
fn without_a_compiler_the_doctor_says_where_to_get_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(env!("CARGO_BIN_EXE_widemargin"))
        .args(["kernel", "doctor"])
        .env("PATH", folder.path())
        .env("WIDEMARGIN_CACHE", "/proc/nowhere")
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    for wanted in ["install Rust from https://rustup.rs", "install a C compiler", "set WIDEMARGIN_CACHE"] {
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn pruning_keeps_the_prelude_in_use() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cache = folder.path().join("cache");
    let old = cache.join("prelude/0.0.1-0123456789abcdef");
    std::fs::create_dir_all(old.join("deps")).expect("writable");
    std::fs::write(old.join("deps/libold.rmeta"), vec![0; 3 << 20]).expect("writable");
    std::fs::create_dir_all(cache.join("library")).expect("writable");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_widemargin"));
        let output = command.args(arguments).env("WIDEMARGIN_CACHE", &cache).output().expect("the program starts");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let listed = run(&["cache", "list"]);
    assert!(listed.contains("3 MB  old"), "{listed}");
    assert!(run(&["cache", "prune"]).contains("3 MB freed"));
    assert!(!old.exists() && cache.join("library").exists());
    assert!(run(&["cache", "prune"]).contains("0 MB freed"));
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = good(folder.path(), &["completions", shell]);
        assert!(script.contains("doctor") && script.contains("prune"), "{shell}");
    }
    let manual = good(folder.path(), &["man"]);
    for command in ["run", "kernel", "lab", "nb", "book", "cache", "completions", "man"] {
        assert!(manual.contains(&format!("widemargin\\-{command}(1)")), "{command}");
    }
    assert!(good(folder.path(), &["--version"]).contains("evcxr 0.22.0"));
    assert_eq!(good(folder.path(), &["-V"]), format!("widemargin {}\n", env!("CARGO_PKG_VERSION")));
}
