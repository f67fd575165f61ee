//! The five sockets. Each has a task; messages between them go through channels.

use super::connection::Connection;
use super::evaluator;
use super::history::History;
use super::message::{Message, Signer};
use super::shell;
use crate::error::{Error, Result};
use crate::session::Interrupter;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeromq::{
    RepSocket, RouterRecvHalf, RouterSendHalf, RouterSocket, Socket, SocketRecv, SocketSend, XPubSocket, ZmqMessage,
};

/// Printed text that arrives within this time goes out as one message: others lost lines by sending one each.
const GATHER: Duration = Duration::from_millis(20);
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// Where the parts of the kernel put what they have to send.
#[derive(Clone)]
pub struct Outbox {
    shell: UnboundedSender<Message>,
    iopub: UnboundedSender<Message>,
}

impl Outbox {
    /// Queues a reply on the shell channel. A closed queue means that the kernel is ending.
    pub fn shell(&self, message: Message) {
        let _ = self.shell.send(message);
    }

    /// Queues a message for all frontends.
    pub fn iopub(&self, message: Message) {
        let _ = self.iopub.send(message);
    }

    /// Work on `request` begins.
    pub fn busy(&self, request: &Message) {
        self.status(request, "busy");
    }

    /// Work on `request` has ended.
    pub fn idle(&self, request: &Message) {
        self.status(request, "idle");
    }

    fn status(&self, request: &Message, state: &str) {
        self.iopub(Message::new("status", request.header.clone(), json!({"execution_state": state})));
    }
}

/// Serves one kernel until it is told to shut down, or its parent process is gone.
///
/// Errors: as [`Connection::read`]; `Session` if a port cannot be bound.
pub fn serve(connection_file: &Path) -> Result<()> {
    let connection = Connection::read(connection_file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(Error::io("start", "the kernel's threads"))?;
    runtime.block_on(run(&connection)).map_err(|e| Error::Session { stage: "kernel", reason: e.to_string() })
}

async fn run(connection: &Connection) -> zeromq::ZmqResult<()> {
    let signer = Signer::new(&connection.key);
    let (mut shell, mut iopub) = (RouterSocket::new(), XPubSocket::new());
    let (mut stdin, mut control, mut heartbeat) = (RouterSocket::new(), RouterSocket::new(), RepSocket::new());
    shell.bind(&connection.endpoint(0)).await?;
    iopub.bind(&connection.endpoint(1)).await?;
    stdin.bind(&connection.endpoint(2)).await?;
    control.bind(&connection.endpoint(3)).await?;
    heartbeat.bind(&connection.endpoint(4)).await?;

    let (shell_queue, shell_out) = unbounded_channel::<Message>();
    let (iopub_queue, iopub_out) = unbounded_channel();
    let outbox = Outbox { shell: shell_queue, iopub: iopub_queue };
    let history = Arc::new(Mutex::new(History::default()));
    let interrupter: Arc<OnceLock<Interrupter>> = Arc::default();
    let (tasks, queue) = channel::<Message>();
    let (ready, when_ready) = sync_channel(1);
    let thread = std::thread::spawn({
        let (outbox, history) = (outbox.clone(), Arc::clone(&history));
        move || evaluator::run(&queue, &outbox, &history, &ready)
    });
    std::thread::spawn({
        let interrupter = Arc::clone(&interrupter);
        move || when_ready.recv().map(|handle| interrupter.set(handle))
    });

    tokio::spawn(beat(heartbeat));
    let publisher = tokio::spawn(publish(iopub, iopub_out, signer.clone()));
    let (shell_send, shell_receive) = shell.split();
    tokio::spawn(send(shell_send, shell_out, signer.clone()));
    let listener = tokio::spawn(listen(shell_receive, signer.clone(), outbox.clone(), history, tasks));
    tokio::select! {
        () = attend(control, signer, outbox, Arc::clone(&interrupter)) => {}
        () = parent_gone() => {}
    }
    // A cell may still run: without its process the evaluator's thread ends, and temporary folders are removed.
    listener.abort();
    let _ = listener.await;
    if let Some(interrupter) = interrupter.get() {
        interrupter.kill();
    }
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    let _ = publisher.await;
    drop(stdin);
    Ok(())
}

fn frames(message: ZmqMessage) -> Vec<Vec<u8>> {
    message.into_vec().into_iter().map(|frame| frame.to_vec()).collect()
}

fn packed(signer: &Signer, message: &Message) -> Option<ZmqMessage> {
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

/// Publishes in order; joins text of one stream; welcomes subscribers.
async fn publish(mut socket: XPubSocket, mut queue: UnboundedReceiver<Message>, signer: Signer) {
    let mut next = None;
    loop {
        let mut message = match next.take() {
            Some(message) => message,
            None => tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => message,
                    None => break,
                },
                subscription = socket.recv() => {
                    welcome(&mut socket, subscription, &signer).await;
                    continue;
                }
            },
        };
        if message.kind() == "stream" {
            let until = tokio::time::Instant::now() + GATHER;
            while let Ok(more) = tokio::time::timeout_at(until, queue.recv()).await {
                let Some(more) = more else { break };
                if more.kind() != "stream"
                    || more.parent != message.parent
                    || more.content["name"] != message.content["name"]
                {
                    next = Some(more);
                    break;
                }
                if let (Value::String(text), Some(rest)) = (&mut message.content["text"], more.content["text"].as_str())
                {
                    text.push_str(rest);
                }
            }
        }
        message.identities = vec![message.kind().as_bytes().to_vec()];
        if let Some(packed) = packed(&signer, &message) {
            let _ = socket.send(packed).await;
        }
    }
}

