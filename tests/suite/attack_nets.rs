//! The networks and numbers of tests/reference/attack_*.py, for the tests of attacks and certificates.

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::PathBuf;
use widemargin::model::{Classifier, ConvNet, Linear, Mlp};

pub type Tensors = HashMap<String, Tensor>;

pub fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(file)
}

pub fn tensors(file: &str) -> Tensors {
    candle_core::safetensors::load(path(file), &Device::Cpu).unwrap()
}

/// The labels under `name`, which the scripts write as i32.
pub fn labels(tensors: &Tensors, name: &str) -> Tensor {
    tensors[name].to_dtype(DType::U32).unwrap()
}

pub fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

pub fn doubles(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// A linear score with these weights.
pub fn linear(w: &[f32], b: f32) -> Classifier {
    let net = Classifier::linear(&Linear { inputs: w.len(), bias: true }).unwrap();
    let vars = net.vars();
    vars[0].set(&Tensor::from_slice(w, (1, w.len()), &Device::Cpu).unwrap()).unwrap();
    vars[1].set(&Tensor::new(&[b], &Device::Cpu).unwrap()).unwrap();
    net
}

/// The trained networks of attack_peers.py.
pub fn peer(name: &str) -> Classifier {
    let mlp = |outputs| Mlp { inputs: 64, hidden: vec![16], features: 12, outputs, leaky_slope: 0.01 };
    let mut net = match name {
        "linear" => Classifier::linear(&Linear { inputs: 64, bias: true }),
        "mlp1" => Classifier::mlp(&mlp(1), 0),
        "mlp2" => Classifier::mlp(&mlp(2), 0),
        "mlp4" => Classifier::mlp(&mlp(4), 0),
        _ => {
            let small = ConvNet { channels: 1, height: 8, width: 8, outputs: 2, filters: 4, features: 16 };
            Classifier::convnet(&small, 0)
        }
    }
    .unwrap();
    net.load_weights(path(&format!("attack_{name}.safetensors"))).unwrap();
    net
}

/// The networks of attack_minimal.py, whose exact distances are known.
pub fn exact(name: &str, file: &Tensors) -> Classifier {
    let set = |net: &Classifier, values: &[&Tensor]| {
        net.vars().iter().zip(values).for_each(|(var, value)| var.set(value).unwrap());
    };
    match name {
        "linear64" => {
            let net = Classifier::linear(&Linear { inputs: 64, bias: true }).unwrap();
            set(&net, &[&file["linear64.head.weight"], &file["linear64.head.bias"]]);
            net
        }
        "relu8" => {
            let net = Mlp { inputs: 6, hidden: Vec::new(), features: 8, outputs: 1, leaky_slope: 0.0 };
            let net = Classifier::mlp(&net, 0).unwrap();
            let names = ["features.0.weight", "features.0.bias", "head.weight", "head.bias"];
            set(&net, &names.map(|name| &file[&format!("relu8.{name}")]));
            net
        }
        _ => {
            // Four linear scores: the hidden units are x + 1, so always active; the head takes the 1 off again.
            let net = Mlp { inputs: 20, hidden: Vec::new(), features: 20, outputs: 4, leaky_slope: 0.0 };
            let net = Classifier::mlp(&net, 0).unwrap();
            let (weight, bias) = (&file["classes4.weight"], &file["classes4.bias"]);
            let identity = Tensor::eye(20, DType::F32, &Device::Cpu).unwrap();
            let ones = Tensor::ones(20, DType::F32, &Device::Cpu).unwrap();
            let shifted = (bias - weight.sum(1).unwrap()).unwrap();
            set(&net, &[&identity, &ones, weight, &shifted]);
            net
        }
    }
}
