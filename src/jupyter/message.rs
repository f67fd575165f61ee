//! A message of the Jupyter protocol: identities, delimiter, signature, four JSON frames.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write;

const DELIMITER: &[u8] = b"<IDS|MSG>";
/// The version that headers announce.
pub const PROTOCOL: &str = "5.4";

/// A message in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Routing frames, or the topic on iopub.
    pub identities: Vec<Vec<u8>>,
    /// msg_id, session, username, date, msg_type, version.
    pub header: Value,
    /// The header of the request this answers; `{}` if none.
    pub parent: Value,
    /// Mostly empty.
    pub metadata: Value,
    /// What the type defines.
    pub content: Value,
}

impl Message {
    /// The message's type.
    pub fn kind(&self) -> &str {
        self.header["msg_type"].as_str().unwrap_or_default()
    }

    /// A message of `kind` that answers this one, for the same peer.
    pub fn reply(&self, kind: &str, content: Value) -> Self {
        Self { identities: self.identities.clone(), ..Self::new(kind, self.header.clone(), content) }
    }

    /// A new message without identities.
    pub fn new(kind: &str, parent: Value, content: Value) -> Self {
        let session = parent["session"].as_str().unwrap_or_default();
        let header = json!({
            "msg_id": uuid::Uuid::new_v4().to_string(),
            "session": session,
            "username": "kernel",
            "date": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "msg_type": kind,
            "version": PROTOCOL,
        });
        Self { identities: Vec::new(), header, parent, metadata: json!({}), content }
    }
}

/// Why a message from a socket is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Frames are missing, or what is signed is not a message.
    Malformed,
    /// The signature is empty.
    Unsigned,
    /// The signature is not that of the connection's key.
    Forged,
    /// A message with this signature came before.
    Repeated,
}

/// Signs messages and checks signatures.
#[derive(Clone)]
pub struct Signer {
    key: Hmac<Sha256>,
}

impl Signer {
    /// A signer with the connection's key.
    pub fn new(key: &str) -> Self {
        Self { key: Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length") }
    }

    fn digest(&self, frames: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        frames.iter().for_each(|frame| mac.update(frame));
        mac
    }

    /// The frames that travel.
    pub fn pack(&self, message: &Message) -> Vec<Vec<u8>> {
        let parts = [&message.header, &message.parent, &message.metadata, &message.content];
        let parts = parts.map(|part| part.to_string().into_bytes());
        let mac = self.digest(&parts.each_ref().map(Vec::as_slice)).finalize().into_bytes();
        let mut signature = String::new();
        for byte in mac {
            let _ = write!(signature, "{byte:02x}");
        }
        let mut frames = message.identities.clone();
        frames.extend([DELIMITER.to_vec(), signature.into_bytes()]);
        frames.extend(parts);
        frames
    }

    /// The message in these frames, if the key signed it.
    ///
    /// Errors: the [`Refusal`] that applies first.
    pub fn unpack(&self, frames: &[Vec<u8>]) -> Result<Message, Refusal> {
        let at = frames.iter().position(|frame| frame == DELIMITER).ok_or(Refusal::Malformed)?;
        let [signature, header, parent, metadata, content, ..] = &frames[at + 1..] else {
            return Err(Refusal::Malformed);
        };
        if signature.is_empty() {
            return Err(Refusal::Unsigned);
        }
        let signature = bytes(signature).ok_or(Refusal::Forged)?;
        // The HMAC covers the frames one after the other, not where one ends: a shifted border is found as bad JSON.
        self.digest(&[header, parent, metadata, content]).verify_slice(&signature).map_err(|_| Refusal::Forged)?;
        let json = |frame: &[u8]| {
            serde_json::from_slice::<Value>(frame).ok().filter(Value::is_object).ok_or(Refusal::Malformed)
        };
        let message = Message {
            identities: frames[..at].to_vec(),
            header: json(header)?,
            parent: json(parent)?,
            metadata: json(metadata)?,
            content: json(content)?,
        };
        if message.kind().is_empty() { Err(Refusal::Malformed) } else { Ok(message) }
    }
}

/// The signature in these frames, as bytes: the same for small and capital digits.
pub fn signature(frames: &[Vec<u8>]) -> Option<Vec<u8>> {
    let at = frames.iter().position(|frame| frame == DELIMITER)?;
    bytes(frames.get(at + 1)?)
}

/// The bytes that hexadecimal digits spell.
fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}
