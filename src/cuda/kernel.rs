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
/// `kernels/attack_course.cu`
const COURSE: &Source =
    &Source { file: "attack_course.cu", text: include_str!("../../kernels/attack_course.cu"), options: PLAIN };
/// `kernels/columns.cu`
const COLUMNS: &Source = &Source { file: "columns.cu", text: include_str!("../../kernels/columns.cu"), options: PLAIN };
/// `kernels/pool.cu`
const POOL: &Source = &Source { file: "pool.cu", text: include_str!("../../kernels/pool.cu"), options: PLAIN };
/// `kernels/layers.cu`
const LAYERS: &Source = &Source { file: "layers.cu", text: include_str!("../../kernels/layers.cu"), options: PLAIN };

impl Source {
    /// All files.
    pub const ALL: [&Source; 8] = [EXACT, BOXES, SEPARATED, STEP, COURSE, COLUMNS, POOL, LAYERS];
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

const COLUMNS_F32: &str = "const float*, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, float*";
const COLUMNS_F64: &str = "const double*, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, double*";
const POOL_F32: &str = "const float*, u32, u32, u32, u32, u32, u32, u32, float*";
const POOL_F64: &str = "const double*, u32, u32, u32, u32, u32, u32, u32, double*";
const POOL_GRADIENT_F32: &str = "const float*, const float*, u32, u32, u32, u32, u32, u32, u32, float*";
const POOL_GRADIENT_F64: &str = "const double*, const double*, u32, u32, u32, u32, u32, u32, u32, double*";

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
    kernel(COURSE, "attack_slopes", "const float*, const u32*, u32, u32, u32, float*", 256, 0),
    kernel(
        COURSE,
        "attack_note",
        "const float*, const float*, const u32*, u32, u32, u32, u32*, double*, float*, u32*, double*",
        256,
        8,
    ),
    kernel(COLUMNS, "columns_f32", COLUMNS_F32, 256, 0),
    kernel(COLUMNS, "columns_f64", COLUMNS_F64, 256, 0),
    kernel(COLUMNS, "images_f32", COLUMNS_F32, 256, 0),
    kernel(COLUMNS, "images_f64", COLUMNS_F64, 256, 0),
    kernel(COLUMNS, "swap_axes_f32", "const float*, const float*, u32, u32, float*", 256, 0),
    kernel(COLUMNS, "swap_axes_f64", "const double*, const double*, u32, u32, double*", 256, 0),
    kernel(POOL, "max_pool_f32", POOL_F32, 256, 0),
    kernel(POOL, "max_pool_f64", POOL_F64, 256, 0),
    kernel(POOL, "average_pool_f32", POOL_F32, 256, 0),
    kernel(POOL, "average_pool_f64", POOL_F64, 256, 0),
    kernel(POOL, "max_pool_gradient_f32", POOL_GRADIENT_F32, 256, 0),
    kernel(POOL, "max_pool_gradient_f64", POOL_GRADIENT_F64, 256, 0),
    kernel(POOL, "average_pool_gradient_f32", POOL_GRADIENT_F32, 256, 0),
    kernel(POOL, "average_pool_gradient_f64", POOL_GRADIENT_F64, 256, 0),
    kernel(LAYERS, "rectify_f32", "const float*, u32, double, float*", 256, 0),
    kernel(LAYERS, "rectify_f64", "const double*, u32, double, double*", 256, 0),
    kernel(LAYERS, "rectify_gradient_f32", "const float*, const float*, u32, double, float*", 256, 0),
    kernel(LAYERS, "rectify_gradient_f64", "const double*, const double*, u32, double, double*", 256, 0),
    kernel(LAYERS, "add_bias_f32", "float*, const float*, u32, u32", 256, 0),
    kernel(LAYERS, "add_bias_f64", "double*, const double*, u32, u32", 256, 0),
    kernel(LAYERS, "channel_sums_f32", "const float*, u32, u32, float*", 256, 64),
    kernel(LAYERS, "channel_sums_f64", "const double*, u32, u32, double*", 256, 64),
    kernel(LAYERS, "velocity_f32", "float*, const float*, const float*, u32, float, float", 256, 0),
    kernel(LAYERS, "descend_f32", "float*, const float*, u32, float", 256, 0),
];
