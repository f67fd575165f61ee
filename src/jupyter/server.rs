//! The five sockets. Each has a task; messages between them go through channels.

use super::assist;
use super::connection::Connection;
use super::evaluator::{self, Shared};
use super::gate::Gate;
use super::interrupts::Interrupts;
use super::iopub::publish;
use super::message::{Message, Signer};
use super::outbox::{Outbox, Queues};
use super::shell;
use super::stdin::Keyboard;
use super::task::Task;
use crate::error::{Error, Result};
use crate::session::Start;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use zeromq::{
    RepSocket, RouterRecvHalf, RouterSendHalf, RouterSocket, Socket, SocketRecv, SocketSend, XPubSocket, ZmqMessage,
};

/// Completion and inspection that the evaluator has not begun by then are answered without it, if a cell keeps it busy.
const PATIENCE: Duration = Duration::from_millis(150);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// Serves one kernel until it is told to shut down, or its parent process is gone. `start` makes what runs its cells.
///
/// Errors: as [`Connection::read`]; `Session` if a port cannot be bound.
pub fn serve(connection_file: &Path, allow_remote: bool, start: Start) -> Result<()> {
    let connection = Connection::read(connection_file, allow_remote)?;
    // Asked for now, so that the first kernel_info_request need not wait.
    std::thread::spawn(shell::compiler_version);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(Error::io("start", "the kernel's threads"))?;
    runtime.block_on(run(&connection, start)).map_err(|e| Error::Session { stage: "kernel", reason: e.to_string() })
}

async fn run(connection: &Connection, start: Start) -> zeromq::ZmqResult<()> {
    let signer = Signer::new(&connection.key);
    let (mut shell, mut iopub) = (RouterSocket::new(), XPubSocket::new());
    let (mut stdin, mut control, mut heartbeat) = (RouterSocket::new(), RouterSocket::new(), RepSocket::new());
    shell.bind(&connection.endpoint(0)).await?;
    iopub.bind(&connection.endpoint(1)).await?;
    stdin.bind(&connection.endpoint(2)).await?;
    control.bind(&connection.endpoint(3)).await?;
    heartbeat.bind(&connection.endpoint(4)).await?;

    let (outbox, Queues { shell: shell_out, iopub: iopub_out, stdin: stdin_out }) = Outbox::new();
    let gate = Arc::new(Gate::new(signer.clone()));
    let interrupts = Interrupts::default();
    let (keyboard, typed) = Keyboard::new(outbox.clone(), Arc::clone(&interrupts.count));
    let shared = Shared {
        outbox: outbox.clone(),
        history: Arc::default(),
        known: Arc::default(),
        interrupts: interrupts.clone(),
        keyboard,
    };
    let (tasks, queue) = channel::<Task>();
    let thread = std::thread::spawn({
        let shared = shared.clone();
        move || evaluator::run(&queue, &shared, start)
    });

    tokio::spawn(beat(heartbeat));
    let publisher = tokio::spawn(publish(iopub, iopub_out, signer.clone(), outbox.backlog()));
    outbox.iopub(Message::new("status", json!({}), json!({"execution_state": "starting"})));
    let (shell_send, shell_receive) = shell.split();
    tokio::spawn(send(shell_send, shell_out, signer.clone()));
    let (stdin_send, stdin_receive) = stdin.split();
    tokio::spawn(send(stdin_send, stdin_out, signer.clone()));
    tokio::spawn(take(stdin_receive, Arc::clone(&gate), typed));
    let listener = tokio::spawn(listen(shell_receive, Arc::clone(&gate), shared.clone(), tasks));
    tokio::select! {
        () = attend(control, signer, gate, shared) => {}
        () = signals(&interrupts, &outbox) => {}
        () = parent_gone() => {}
    }
    // A cell may still run: without its process the evaluator's thread ends, and temporary folders are removed.
    listener.abort();
    let _ = listener.await;
    interrupts.kill();
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    drop(outbox);
    // What is left to send goes out; some short task may still hold the other end of the queue.
    let _ = tokio::time::timeout(Duration::from_millis(500), publisher).await;
    Ok(())
}

/// The frames of a message from a socket.
pub fn frames(message: ZmqMessage) -> Vec<Vec<u8>> {
    message.into_vec().into_iter().map(|frame| frame.to_vec()).collect()
}

/// A message for a socket.
pub fn packed(signer: &Signer, message: &Message) -> Option<ZmqMessage> {
    let mut frames = signer.pack(message).into_iter();
    let mut packed = ZmqMessage::from(frames.next()?);
    frames.for_each(|frame| packed.push_back(frame.into()));
    Some(packed)
}

