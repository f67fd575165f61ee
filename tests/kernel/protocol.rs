//! The Jupyter protocol's parts that need no evaluator.

use serde_json::json;
use widemargin::jupyter::{Completeness, Connection, Gate, History, Message, Refusal, Signer, completeness};

fn request() -> Message {
    let mut message = Message::new("execute_request", json!({}), json!({"code": "1"}));
    message.identities = vec![b"peer".to_vec()];
    message
}

#[test]
fn a_signed_message_survives_the_wire() {
    let signer = Signer::new("key");
    let message = request();
    assert_eq!(signer.unpack(&signer.pack(&message)), Ok(message));
}

#[test]
fn an_unsigned_or_changed_message_is_dropped() {
    let signer = Signer::new("key");
    let frames = signer.pack(&request());
    assert_eq!(Signer::new("other").unpack(&frames), Err(Refusal::Forged));
    for frame in 2..frames.len() {
        for byte in 0..frames[frame].len() {
            let mut changed = frames.clone();
            changed[frame][byte] ^= 1;
            assert_eq!(signer.unpack(&changed), Err(Refusal::Forged), "frame {frame}, byte {byte}");
        }
    }
    for kept in 0..frames.len() {
        assert_eq!(signer.unpack(&frames[..kept]), Err(Refusal::Malformed), "{kept} frames");
    }
    let mut unsigned = frames;
    unsigned[2].clear();
    assert_eq!(signer.unpack(&unsigned), Err(Refusal::Unsigned));
}

#[test]
fn a_message_passes_once_and_what_does_not_pass_is_counted() {
    let signer = Signer::new("key");
    let gate = Gate::new(signer.clone());
    let frames = signer.pack(&request());
    assert!(gate.receive(&frames).is_some());
    assert!(gate.receive(&frames).is_none(), "a replay passed");
    let mut capitals = frames.clone();
    capitals[2].make_ascii_uppercase();
    assert!(gate.receive(&capitals).is_none(), "a replay with a signature in capitals passed");
    assert!(gate.receive(&Signer::new("other").pack(&request())).is_none());
    assert!(gate.receive(&[]).is_none());
    let mut unsigned = frames;
    unsigned[2].clear();
    assert!(gate.receive(&unsigned).is_none());
    let counts = json!({"malformed": 1, "unsigned": 1, "forged": 1, "repeated": 2});
    assert_eq!((gate.dropped().content(), gate.dropped().total()), (counts, 5));
}

#[test]
fn history_searches_in_time_that_long_patterns_cannot_blow_up() {
    let mut history = History::default();
    history.push(1, &"a".repeat(2000));
    history.push(2, "let café = 1;");
    let search = |pattern: &str| {
        history.answer(&json!({"hist_access_type": "search", "pattern": pattern, "n": 10})).as_array().map(Vec::len)
    };
    // Tried star by star, this pattern takes longer than the universe is old.
    assert_eq!(search(&format!("{}b", "*a".repeat(30))), Some(0));
    assert_eq!(search(&format!("{}*", "*a".repeat(30))), Some(1));
    assert_eq!(search("let caf? = *"), Some(1));
    assert_eq!(search("caf"), Some(0));
}

#[test]
fn a_signature_is_the_hmac_of_the_four_frames() {
    // hmac.new(b"Jefe", b"{}{}{}{}", hashlib.sha256).hexdigest() in Python 3.11
    let signature = b"93fa9c0006c396e55ec16c78ca83db9093580b0c93a13268f78162f7c112114c".to_vec();
    let frames: Vec<_> = [b"<IDS|MSG>".to_vec(), signature].into_iter().chain(vec![b"{}".to_vec(); 4]).collect();
    // {} is no message, but the signature was accepted before that was found.
    assert_eq!(Signer::new("Jefe").unpack(&frames), Err(Refusal::Malformed));
}

#[test]
fn brackets_strings_and_comments_decide_whether_a_cell_is_complete() {
    use Completeness::{Complete, Incomplete, Invalid};
    for (code, wanted) in [
        ("", Complete),
        ("fn f() { [1, 2] }", Complete),
        ("let c = '{'; let s: &'static str = \"{\"; // {", Complete),
        ("r#\"( \" \"# /* { /* ( */ */", Complete),
        ("fn f() {", Incomplete(4)),
        ("f(vec![1,", Incomplete(8)),
        ("\"open", Incomplete(0)),
        ("r#\"open\"", Incomplete(0)),
        ("/* /* */", Incomplete(0)),
        (")", Invalid),
        ("(]", Invalid),
        ("br#\"a \" (\"#", Complete),
        ("let c = '\\''; (", Incomplete(4)),
        ("let x =", Incomplete(0)),
        ("let y = x +", Incomplete(0)),
        ("values\n    .iter().", Incomplete(0)),
        ("fn f() ->", Incomplete(0)),
        ("0..", Complete),
        ("x == y", Complete),
        ("return;", Complete),
        (":dep rand = \"0.9\"", Complete),
    ] {
        assert_eq!(completeness(code), wanted, "{code}");
    }
}

#[test]
fn a_connection_file_without_a_key_or_with_a_bad_port_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("connection.json");
    let good = json!({"ip": "127.0.0.1", "transport": "tcp", "key": "k", "signature_scheme": "hmac-sha256",
        "shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5});
    let read = |value: &serde_json::Value| {
        std::fs::write(&path, value.to_string()).expect("writable");
        Connection::read(&path, false).map_err(|error| error.to_string())
    };
    assert_eq!(read(&good).map(|c| c.endpoint(4)), Ok("tcp://127.0.0.1:5".to_owned()));
    for (field, value, wanted) in [
        ("key", json!(""), "unsigned messages are not accepted"),
        ("iopub_port", json!(70_000), "a port number in iopub_port, got 70000"),
        ("transport", json!("ipc"), "transport tcp, got \"ipc\""),
        ("ip", json!("0.0.0.0"), "a loopback address in ip"),
        ("ip", json!("*"), "a loopback address in ip"),
        ("ip", json!("192.168.1.4"), "a loopback address in ip"),
        ("ip", json!("localhost.example"), "a loopback address in ip"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let message = read(&bad).expect_err("refused");
        assert!(message.contains(wanted), "{message}");
    }
    let mut open = good;
    open["ip"] = json!("::1");
    assert_eq!(read(&open).map(|c| c.endpoint(0)), Ok("tcp://[::1]:1".to_owned()));
    open["ip"] = json!("*");
    std::fs::write(&path, open.to_string()).expect("writable");
    let allowed = Connection::read(&path, true).map(|c| c.endpoint(0)).map_err(|error| error.to_string());
    assert_eq!(allowed, Ok("tcp://0.0.0.0:1".to_owned()));
}
