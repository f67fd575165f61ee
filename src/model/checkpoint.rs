//! Classifiers on disk: the safetensors format, readable by PyTorch and every other library that knows it.
//!
//! 8 bytes little-endian header length, a JSON header, the numbers. The header maps each name to
//! `{"dtype": "F32", "shape": […], "data_offsets": [start, end]}`; our settings are JSON text under
//! `__metadata__.architecture`. Format: <https://github.com/huggingface/safetensors>.
//! Names and layouts are PyTorch's, so `load_weights` takes a file saved there without any transpose.

use super::Classifier;
use super::architecture::Architecture;
use super::plan::{Kind, Parameter};
use crate::error::{Error, Result};
use candle_core::Tensor;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

const PREFIX: usize = 8;

impl Classifier {
    /// Writes settings and parameters to `path`, which holds either the old file or the whole new one at any time.
    ///
    /// Errors: `Io` naming the file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut header = Map::new();
        let metadata = json!({"format": "pt", "architecture": self.architecture.to_json().to_string()});
        header.insert("__metadata__".into(), metadata);
        let mut data: Vec<u8> = Vec::new();
        let mut state = self.state();
        // The format asks for aligned numbers: the eight bytes of the counts come first.
        state.sort_by_key(|(parameter, _)| parameter.kind != Kind::Batches);
        for (parameter, var) in state {
            let start = data.len();
            let values = var.flatten_all()?.to_vec1::<f32>()?;
            if parameter.kind == Kind::Batches {
                data.extend(values.iter().flat_map(|value| (*value as i64).to_le_bytes()));
            } else {
                data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            let dtype = dtype(parameter.kind).0;
            let entry = json!({"dtype": dtype, "shape": var.dims(), "data_offsets": [start, data.len()]});
            header.insert(parameter.name, entry);
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(PREFIX), b' '); // readers map the numbers in place

        // The temporary file shares the folder, because only within one file system a rename is atomic.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || {
            let mut builder = tempfile::Builder::new();
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // the umask takes its share
            let mut file = builder.prefix(".widemargin-").tempfile_in(folder)?;
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(&header)?;
            file.write_all(&data)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(Error::io("write", path))
    }

    /// Reads a classifier that [`Classifier::save`] wrote.
    ///
    /// Errors: `Io`; `Damaged` naming the file, the byte and the tensor, also if a tensor is missing, unknown or has
    /// another shape than the settings say; `SecondCopy`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let file = File::read(path.as_ref())?;
        let Some(text) = file.header["__metadata__"]["architecture"].as_str() else {
            let reason = "no `architecture` in the metadata; for weights saved elsewhere, build the classifier first \
                          and call load_weights";
            return Err(file.damaged(PREFIX, reason));
        };
        let json =
            serde_json::from_str(text).map_err(|error| file.damaged(PREFIX, format!("architecture: {error}")))?;
        let architecture = Architecture::from_json(&json).map_err(|reason| file.damaged(PREFIX, reason))?;
        let plan = architecture.plan().map_err(|error| file.damaged(PREFIX, error.to_string()))?;
        file.check_names(&plan.parameters().into_iter().map(|parameter| parameter.name).collect::<Vec<_>>())?;
        Self::build(architecture, |parameter| file.values(parameter))
    }

    /// Replaces all parameters by those of a safetensors file, for instance one saved from PyTorch.
    ///
    /// Running values of batch normalisation are taken too. Either all change or none. Errors: `Io`; `Damaged` naming
    /// the file, the byte and the tensor, also if a tensor is missing, unknown, of another shape or type.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let file = File::read(path.as_ref())?;
        let state = self.state();
        file.check_names(&state.iter().map(|(parameter, _)| parameter.name.clone()).collect::<Vec<_>>())?;
        let mut tensors = Vec::new();
        for (parameter, var) in &state {
            tensors.push(Tensor::from_vec(file.values(parameter)?, var.dims(), var.device())?);
        }
        for ((_, var), tensor) in state.iter().zip(&tensors) {
            var.set(tensor)?;
        }
        Ok(())
    }
}

