//! The kernel as a process, seen through its sockets.

use crate::fuzz::{mutate, request};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde_json::{Value, json};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;
use widemargin::jupyter::{Message, Signer};
use zeromq::{DealerSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

const KEY: &str = "a key of this test";
/// A busy machine takes its time; no test measures this.
const WAIT: Duration = Duration::from_secs(120);

struct Kernel {
    process: Child,
    ports: Vec<u16>,
}

/// A connection file in `folder` and its five ports.
pub fn connection(folder: &Path) -> (PathBuf, Vec<u16>) {
    // Bound for a moment, so that they are free.
    let listeners: Vec<_> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().expect("bound").port()).collect();
    drop(listeners);
    let path = folder.join("connection.json");
    let file = json!({"ip": "127.0.0.1", "transport": "tcp", "key": KEY, "signature_scheme": "hmac-sha256",
            "shell_port": ports[0], "iopub_port": ports[1], "stdin_port": ports[2], "control_port": ports[3], "hb_port": ports[4]});
    std::fs::write(&path, file.to_string()).expect("writable");
    (path, ports)
}

/// Waits until a kernel listens.
pub fn listening(ports: &[u16]) {
    for port in ports {
        while TcpStream::connect(("127.0.0.1", *port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub async fn connect(port: u16) -> DealerSocket {
    let mut dealer = DealerSocket::new();
    dealer.connect(&format!("tcp://127.0.0.1:{port}")).await.expect("the port is open");
    dealer
}

impl Kernel {
    fn start(folder: &Path) -> Self {
        let (path, ports) = connection(folder);
        let temporary = folder.join("tmp");
        std::fs::create_dir(&temporary).expect("writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_widemargin"));
        command.args(["kernel", "run"]).arg(&path).env("TMPDIR", temporary).current_dir(folder);
        let process = command.spawn().expect("the program starts");
        listening(&ports);
        Self { process, ports }
    }

    async fn connect(&self, socket: usize) -> DealerSocket {
        connect(self.ports[socket]).await
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn packed(frames: Vec<Vec<u8>>) -> Option<ZmqMessage> {
    let mut frames = frames.into_iter();
    let mut packed = ZmqMessage::from(frames.next()?);
    frames.for_each(|frame| packed.push_back(frame.into()));
    Some(packed)
}

/// Sends a request and waits for the reply to it.
pub async fn ask(dealer: &mut DealerSocket, kind: &str, content: Value) -> Value {
    let signer = Signer::new(KEY);
    let request = Message::new(kind, json!({"session": "s"}), content);
    dealer.send(packed(signer.pack(&request)).expect("frames")).await.expect("sent");
    loop {
        let reply = tokio::time::timeout(WAIT, dealer.recv()).await.expect("a reply in time").expect("received");
        let frames: Vec<_> = reply.into_vec().into_iter().map(|frame| frame.to_vec()).collect();
        let reply = signer.unpack(&frames).expect("the kernel signs");
        if reply.parent["msg_id"] == request.header["msg_id"] {
            return reply.content;
        }
    }
}

#[test]
fn noise_on_every_socket_executes_nothing_and_stops_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kernel = Kernel::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (mut shell, mut control) = (kernel.connect(0).await, kernel.connect(3).await);
        assert_eq!(ask(&mut shell, "kernel_info_request", json!({})).await["dropped_messages"]["forged"], 0);
        let mut rng = StdRng::seed_from_u64(3);
        let marker = folder.path().join("executed");
        let mut sent = 0;
        while sent < 400 {
            let mut message = request(&mut rng);
            message.identities.clear();
            message.content["code"] = json!(format!("std::fs::write({marker:?}, \"\")?;"));
            let signer = Signer::new(if rng.random() { KEY } else { "another key" });
            let mut frames = signer.pack(&message);
            let changed = mutate(&mut frames, &mut rng);
            // What a known key signed and nobody changed would rightly run.
            if !changed {
                continue;
            }
            if let Some(message) = packed(frames) {
                let socket = if rng.random() { &mut shell } else { &mut control };
                socket.send(message).await.expect("sent");
                sent += 1;
            }
        }
        for port in &kernel.ports {
            for length in [1, 10, 64, 1000, 100_000] {
                let mut noise = vec![0; length];
                rng.fill_bytes(&mut noise);
                let mut stream = TcpStream::connect(("127.0.0.1", *port)).expect("the port is open");
                // The kernel may close the connection while this is written.
                let _ = stream.write_all(&noise);
            }
        }
        let info = ask(&mut shell, "kernel_info_request", json!({})).await;
        let dropped = info["dropped_messages"].as_object().expect("counts by reason");
        let total: u64 = dropped.values().filter_map(Value::as_u64).sum();
        // Control's messages may still be on their way.
        assert!((150..=400).contains(&total), "{info}");
        assert!(dropped["unsigned"].as_u64() > Some(0), "{info}");
        assert_eq!(ask(&mut control, "kernel_info_request", json!({})).await["status"], "ok");
        let reply =
            ask(&mut shell, "execute_request", json!({"code": "1 + 1", "user_expressions": {"a": "40 + 2"}})).await;
        assert_eq!(reply["user_expressions"]["a"]["data"]["text/plain"], "42", "{reply}");
        assert_eq!(reply["execution_count"], 1, "something ran before");
        assert!(!marker.exists());
        assert_eq!(ask(&mut control, "shutdown_request", json!({"restart": false})).await["status"], "ok");
    });
}

#[test]
fn the_kernel_ends_on_a_termination_signal_and_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut kernel = Kernel::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reply = runtime
        .block_on(async { ask(&mut kernel.connect(0).await, "execute_request", json!({"code": "let x = 1;"})).await });
    assert_eq!(reply["status"], "ok", "{reply}");
    let left = || std::fs::read_dir(folder.path().join("tmp")).expect("a folder").flatten().count();
    assert!(left() > 0, "the session's folders are not where this test looks");
    let pid = i32::try_from(kernel.process.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let status = kernel.process.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert_eq!(left(), 0);
}
