//! The channel that all frontends hear.

use super::message::{Message, Signer};
use super::outbox::Backlog;
use super::server::{frames, packed};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use zeromq::{SocketRecv, SocketSend, XPubSocket, ZmqMessage};

/// Printed text that arrives within this time goes out as one message: others lost lines by sending one each.
const GATHER: Duration = Duration::from_millis(20);
/// A message's text grows to about this size.
const PIECE_BYTES: usize = 1 << 20;

/// Publishes in order; joins text of one stream; welcomes subscribers.
pub async fn publish(mut socket: XPubSocket, mut queue: UnboundedReceiver<Message>, signer: Signer, backlog: Backlog) {
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
            next = gather(&mut message, &mut queue).await;
        }
        backlog.sent(&message);
        message.identities = vec![message.kind().as_bytes().to_vec()];
        if let Some(packed) = packed(&signer, &message) {
            // Without subscribers there is nobody to tell.
            let _ = socket.send(packed).await;
        }
    }
}

/// Adds the text that follows soon; returns the first message that is something else.
async fn gather(message: &mut Message, queue: &mut UnboundedReceiver<Message>) -> Option<Message> {
    let until = tokio::time::Instant::now() + GATHER;
    let long = |message: &Message| message.content["text"].as_str().is_none_or(|text| text.len() >= PIECE_BYTES);
    while !long(message) {
        let more = tokio::time::timeout_at(until, queue.recv()).await.ok()??;
        let joins =
            more.kind() == "stream" && more.parent == message.parent && more.content["name"] == message.content["name"];
        if !joins {
            return Some(more);
        }
        if let (Value::String(text), Some(rest)) = (&mut message.content["text"], more.content["text"].as_str()) {
            text.push_str(rest);
        }
    }
    None
}

async fn welcome(socket: &mut XPubSocket, subscription: zeromq::ZmqResult<ZmqMessage>, signer: &Signer) {
    let Some(topic) = subscription.ok().and_then(|message| frames(message).pop()) else { return };
    // 1 subscribes, 0 ends a subscription.
    let Some((1, topic)) = topic.split_first() else { return };
    let text = String::from_utf8_lossy(topic).into_owned();
    let mut message = Message::new("iopub_welcome", json!({}), json!({"subscription": text}));
    message.identities = vec![topic.to_vec()];
    if let Some(packed) = packed(signer, &message) {
        // A subscriber that has gone away needs no welcome.
        let _ = socket.send(packed).await;
    }
}
