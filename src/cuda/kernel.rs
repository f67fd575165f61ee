//! The launch table: what a caller must know of each CUDA kernel. Tests compare it with the sources.

use crate::error::{Error, Result};

/// A file of CUDA kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The file's name.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Options for NVRTC beside the architecture.
    pub options: &'static [&'static str],
}

// Fused multiply-adds stand in the sources, so that the host's compiler rounds as the device's.
const PLAIN: &[&str] = &["--std=c++17", "--fmad=false"];
// Denormals in f32 are flushed only where the bound of the pair loss allows it.
const FLUSHED: &[&str] = &["--std=c++17", "--fmad=false", "--ftz=true"];

/// `kernels/pair_exact.cu`
const EXACT: &Source =
    &Source { file: "pair_exact.cu", text: include_str!("../../kernels/pair_exact.cu"), options: FLUSHED };
/// `kernels/pair_boxes.cu`
const BOXES: &Source =
    &Source { file: "pair_boxes.cu", text: include_str!("../../kernels/pair_boxes.cu"), options: PLAIN };
/// `kernels/pair_separated.cu`
const SEPARATED: &Source =
    &Source { file: "pair_separated.cu", text: include_str!("../../kernels/pair_separated.cu"), options: PLAIN };
/// `kernels/attack_step.cu`
const STEP: &Source =
    &Source { file: "attack_step.cu", text: include_str!("../../kernels/attack_step.cu"), options: PLAIN };

impl Source {
    /// All files.
    pub const ALL: [&Source; 4] = [EXACT, BOXES, SEPARATED, STEP];
}

/// One CUDA kernel.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its name in the source.
    pub name: &'static str,
    /// Where it stands.
    pub source: &'static Source,
    /// The C types of its parameters.
    pub parameters: &'static str,
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of dynamic shared memory of a block.
    pub shared: u32,
}

impl Kernel {
    /// The one of this name.
    pub fn named(name: &str) -> Result<&'static Kernel> {
        KERNELS.iter().find(|kernel| kernel.name == name).ok_or_else(|| Error::Unknown {
            what: "CUDA kernel",
            got: name.into(),
            known: KERNELS.iter().map(|kernel| kernel.name.into()).collect(),
        })
    }

    /// The C type of each parameter.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.parameters.split(", ")
    }
}

const ELEMENTARY_F32: &str = "const double*, u32, float*";
const ELEMENTARY_F64: &str = "const double*, u32, double*";
const ROWS_F32: &str = "const double*, u32, const float*, u32, u32, double*";
const ROWS_F64: &str = "const double*, u32, const double*, u32, u32, double*";
const ROWS_LOSS_F32: &str = "const double*, u32, const float*, u32, u32, u32, u32, double*, double*";
const ROWS_LOSS_F64: &str = "const double*, u32, const double*, u32, u32, u32, u32, double*, double*";
const STEP_PARAMETERS: &str =
    "float*, const float*, const float*, u32, const double*, const float*, float, float, u32*";

const fn kernel(
    source: &'static Source,
    name: &'static str,
    parameters: &'static str,
    threads: u32,
    shared: u32,
) -> Kernel {
    Kernel { name, source, parameters, threads, shared }
}

