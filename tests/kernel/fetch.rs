//! Datasets from a server on this machine that cuts, lies, and counts what it is asked.

use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use widemargin::fetch::{Options, Remote, Source, State, sources};

/// How the server answers its first request; later ones honestly.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Honest,
    /// Half of the body, then the connection ends.
    Cut,
    /// Other bytes of the same length.
    Lie,
}

struct Server {
    base: String,
    /// The `Range` header of each request, or "whole".
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(body: Vec<u8>, first: First, ranges: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &body, first, ranges, &seen);
            }
        });
        Self { base, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the server lives").clone()
    }
}

fn answer(mut stream: TcpStream, body: &[u8], first: First, ranges: bool, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut range = "whole".to_owned();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("range")) {
            range = value.trim().to_owned();
        }
    }
    let mut seen = seen.lock().expect("not poisoned");
    let number = seen.len();
    seen.push(range.clone());
    drop(seen);
    let start = range.strip_prefix("bytes=").and_then(|r| r.trim_end_matches('-').parse::<usize>().ok());
    let start = start.filter(|_| ranges).unwrap_or(0);
    let mut sent = body[start..].to_vec();
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    let header = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", sent.len());
    if number == 0 {
        match first {
            First::Honest => {}
            First::Cut => sent.truncate(sent.len() / 2),
            First::Lie => sent.iter_mut().for_each(|byte| *byte ^= 1),
        }
    }
    let _ = stream.write_all(header.as_bytes()).and_then(|()| stream.write_all(&sent));
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Larger than what a socket buffers.
fn body() -> Vec<u8> {
    (0..3_000_000_u32).map(|k| (k.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn source(base: &str, body: &[u8]) -> Source {
    let file = Remote {
        name: "numbers.gz".into(),
        url: format!("{base}/numbers.gz"),
        sha256: sum(body),
        bytes: body.len() as u64,
    };
    Source { name: "numbers".into(), about: "a test".into(), files: vec![file], members: Vec::new() }
}

fn fetch(source: &Source, folder: &Path) -> Result<usize, String> {
    source.fetch(folder, &Options::default(), &mut |_| {}).map_err(|error| error.to_string())
}

/// What lies in a folder beside the lock.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

#[test]
fn a_cut_connection_is_taken_up_where_it_ended() {
    for ranges in [true, false] {
        let (body, folder) = (body(), tempfile::tempdir().unwrap());
        let server = Server::start(body.clone(), First::Cut, ranges);
        let source = source(&server.base, &body);
        assert_eq!(source.state(folder.path()), State::Absent);
        assert_eq!(fetch(&source, folder.path()), Ok(1));
        assert_eq!(std::fs::read(folder.path().join("numbers.gz")).unwrap(), body);
        // A server that knows no ranges sends all of it again, and nothing is doubled.
        assert_eq!(server.asked(), ["whole".to_owned(), format!("bytes={}-", body.len() / 2)]);
        assert_eq!(names(folder.path()), ["numbers.gz"]);
        // Complete: the server is left alone.
        assert_eq!((fetch(&source, folder.path()), server.asked().len()), (Ok(0), 2));
        assert_eq!(source.verify(folder.path()).unwrap(), Vec::<String>::new());
        std::fs::write(folder.path().join("numbers.gz"), b"touched").unwrap();
        assert_eq!(source.verify(folder.path()).unwrap(), ["numbers.gz"]);
    }
}

#[test]
fn wrong_bytes_are_refused_and_nothing_of_them_stays() {
    let (body, folder) = (body(), tempfile::tempdir().unwrap());
    let server = Server::start(body.clone(), First::Lie, true);
    let source = source(&server.base, &body);
    let error = fetch(&source, folder.path()).unwrap_err();
    assert!(error.contains(&sum(&body)) && error.contains("nothing of it is kept"), "{error}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
    assert_eq!(fetch(&source, folder.path()), Ok(1));
    assert_eq!(server.asked(), ["whole", "whole"]);
}

#[test]
fn a_full_disk_is_named_and_asked_about_once() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let (body, folder) = (body(), tempfile::tempdir().unwrap());
    let server = Server::start(body.clone(), First::Honest, true);
    std::os::unix::fs::symlink("/dev/full", folder.path().join("numbers.gz.part")).unwrap();
    let error = fetch(&source(&server.base, &body), folder.path()).unwrap_err();
    assert!(error.contains("numbers.gz.part") && error.contains("No space left"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn two_fetches_at_once_ask_the_server_once() {
    let (body, folder) = (body(), tempfile::tempdir().unwrap());
    let server = Server::start(body.clone(), First::Honest, true);
    let source = source(&server.base, &body);
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| fetch(&source, folder.path()).expect("a fetch")));
        both.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(counts.iter().sum::<usize>(), 1);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn files_that_are_there_need_no_network() {
    let (body, folder, other) = (body(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = source("http://127.0.0.1:9", &body);
    let said = |options: &Options| source.fetch(folder.path(), options, &mut |_| {}).map_err(|e| e.to_string());
    let error = said(&Options { offline: true, ..Options::default() }).unwrap_err();
    assert!(error.contains("numbers without the network"), "{error}");
    let from = Options { from: Some(other.path().to_owned()), offline: false };
    assert!(said(&from).unwrap_err().contains("cannot copy"));
    std::fs::write(other.path().join("numbers.gz"), b"something else").unwrap();
    assert!(said(&from).unwrap_err().contains(&sum(b"something else")));
    std::fs::write(other.path().join("numbers.gz"), &body).unwrap();
    assert_eq!(said(&from), Ok(1));
    assert_eq!(said(&Options { offline: true, ..Options::default() }), Ok(0));
    // Nobody listens there: the address and the reason are told.
    let empty = tempfile::tempdir().unwrap();
    let error = fetch(&source, empty.path()).unwrap_err();
    assert!(error.contains("http://127.0.0.1:9/numbers.gz"), "{error}");
}

#[test]
fn an_archive_becomes_its_files_and_their_sums() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, bytes) in [("in/a.bin", &b"aaa"[..]), ("in/b.bin", b"bb"), ("in/readme.html", b"not wanted")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    let archive = tar.into_inner().unwrap().finish().unwrap();
    let server = Server::start(archive.clone(), First::Honest, true);
    let members = ["a.bin", "b.bin"].map(String::from).to_vec();
    let source = Source { members, ..source(&server.base, &archive) };
    assert_eq!(fetch(&source, folder.path()), Ok(1));
    assert_eq!(names(folder.path()), ["SHA256SUMS", "a.bin", "b.bin"]);
    assert_eq!(std::fs::read(folder.path().join("a.bin")).unwrap(), b"aaa");
    assert!(source.verify(folder.path()).unwrap().is_empty());
    std::fs::write(folder.path().join("b.bin"), b"BB").unwrap();
    assert_eq!(source.verify(folder.path()).unwrap(), ["b.bin"]);
    // A file of it is lost: the whole comes again.
    std::fs::remove_file(folder.path().join("b.bin")).unwrap();
    assert_eq!(source.state(folder.path()), State::Partial);
    assert_eq!(fetch(&source, folder.path()), Ok(1));
    assert_eq!(std::fs::read(folder.path().join("b.bin")).unwrap(), b"bb");
}

#[test]
fn the_commands_tell_what_is_there() {
    let root = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_widemargin"));
        let output = command.arg("data").args(arguments).env("WIDEMARGIN_DATA", root.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, text) = run(&["list"]);
    assert_eq!(code, Some(0));
    assert!(
        sources().iter().all(|source| text.contains(&source.name)) && text.matches("not here").count() == 3,
        "{text}"
    );
    let (code, text) = run(&["fetch", "mnist", "--offline"]);
    assert!(code == Some(1) && text.contains("mnist without the network"), "{text}");
    let (code, text) = run(&["path", "mnist"]);
    assert!(code == Some(1) && text.contains("mnist is not complete; `widemargin data fetch mnist`"), "{text}");
    let (code, text) = run(&["fetch", "imagenet"]);
    assert!(code == Some(1) && text.contains("imagenet") && text.contains("fashion-mnist"), "{text}");
    std::fs::write(root.path().join("mnist/t10k-images-idx3-ubyte.gz.part"), b"half").unwrap();
    assert!(run(&["list"]).1.contains("partial"));
    assert_eq!(run(&["verify", "mnist"]).0, Some(1));
    assert!(run(&["prune"]).1.contains("removed") && !root.path().join("mnist").exists());
    assert_eq!(run(&["verify"]).0, Some(0));
}
