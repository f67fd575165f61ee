//! Files: round trips, damage, weights from elsewhere.

use candle_core::{Device, Tensor};
use std::path::Path;
use widemargin::Error;
use widemargin::model::{Classifier, ConvNet, LeNet, Linear, Mlp, ResNet};

fn values(net: &Classifier) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let bits = |v: &Tensor| v.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect();
    let all = net.named_vars().into_iter().chain(net.named_buffers());
    all.map(|(name, var)| (name, var.dims().to_vec(), bits(&var))).collect()
}

fn small() -> Classifier {
    Classifier::mlp(&Mlp { inputs: 3, hidden: vec![], features: 2, outputs: 1, leaky_slope: 0.3 }, 1).unwrap()
}

#[test]
fn every_kind_comes_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let nets = [
        Classifier::mlp(&Mlp { leaky_slope: 0.1 + 0.2, ..Mlp::default() }, 9).unwrap(),
        Classifier::lenet(&LeNet { channels: 1, height: 28, width: 28, outputs: 10, ..LeNet::default() }, 9).unwrap(),
        Classifier::lenet(&LeNet::wide(), 9).unwrap(),
        Classifier::convnet(&ConvNet { filters: 3, features: 7, ..ConvNet::default() }, 9).unwrap(),
        Classifier::resnet(&ResNet { filters: 4, blocks: 2, ..ResNet::default() }, 9).unwrap(),
        Classifier::linear(&Linear { inputs: 5, bias: false }).unwrap(),
    ];
    for net in nets {
        for (which, (_, buffer)) in net.named_buffers().into_iter().enumerate() {
            buffer.set(&(buffer.as_detached_tensor() + which as f64).unwrap()).unwrap();
        }
        net.save(&path).unwrap();
        let back = Classifier::load(&path).unwrap();
        assert_eq!(values(&back), values(&net));
        assert_eq!(format!("{back:?}"), format!("{net:?}"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
}

#[test]
fn the_file_is_what_candle_reads_as_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let net = small();
    net.save(&path).unwrap();
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    assert_eq!(tensors.len(), 4);
    for (name, var) in net.named_vars() {
        assert_eq!(tensors[&name].dims(), var.dims());
        assert_eq!(
            tensors[&name].flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            var.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        );
    }
}

#[test]
fn weights_saved_elsewhere_load_into_a_built_classifier() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("torch.safetensors");
    let source = small();
    let tensors = source.named_vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let mut net =
        Classifier::mlp(&Mlp { inputs: 3, hidden: vec![], features: 2, outputs: 1, leaky_slope: 0.3 }, 2).unwrap();
    net.load_weights(&path).unwrap();
    assert_eq!(values(&net), values(&source));
    let message = Classifier::load(&path).unwrap_err().to_string();
    assert!(message.contains("no `architecture`") && message.contains("torch.safetensors"), "{message}");
    let mut other = Classifier::mlp(&Mlp::default(), 0).unwrap();
    let before = values(&other);
    let message = other.load_weights(&path).unwrap_err().to_string();
    assert!(message.contains("`features.0.weight`: expected shape [100, 64], got [2,3]"), "{message}");
    assert_eq!(values(&other), before);
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.safetensors");
    small().save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        match Classifier::load(&path) {
            Err(Error::Damaged { path, .. }) => assert!(path.ends_with("cut.safetensors")),
            other => panic!("{length} of {} bytes: {other:?}", whole.len()),
        }
    }
    std::fs::write(&path, &whole).unwrap();
    Classifier::load(&path).unwrap();
}