/// The type of a tensor in the file, and the bytes of a number: counts are whole numbers in PyTorch.
fn dtype(kind: Kind) -> (&'static str, usize) {
    if kind == Kind::Batches { ("I64", size_of::<i64>()) } else { ("F32", size_of::<f32>()) }
}

/// A file in memory with its header parsed.
struct File<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    header: Value,
    data_start: usize,
}

impl<'a> File<'a> {
    fn read(path: &'a Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let mut file = Self { path, bytes, header: Value::Null, data_start: 0 };
        let Some(length) = file.bytes.first_chunk::<PREFIX>().map(|prefix| u64::from_le_bytes(*prefix)) else {
            return Err(file.damaged(file.bytes.len(), "shorter than the 8 bytes that hold the header's length"));
        };
        let end = usize::try_from(length).ok().and_then(|length| length.checked_add(PREFIX));
        let Some(end) = end.filter(|end| *end <= file.bytes.len()) else {
            let reason = format!("the header should have {length} bytes, the file has {} in all", file.bytes.len());
            return Err(file.damaged(0, reason));
        };
        let header = serde_json::from_slice(&file.bytes[PREFIX..end]);
        file.header = header.map_err(|error| file.damaged(PREFIX, format!("the header is not JSON: {error}")))?;
        if !file.header.is_object() {
            return Err(file.damaged(PREFIX, "the header is not a JSON object"));
        }
        file.data_start = end;
        Ok(file)
    }

    fn damaged(&self, offset: usize, reason: impl Into<String>) -> Error {
        Error::Damaged { path: self.path.to_path_buf(), offset: offset as u64, reason: reason.into() }
    }

    /// Refuses tensors that the classifier has no place for; a missing one is found when it is read.
    fn check_names(&self, wanted: &[String]) -> Result<()> {
        let mut names = self.header.as_object().into_iter().flat_map(Map::keys);
        match names.find(|name| *name != "__metadata__" && !wanted.contains(name)) {
            Some(name) => {
                let reason = format!("unknown tensor `{name}`; the classifier has {}", wanted.join(", "));
                Err(self.damaged(PREFIX, reason))
            }
            None => Ok(()),
        }
    }

    fn values(&self, parameter: &Parameter) -> Result<Vec<f32>> {
        let Parameter { name, shape, .. } = parameter;
        let (dtype, bytes) = dtype(parameter.kind);
        let in_header = |reason: String| self.damaged(PREFIX, format!("tensor `{name}`: {reason}"));
        let entry = self.header.get(name).ok_or_else(|| in_header("is missing".into()))?;
        if entry["dtype"] != dtype {
            return Err(in_header(format!("expected dtype {dtype}, got {}", entry["dtype"])));
        }
        if entry["shape"] != json!(shape) {
            return Err(in_header(format!("expected shape {shape:?}, got {}", entry["shape"])));
        }
        let offset = |at: usize| entry["data_offsets"][at].as_u64().and_then(|n| usize::try_from(n).ok());
        let (Some(start), Some(end)) = (offset(0), offset(1)) else {
            return Err(in_header(format!("expected two data_offsets, got {}", entry["data_offsets"])));
        };
        let size = shape.iter().product::<usize>() * bytes;
        if start.checked_add(size) != Some(end) {
            return Err(in_header(format!("expected {size} bytes, got data_offsets [{start}, {end}]")));
        }
        let data = &self.bytes[self.data_start..];
        let Some(bytes) = data.get(start..end) else {
            let reason = format!("tensor `{name}`: should end at data byte {end}, the file has {}", data.len());
            return Err(self.damaged(self.bytes.len(), reason));
        };
        if parameter.kind == Kind::Batches {
            return Ok(bytes.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f32).collect());
        }
        let (values, _) = bytes.as_chunks::<4>();
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}
