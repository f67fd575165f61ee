//! What comes in from the sockets: only messages that the connection's key signed, each once; the rest is counted.

use super::message::{Message, Refusal, Signer, signature};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Mutex;

/// How many signatures are remembered: a second message with one of them is a replay.
const REMEMBERED: usize = 1 << 16;

/// How many messages were dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// [`Refusal::Malformed`]
    pub malformed: u64,
    /// [`Refusal::Unsigned`]
    pub unsigned: u64,
    /// [`Refusal::Forged`]
    pub forged: u64,
    /// [`Refusal::Repeated`]
    pub repeated: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.malformed + self.unsigned + self.forged + self.repeated
    }

    /// The counts by name, as `kernel_info_reply` shows them.
    pub fn content(&self) -> Value {
        json!({
            "malformed": self.malformed,
            "unsigned": self.unsigned,
            "forged": self.forged,
            "repeated": self.repeated,
        })
    }
}

/// The way in, shared by all sockets of a kernel.
pub struct Gate {
    signer: Signer,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: HashSet<Vec<u8>>,
    dropped: Dropped,
}

impl Gate {
    /// A gate for messages signed by `signer`.
    pub fn new(signer: Signer) -> Self {
        Self { signer, state: Mutex::default() }
    }

    /// The message in these frames, if it may pass. What may not is counted, and told on stderr the 1st, 10th, 100th time.
    pub fn receive(&self, frames: &[Vec<u8>]) -> Option<Message> {
        let unpacked = self.signer.unpack(frames);
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let refusal = match unpacked {
            Ok(message) => {
                if state.seen.len() == REMEMBERED {
                    state.seen.clear();
                }
                if signature(frames).is_some_and(|digest| state.seen.insert(digest)) {
                    return Some(message);
                }
                Refusal::Repeated
            }
            Err(refusal) => refusal,
        };
        let dropped = &mut state.dropped;
        match refusal {
            Refusal::Malformed => dropped.malformed += 1,
            Refusal::Unsigned => dropped.unsigned += 1,
            Refusal::Forged => dropped.forged += 1,
            Refusal::Repeated => dropped.repeated += 1,
        }
        let total = dropped.total();
        if total == 10_u64.pow(total.ilog10()) {
            eprintln!("dropped a message ({refusal:?}); {total} so far: {}", dropped.content());
        }
        None
    }

    /// The counts so far.
    pub fn dropped(&self) -> Dropped {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).dropped
    }
}