async fn beat(mut socket: RepSocket) {
    while let Ok(message) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn send(mut socket: RouterSendHalf, mut queue: UnboundedReceiver<Message>, signer: Signer) {
    while let Some(message) = queue.recv().await {
        if let Some(packed) = packed(&signer, &message) {
            // A peer that has gone away needs no reply.
            let _ = socket.send(packed).await;
        }
    }
}

/// The stdin channel: what people typed.
async fn take(mut socket: RouterRecvHalf, gate: Arc<Gate>, typed: Sender<Message>) {
    while let Ok(message) = socket.recv().await {
        if let Some(reply) = gate.receive(&frames(message)) {
            // Nobody may be waiting any more.
            let _ = typed.send(reply);
        }
    }
}

/// The shell channel: answers what needs no evaluator, hands on the rest.
async fn listen(mut socket: RouterRecvHalf, gate: Arc<Gate>, shared: Shared, tasks: Sender<Task>) {
    while let Ok(message) = socket.recv().await {
        let Some(request) = gate.receive(&frames(message)) else { continue };
        match request.kind() {
            "execute_request" => {
                let _ = tasks.send(Task::new(request));
            }
            "complete_request" | "inspect_request" => {
                let task = Task::new(request);
                let _ = tasks.send(task.clone());
                tokio::spawn(answer_meanwhile(task, shared.clone()));
            }
            _ => answer(&request, &gate, &shared),
        }
    }
}

fn answer(request: &Message, gate: &Gate, shared: &Shared) {
    shared.outbox.busy(request);
    let history = shared.history.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (reply, published) = shell::answer(request, &history, gate);
    drop(history);
    published.into_iter().for_each(|message| shared.outbox.iopub(message));
    reply.into_iter().for_each(|message| shared.outbox.shell(message));
    shared.outbox.idle(request);
}

/// Answers from what is known if the evaluator does not come to it.
async fn answer_meanwhile(task: Task, shared: Shared) {
    tokio::time::sleep(PATIENCE).await;
    // A session that only starts will be there soon, and knows better.
    while shared.outbox.current().is_none() {
        if task.is_taken() {
            return;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    if !task.take() {
        return;
    }
    shared.outbox.busy(&task.request);
    let known = shared.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let content = &task.request.content;
    let (kind, content) = match task.request.kind() {
        "complete_request" => ("complete_reply", assist::complete_meanwhile(&known, content)),
        _ => ("inspect_reply", assist::inspect_meanwhile(&known, content)),
    };
    drop(known);
    shared.outbox.shell(task.request.reply(kind, content));
    shared.outbox.idle(&task.request);
}

/// The control channel, until it asks for the end.
async fn attend(mut socket: RouterSocket, signer: Signer, gate: Arc<Gate>, shared: Shared) {
    while let Ok(message) = socket.recv().await {
        let Some(request) = gate.receive(&frames(message)) else { continue };
        let outbox = &shared.outbox;
        outbox.busy(&request);
        let reply = match request.kind() {
            "interrupt_request" => {
                shared.interrupts.interrupt(outbox);
                Some(request.reply("interrupt_reply", json!({"status": "ok"})))
            }
            "shutdown_request" => {
                let restart = request.content["restart"] == true;
                Some(request.reply("shutdown_reply", json!({"status": "ok", "restart": restart})))
            }
            _ => {
                let history = shared.history.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                shell::answer(&request, &history, &gate).0
            }
        };
        if let Some(packed) = reply.as_ref().and_then(|reply| packed(&signer, reply)) {
            // A peer that has gone away needs no reply.
            let _ = socket.send(packed).await;
        }
        if let Some(reply) = reply.filter(|reply| reply.kind() == "shutdown_reply") {
            outbox.iopub(Message::new("shutdown_reply", request.header.clone(), reply.content));
            outbox.idle(&request);
            return;
        }
        outbox.idle(&request);
    }
}

/// SIGINT interrupts like the message; returns at SIGTERM.
async fn signals(interrupts: &Interrupts, outbox: &Outbox) {
    let (Ok(mut interrupt), Ok(mut end)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => interrupts.interrupt(outbox),
            _ = end.recv() => return,
        }
    }
}

/// Returns when the process that started the kernel is gone: an orphan would run for ever.
async fn parent_gone() {
    let parent = rustix::process::getppid();
    loop {
        tokio::time::sleep(PARENT_CHECK).await;
        if rustix::process::getppid() != parent {
            return;
        }
    }
}