async fn welcome(socket: &mut XPubSocket, subscription: zeromq::ZmqResult<ZmqMessage>, signer: &Signer) {
    let Some(topic) = subscription.ok().and_then(|message| frames(message).pop()) else { return };
    // 1 subscribes, 0 ends a subscription.
    let Some((1, topic)) = topic.split_first() else { return };
    let text = String::from_utf8_lossy(topic).into_owned();
    let mut message = Message::new("iopub_welcome", json!({}), json!({"subscription": text}));
    message.identities = vec![topic.to_vec()];
    if let Some(packed) = packed(signer, &message) {
        let _ = socket.send(packed).await;
    }
}

/// The shell channel: answers what needs no evaluator, hands on the rest.
async fn listen(
    mut socket: RouterRecvHalf,
    signer: Signer,
    outbox: Outbox,
    history: Arc<Mutex<History>>,
    tasks: Sender<Message>,
) {
    while let Ok(message) = socket.recv().await {
        let Some(request) = signer.unpack(&frames(message)) else { continue };
        if matches!(request.kind(), "execute_request" | "complete_request" | "inspect_request") {
            let _ = tasks.send(request);
            continue;
        }
        outbox.busy(&request);
        let reply = history.lock().ok().and_then(|history| shell::answer(&request, &history));
        if let Some(reply) = reply {
            outbox.shell(reply);
        }
        outbox.idle(&request);
    }
}

/// The control channel, until it asks for the end.
async fn attend(mut socket: RouterSocket, signer: Signer, outbox: Outbox, interrupter: Arc<OnceLock<Interrupter>>) {
    while let Ok(message) = socket.recv().await {
        let Some(request) = signer.unpack(&frames(message)) else { continue };
        outbox.busy(&request);
        let reply = match request.kind() {
            "interrupt_request" => {
                if let Some(interrupter) = interrupter.get() {
                    interrupter.interrupt();
                }
                Some(request.reply("interrupt_reply", json!({"status": "ok"})))
            }
            "shutdown_request" => {
                let restart = request.content["restart"] == true;
                Some(request.reply("shutdown_reply", json!({"status": "ok", "restart": restart})))
            }
            _ => shell::answer(&request, &History::default()),
        };
        if let Some(packed) = reply.as_ref().and_then(|reply| packed(&signer, reply)) {
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
