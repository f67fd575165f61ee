//! The connection file that Jupyter writes for a kernel.

use crate::error::{Error, Result};
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;

/// Where to listen, and the key that signs messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The address to bind.
    pub ip: String,
    /// Ports of shell, iopub, stdin, control and heartbeat.
    pub ports: [u16; 5],
    /// The HMAC-SHA256 key; an empty one would leave messages unsigned and is refused.
    pub key: String,
}

const PORTS: [&str; 5] = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"];

impl Connection {
    /// Reads the file. Addresses other than this machine's own are refused unless `allow_remote`.
    ///
    /// Errors: `Io`; `Damaged` if it is not JSON; `Value` naming a field that is missing or not supported.
    pub fn read(path: &Path, allow_remote: bool) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let value: Value = serde_json::from_str(&text).map_err(|e| Error::Damaged {
            path: path.to_owned(),
            offset: 0,
            reason: format!("not JSON: {e}"),
        })?;
        let refuse = |expected: &str, got: &Value| Error::Value {
            op: "connection file",
            expected: expected.into(),
            got: got.to_string(),
        };
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        if value["transport"] != "tcp" {
            return Err(refuse("transport tcp", &value["transport"]));
        }
        if text("signature_scheme").as_deref().unwrap_or("hmac-sha256") != "hmac-sha256" {
            return Err(refuse("signature_scheme hmac-sha256", &value["signature_scheme"]));
        }
        let ip = text("ip").ok_or_else(|| refuse("an address in ip", &value["ip"]))?;
        let loopback = ip == "localhost" || ip.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !loopback && !allow_remote {
            let wanted = "a loopback address in ip (`kernel run --allow-remote` accepts others)";
            return Err(refuse(wanted, &value["ip"]));
        }
        let key = text("key").filter(|key| !key.is_empty());
        let mut ports = [0; 5];
        for (port, name) in ports.iter_mut().zip(PORTS) {
            let number = value[name].as_u64().and_then(|number| u16::try_from(number).ok());
            *port = number.ok_or_else(|| refuse(&format!("a port number in {name}"), &value[name]))?;
        }
        Ok(Self {
            // libzmq's word for all addresses
            ip: if ip == "*" { "0.0.0.0".into() } else { ip },
            ports,
            key: key.ok_or_else(|| refuse("a key, since unsigned messages are not accepted", &value["key"]))?,
        })
    }

    /// The endpoint of the socket at this place of [`Connection::ports`].
    pub fn endpoint(&self, index: usize) -> String {
        let port = self.ports[index];
        if self.ip.contains(':') { format!("tcp://[{}]:{port}", self.ip) } else { format!("tcp://{}:{port}", self.ip) }
    }
}