#[test]
fn damage_in_the_header_names_the_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    small().save(&path).unwrap();
    let whole = String::from_utf8_lossy(&std::fs::read(&path).unwrap()[8..]).into_owned();
    let header = &whole[..whole.find("}}").unwrap() + 2];
    let message = |from: &str, to: &str| {
        assert!(header.contains(from), "{header}");
        let changed = header.replacen(from, to, 1);
        let mut bytes = (changed.len() as u64).to_le_bytes().to_vec();
        bytes.extend(changed.as_bytes());
        bytes.extend([0; 44]); // 3·2 + 2 + 2 + 1 numbers
        std::fs::write(&path, bytes).unwrap();
        Classifier::load(&path).unwrap_err().to_string()
    };
    assert!(message("head.bias", "head.bins").contains("unknown tensor `head.bins`"));
    assert!(
        message("\"shape\":[2,3]", "\"shape\":[3,2]").contains("`features.0.weight`: expected shape [2, 3], got [3,2]")
    );
    assert!(message("\"dtype\":\"F32\"", "\"dtype\":\"F64\"").contains("expected dtype F32, got \"F64\""));
    assert!(message("\"data_offsets\":[0,24]", "\"data_offsets\":[0,28]").contains("expected 24 bytes"));
    assert!(
        message("\"data_offsets\":[0,24]", "\"data_offsets\":[9000,9024]").contains("should end at data byte 9024")
    );
    assert!(
        message("\\\"kind\\\":\\\"mlp\\\"", "\\\"kind\\\":\\\"gpt\\\"")
            .contains("known: mlp, lenet, convnet, resnet, linear")
    );
    // A size that would need an exabyte must be refused before anything is allocated.
    assert!(message("\\\"inputs\\\":3", "\\\"inputs\\\":99999999999").contains("at most 2^28 parameters"));
}

#[test]
fn a_missing_file_or_folder_is_named() {
    let message = Classifier::load("nowhere/net.safetensors").unwrap_err().to_string();
    assert!(message.starts_with("cannot read nowhere/net.safetensors: "), "{message}");
    let message = small().save(Path::new("nowhere/net.safetensors")).unwrap_err().to_string();
    assert!(message.starts_with("cannot write nowhere/net.safetensors: "), "{message}");
}

#[test]
fn saving_over_a_file_replaces_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    Classifier::mlp(&Mlp::default(), 1).unwrap().save(&path).unwrap();
    small().save(&path).unwrap();
    assert_eq!(values(&Classifier::load(&path).unwrap()), values(&small()));
}

#[test]
fn a_residual_network_saved_by_pytorch_has_its_scores_here() {
    // network.safetensors: the state dict with running values and counts, as PyTorch saved it.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/network.safetensors");
    let mut net = Classifier::resnet(&ResNet { channels: 2, side: 8, outputs: 1, filters: 3, blocks: 2 }, 5).unwrap();
    net.load_weights(&path).unwrap();
    let counts = net.named_buffers().into_iter().filter(|(name, _)| name.ends_with("num_batches_tracked"));
    assert!(counts.map(|(_, count)| count.to_scalar::<f32>().unwrap()).all(|count| count == 17.0));
    let reference: serde_json::Value = serde_json::from_str(include_str!("../reference/network.json")).unwrap();
    let case = reference["cases"].as_array().unwrap().iter().find(|case| case["name"] == "resnet").unwrap();
    let value = |k: u64| {
        let base = (((k * 7919 + 97 * 104_729 + 13) % 2003) as f64 / 1001.5 - 1.0) * 0.5;
        (f64::from(base as f32) + 0.5) as f32
    };
    let x: Vec<f32> = (0..5 * 2 * 64).map(value).collect();
    let scores = net.scores(&Tensor::from_vec(x, (5, 2, 8, 8), &Device::Cpu).unwrap()).unwrap();
    for (got, expected) in scores.to_vec1::<f32>().unwrap().iter().zip(case["scores"].as_array().unwrap()) {
        assert!((f64::from(*got) - expected.as_f64().unwrap()).abs() < 1e-5, "{got} for {expected}");
    }
    // Written back, the file holds what PyTorch wrote: types, shapes and bytes of every tensor.
    let folder = tempfile::tempdir().unwrap();
    net.save(folder.path().join("back.safetensors")).unwrap();
    let load = |path: &Path| candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    let (there, back) = (load(&path), load(&folder.path().join("back.safetensors")));
    assert_eq!(there.len(), back.len());
    for (name, tensor) in there {
        assert_eq!((tensor.dtype(), tensor.dims()), (back[&name].dtype(), back[&name].dims()), "{name}");
        let values = |t: &Tensor| t.to_dtype(candle_core::DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>();
        assert_eq!(values(&tensor).unwrap(), values(&back[&name]).unwrap(), "{name}");
    }
}
