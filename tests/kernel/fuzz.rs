//! Mutated messages: nothing that was not signed is taken for a request, and nothing that was breaks the kernel.

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde_json::{Value, json};
use widemargin::jupyter::{Gate, History, Message, Signer, answer, code_and_cursor, completeness};

const KINDS: [&str; 12] = [
    "execute_request",
    "complete_request",
    "inspect_request",
    "is_complete_request",
    "history_request",
    "comm_info_request",
    "comm_open",
    "kernel_info_request",
    "interrupt_request",
    "shutdown_request",
    "input_reply",
    "no_such_request",
];
const MESSAGES: usize = 100_000;

pub fn request(rng: &mut StdRng) -> Message {
    let kind = KINDS[rng.random_range(0..KINDS.len())];
    let content = json!({"code": "println!(\"executed\")", "cursor_pos": 3, "silent": false, "n": rng.next_u32()});
    let mut message = Message::new(kind, json!({"session": "s"}), content);
    message.identities = vec![b"peer".to_vec()];
    message
}

/// Changes what travels; true if the signed part or the signature changed.
pub fn mutate(frames: &mut Vec<Vec<u8>>, rng: &mut StdRng) -> bool {
    let before = frames.clone();
    for _ in 0..rng.random_range(1..4) {
        if frames.is_empty() {
            break;
        }
        let at = rng.random_range(0..frames.len());
        match rng.random_range(0..8) {
            0 => drop(frames.remove(at)),
            1 => {
                let copy = frames[at].clone();
                frames.insert(at, copy);
            }
            2 => {
                let other = rng.random_range(0..frames.len());
                frames.swap(at, other);
            }
            3 => frames[at].clear(),
            4 => {
                let length = rng.random_range(0..=frames[at].len());
                frames[at].truncate(length);
            }
            5 if !frames[at].is_empty() => {
                let byte = rng.random_range(0..frames[at].len());
                frames[at][byte] ^= 1 << rng.random_range(0..8);
            }
            6 => {
                let mut noise = vec![0; rng.random_range(0..200)];
                rng.fill_bytes(&mut noise);
                frames[at] = noise;
            }
            _ => {
                let mut noise = vec![0; rng.random_range(0..20)];
                rng.fill_bytes(&mut noise);
                frames[at].extend(noise);
            }
        }
    }
    let signed = |frames: &[Vec<u8>]| {
        let at = frames.iter().position(|frame| frame == b"<IDS|MSG>");
        let mut parts = frames.get(at? + 1..at? + 6)?.to_vec();
        // Small and capital digits spell the same signature.
        parts[0].make_ascii_lowercase();
        Some(parts)
    };
    signed(frames) != signed(&before)
}

#[test]
fn of_a_hundred_thousand_mutated_messages_only_untouched_ones_pass() {
    let mut rng = StdRng::seed_from_u64(1);
    let signer = Signer::new("the key of this kernel");
    let gate = Gate::new(signer.clone());
    let (mut passed, mut intact) = (0_u64, 0_u64);
    for _ in 0..MESSAGES {
        let message = request(&mut rng);
        let mut frames = signer.pack(&message);
        let changed = mutate(&mut frames, &mut rng);
        let received = gate.receive(&frames);
        if let Some(received) = &received {
            assert!(!changed, "a changed message passed: {frames:?}");
            // Routing frames are not signed; all else is what was sent.
            assert_eq!((&received.header, &received.content), (&message.header, &message.content));
            passed += 1;
        }
        intact += u64::from(!changed);
    }
    assert_eq!(passed, intact, "a message whose signed part is intact was dropped");
    assert_eq!(gate.dropped().total(), MESSAGES as u64 - passed);
    let counts = gate.dropped();
    assert!(counts.unsigned > 100 && counts.malformed > 100 && counts.forged > 100, "{counts:?}");
}

/// A value of any shape.
fn anything(rng: &mut StdRng, depth: usize) -> Value {
    let texts = ["", "let x = \"", "/*", "'", "'\\", "r#", "é\u{301}𝄞(", "}", "*?*", "br#\"", ":dep", "\u{0}"];
    match rng.random_range(0..if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(rng.random::<u64>()),
        3 => json!(rng.random::<i64>()),
        4 => json!(rng.random::<f64>() * 1e300),
        5 => json!((0..rng.random_range(0..6)).map(|_| texts[rng.random_range(0..texts.len())]).collect::<String>()),
        6 => (0..rng.random_range(0..4)).map(|_| anything(rng, depth - 1)).collect(),
        _ => {
            let entry =
                |rng: &mut StdRng| (texts[rng.random_range(0..texts.len())].to_owned(), anything(rng, depth - 1));
            Value::Object((0..rng.random_range(0..4)).map(|_| entry(rng)).collect())
        }
    }
}

#[test]
fn signed_messages_with_any_content_are_answered_or_ignored() {
    let fields = [
        "code",
        "cursor_pos",
        "hist_access_type",
        "n",
        "start",
        "stop",
        "session",
        "pattern",
        "unique",
        "output",
        "comm_id",
    ];
    let mut rng = StdRng::seed_from_u64(2);
    let signer = Signer::new("key");
    let gate = Gate::new(signer.clone());
    let mut history = History::default();
    for count in 1..20 {
        history.push(count, "let é = \"x\";");
    }
    for _ in 0..MESSAGES {
        let mut message = request(&mut rng);
        message.content = json!({});
        for field in fields {
            if rng.random() {
                message.content[field] = anything(&mut rng, 2);
            }
        }
        if rng.random() {
            message.content["hist_access_type"] = json!(["tail", "range", "search"][rng.random_range(0..3)]);
        }
        let received = gate.receive(&signer.pack(&message)).expect("it is signed");
        let (reply, _) = answer(&received, &history, &gate);
        if let Some(reply) = reply {
            assert!(reply.content["status"].is_string(), "{}", reply.content);
            signer.pack(&reply);
        }
        let (code, at) = code_and_cursor(&received.content);
        assert!(code.is_char_boundary(at));
        completeness(code);
    }
}

#[test]
fn code_cut_anywhere_is_judged_without_a_panic() {
    let code = "let s = r#\"a\"#; let c = '\\u{e9}'; /* /* é */ */ b'\\''; 'a: loop { break 'a } // 𝄞\n\"\\\"\" br##\"x\"#\"##";
    for (at, _) in code.char_indices() {
        completeness(&code[..at]);
        completeness(&code[at..]);
    }
}
