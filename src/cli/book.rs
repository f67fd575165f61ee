//! `widemargin book`: the pages of the book, from the chapters and their executed notebooks. Executes nothing.

use crate::error::{Error, Result};
use crate::figure::plotly_js;
use crate::notebook::book;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

/// Make the book's pages; read them.
#[derive(clap::Subcommand)]
pub enum Book {
    /// Write the pages to book/out; open book/out/index.html, no server and no network needed.
    Build,
    /// Build, serve the pages on this machine, and build again when a chapter or a notebook changes.
    Serve {
        /// The port on 127.0.0.1.
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
}

impl Book {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        let script = plotly_js();
        match self {
            Book::Build => build(&script).map(|_| ExitCode::SUCCESS),
            Book::Serve { port } => serve(port, &script),
        }
    }
}

fn build(script: &str) -> Result<PathBuf> {
    let start = Instant::now();
    let page = book::build(Path::new("book"), Path::new("notebooks"), script, &mut |line| eprintln!("{line}"))?;
    println!("{} in {:.1} s", page.display(), start.elapsed().as_secs_f64());
    Ok(page)
}

fn serve(port: u16, script: &str) -> Result<ExitCode> {
    let folder = build(script)?.parent().map(Path::to_owned).unwrap_or_default();
    let listener =
        TcpListener::bind(("127.0.0.1", port)).map_err(Error::io("listen at", format!("127.0.0.1:{port}")))?;
    println!("http://127.0.0.1:{port}/ (end with Ctrl-C)");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            std::thread::spawn(move || answer(stream, &folder));
        }
    });
    let mut seen = newest();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = newest();
        if now != seen {
            seen = now;
            // A chapter in the middle of an edit may not build; the next change tries again.
            if let Err(error) = build(script) {
                eprintln!("widemargin: {error}");
            }
        }
    }
}

/// When a source of the book last changed.
fn newest() -> Option<SystemTime> {
    let files = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let all = ["book", "book/src", "book/theme", "notebooks"].into_iter().flat_map(files);
    let sources = all.filter(|entry| entry.path().is_file());
    sources.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()
}

/// One request: GET of a file below `folder`.
fn answer(mut stream: TcpStream, folder: &Path) {
    let mut line = String::new();
    if BufReader::new(&stream).read_line(&mut line).is_err() {
        return;
    }
    let target = line.strip_prefix("GET ").and_then(|rest| rest.split([' ', '?', '#']).next()).unwrap_or("/");
    let relative = Path::new(target.trim_start_matches('/'));
    let mut path = folder.join(relative);
    if path.is_dir() {
        path.push("index.html");
    }
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let (status, body) = match std::fs::read(&path) {
        Ok(body) if inside => ("200 OK", body),
        _ => ("404 Not Found", b"no such page".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        media_type(&path),
        body.len()
    );
    // A reader who left needs no answer.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("ipynb" | "json") => "application/json",
        _ => "application/octet-stream",
    }
}