/// Every CUDA kernel.
pub const KERNELS: &[Kernel] = &[
    kernel(EXACT, "extremes_f32", "const float*, u32, u32, double*", 256, 6144),
    kernel(EXACT, "extremes_f64", "const double*, u32, u32, double*", 256, 6144),
    kernel(EXACT, "factors_f32", "const float*, u32, u32, double, double, double*", 256, 0),
    kernel(EXACT, "factors_f64", "const double*, u32, u32, double, double, double*", 256, 0),
    kernel(EXACT, "elementary_f32_k4", ELEMENTARY_F32, 128, 0),
    kernel(EXACT, "elementary_f32_k2", ELEMENTARY_F32, 128, 0),
    kernel(EXACT, "elementary_f64_k16", ELEMENTARY_F64, 128, 0),
    kernel(EXACT, "elementary_f64_k8", ELEMENTARY_F64, 128, 0),
    kernel(EXACT, "elementary_f64_k4", ELEMENTARY_F64, 128, 0),
    kernel(EXACT, "elementary_f64_k2", ELEMENTARY_F64, 128, 0),
    kernel(EXACT, "rows_f32_k4", ROWS_F32, 128, 1024),
    kernel(EXACT, "rows_f32_k2", ROWS_F32, 128, 512),
    kernel(EXACT, "rows_f64_k16", ROWS_F64, 128, 8192),
    kernel(EXACT, "rows_f64_k8", ROWS_F64, 128, 4096),
    kernel(EXACT, "rows_f64_k4", ROWS_F64, 128, 2048),
    kernel(EXACT, "rows_f64_k2", ROWS_F64, 128, 1024),
    kernel(EXACT, "rows_loss_f32_k4", ROWS_LOSS_F32, 128, 1024),
    kernel(EXACT, "rows_loss_f32_k2", ROWS_LOSS_F32, 128, 512),
    kernel(EXACT, "rows_loss_f64_k16", ROWS_LOSS_F64, 128, 8192),
    kernel(EXACT, "rows_loss_f64_k8", ROWS_LOSS_F64, 128, 4096),
    kernel(EXACT, "rows_loss_f64_k4", ROWS_LOSS_F64, 128, 2048),
    kernel(EXACT, "rows_loss_f64_k2", ROWS_LOSS_F64, 128, 1024),
    kernel(EXACT, "definition_f32", "const float*, u32, const float*, u32, u32, double, double*, double*", 128, 0),
    kernel(EXACT, "definition_f64", "const double*, u32, const double*, u32, u32, double, double*, double*", 128, 0),
    kernel(EXACT, "finish_f32", "const double*, u32, u32, double, float*", 256, 0),
    kernel(EXACT, "finish_f64", "const double*, u32, u32, double, double*", 256, 0),
    kernel(EXACT, "total", "const double*, u64, u64, double, double*", 256, 64),
    kernel(SEPARATED, "power_sums", "const double*, u32, u32, double*", 256, 320),
    kernel(
        SEPARATED,
        "separated_slopes_f32",
        "const double*, u32, double, double, double, double, double, float*",
        256,
        0,
    ),
    kernel(
        SEPARATED,
        "separated_slopes_f64",
        "const double*, u32, double, double, double, double, double, double*",
        256,
        0,
    ),
    kernel(BOXES, "box_gather_f32", "const float*, u32, u32, double, double, u32, u32, u32, double*", 64, 45056),
    kernel(BOXES, "box_gather_f64", "const double*, u32, u32, double, double, u32, u32, u32, double*", 64, 45056),
    kernel(
        BOXES,
        "box_nodes",
        "const double*, u32, u32, u32, u32, const double*, u32, double*, double*, double*",
        64,
        640,
    ),
    kernel(BOXES, "box_prefix", "const double*, u32, double*", 256, 6144),
    kernel(
        BOXES,
        "box_field_loss",
        "u32, u32, u32, double, const double*, const double*, const double*, const double*, const double*, \
         const double*, double, double*, double*",
        64,
        1408,
    ),
    kernel(
        BOXES,
        "box_field",
        "u32, u32, u32, double, const double*, const double*, const double*, const double*, const double*, \
         const double*, double, double*",
        64,
        1408,
    ),
    kernel(BOXES, "box_evaluate_f32", "const float*, u32, double, double, const double*, float*", 256, 0),
    kernel(BOXES, "box_evaluate_f64", "const double*, u32, double, double, const double*, double*", 256, 0),
    kernel(STEP, "attack_step_linf", STEP_PARAMETERS, 256, 64),
    kernel(STEP, "attack_step_l2", STEP_PARAMETERS, 256, 64),
];
