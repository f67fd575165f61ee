//! The Jupyter protocol's parts that need no evaluator.

use serde_json::json;
use widemargin::jupyter::{Completeness, Connection, Message, Signer, completeness};

fn request() -> Message {
    let mut message = Message::new("execute_request", json!({}), json!({"code": "1"}));
    message.identities = vec![b"peer".to_vec()];
    message
}

#[test]
fn a_signed_message_survives_the_wire() {
    let signer = Signer::new("key");
    let message = request();
    assert_eq!(signer.unpack(&signer.pack(&message)), Some(message));
}

#[test]
fn an_unsigned_or_changed_message_is_dropped() {
    let signer = Signer::new("key");
    let frames = signer.pack(&request());
    assert_eq!(Signer::new("other").unpack(&frames), None);
    for frame in 2..frames.len() {
        for byte in 0..frames[frame].len() {
            let mut changed = frames.clone();
            changed[frame][byte] ^= 1;
            assert_eq!(signer.unpack(&changed), None, "frame {frame}, byte {byte}");
        }
    }
    for kept in 0..frames.len() {
        assert_eq!(signer.unpack(&frames[..kept]), None, "{kept} frames");
    }
    let mut unsigned = frames;
    unsigned[2].clear();
    assert_eq!(signer.unpack(&unsigned), None);
}

#[test]
fn a_signature_is_the_hmac_of_the_four_frames() {
    // hmac.new(b"Jefe", b"{}{}{}{}", hashlib.sha256).hexdigest() in Python 3.11
    let signature = b"93fa9c0006c396e55ec16c78ca83db9093580b0c93a13268f78162f7c112114c".to_vec();
    let frames: Vec<_> = [b"<IDS|MSG>".to_vec(), signature].into_iter().chain(vec![b"{}".to_vec(); 4]).collect();
    assert!(Signer::new("Jefe").unpack(&frames).is_some());
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
        Connection::read(&path).map_err(|error| error.to_string())
    };
    assert_eq!(read(&good).map(|c| c.endpoint(4)), Ok("tcp://127.0.0.1:5".to_owned()));
    for (field, value, wanted) in [
        ("key", json!(""), "unsigned messages are not accepted"),
        ("iopub_port", json!(70_000), "a port number in iopub_port, got 70000"),
        ("transport", json!("ipc"), "transport tcp, got \"ipc\""),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let message = read(&bad).expect_err("refused");
        assert!(message.contains(wanted), "{message}");
    }
}
