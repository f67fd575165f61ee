//! Which network a classifier is, in memory and as the JSON kept in a checkpoint's metadata.

use super::plan::Plan;
use super::{ConvNet, LeNet, Linear, Mlp, ResNet};
use crate::error::Result;
use serde_json::{Value, json};

/// The settings a classifier was built from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Architecture {
    Mlp(Mlp),
    LeNet(LeNet),
    ConvNet(ConvNet),
    ResNet(ResNet),
    Linear(Linear),
}

impl Architecture {
    pub(super) fn plan(&self) -> Result<Plan> {
        match self {
            Architecture::Mlp(mlp) => mlp.plan(),
            Architecture::LeNet(lenet) => lenet.plan(),
            Architecture::ConvNet(convnet) => convnet.plan(),
            Architecture::ResNet(resnet) => resnet.plan(),
            Architecture::Linear(linear) => linear.plan(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Architecture::Mlp(Mlp { inputs, hidden, features, outputs, leaky_slope }) => json!({
                "kind": "mlp", "inputs": inputs, "hidden": hidden, "features": features, "outputs": outputs,
                // As text: serde_json may read a float back one unit off.
                "leaky_slope": leaky_slope.to_string(),
            }),
            Architecture::LeNet(LeNet { channels, height, width, outputs, filters, hidden, features }) => json!({
                "kind": "lenet", "channels": channels, "height": height, "width": width, "outputs": outputs,
                "filters": filters, "hidden": hidden, "features": features,
            }),
            Architecture::ConvNet(ConvNet { channels, height, width, outputs, filters, features }) => json!({
                "kind": "convnet", "channels": channels, "height": height, "width": width, "outputs": outputs,
                "filters": filters, "features": features,
            }),
            Architecture::ResNet(ResNet { channels, side, outputs, filters, blocks }) => json!({
                "kind": "resnet", "channels": channels, "side": side, "outputs": outputs, "filters": filters,
                "blocks": blocks,
            }),
            Architecture::Linear(Linear { inputs, bias }) => json!({"kind": "linear", "inputs": inputs, "bias": bias}),
        }
    }

    /// Reads [`Architecture::to_json`] back; the error says which entry is missing or wrong.
    pub(super) fn from_json(json: &Value) -> std::result::Result<Self, String> {
        let size = |key: &str| size(&json[key]).ok_or_else(|| format!("architecture has no size `{key}`"));
        match json["kind"].as_str() {
            Some("mlp") => {
                let hidden = json["hidden"].as_array().and_then(|all| all.iter().map(self::size).collect());
                let slope = json["leaky_slope"].as_str().and_then(|text| text.parse().ok());
                Ok(Architecture::Mlp(Mlp {
                    inputs: size("inputs")?,
                    hidden: hidden.ok_or("architecture has no list `hidden`")?,
                    features: size("features")?,
                    outputs: size("outputs")?,
                    leaky_slope: slope.ok_or("architecture has no number `leaky_slope`")?,
                }))
            }
            Some("lenet") => Ok(Architecture::LeNet(LeNet {
                channels: size("channels")?,
                height: size("height")?,
                width: size("width")?,
                outputs: size("outputs")?,
                filters: match json["filters"].as_array().map(Vec::as_slice) {
                    Some([first, second]) => [self::size(first), self::size(second)].map(|size| size.unwrap_or(0)),
                    _ => return Err("architecture has no pair `filters`".into()),
                },
                hidden: size("hidden")?,
                features: size("features")?,
            })),
            Some("convnet") => Ok(Architecture::ConvNet(ConvNet {
                channels: size("channels")?,
                height: size("height")?,
                width: size("width")?,
                outputs: size("outputs")?,
                filters: size("filters")?,
                features: size("features")?,
            })),
            Some("resnet") => Ok(Architecture::ResNet(ResNet {
                channels: size("channels")?,
                side: size("side")?,
                outputs: size("outputs")?,
                filters: size("filters")?,
                blocks: size("blocks")?,
            })),
            Some("linear") => Ok(Architecture::Linear(Linear {
                inputs: size("inputs")?,
                bias: json["bias"].as_bool().ok_or("architecture has no flag `bias`")?,
            })),
            _ => Err(format!("architecture kind is {}, known: mlp, lenet, convnet, resnet, linear", json["kind"])),
        }
    }
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok())
}
