//! The convolution against its definition, for sizes that end inside a vector, and what it computes and refuses.

use candle_core::{DType, Device, Tensor, Var};
use widemargin::model::ops::{Conv2d, average_pool, conv2d, dense, leaky_relu, max_pool};

fn values(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|k| f64::from((((k + seed) * 7919 + 13) % 2003) as f32 / 1001.5 - 1.0)).collect()
}

fn tensor(values: &[f64], shape: &[usize], dtype: DType) -> Var {
    let tensor = Tensor::from_vec(values.to_vec(), shape, &Device::Cpu).unwrap();
    Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// (image, channels, height, width), (filters, kernel height, kernel width), settings.
type Case = ([usize; 4], [usize; 3], Conv2d);

fn cases() -> Vec<Case> {
    let conv = |stride, padding, dilation, groups| Conv2d { stride, padding, dilation, groups };
    let mut cases = Vec::new();
    // Every remainder of filters and of channels by the tiles, widths on both sides of one, two and three vectors.
    for filters in [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 33] {
        cases.push(([2, filters % 5 + 1, 5, 7], [filters, 3, 3], conv(1, 1, 1, 1)));
    }
    for width in [3, 4, 13, 14, 15, 16, 17, 31, 32, 33, 47, 48, 49, 50] {
        cases.push(([1, 2, 3, width], [3, 3, 3], conv(1, 1, 1, 1)));
    }
    // Kernel sizes, borders of zeros wider than the kernel, gaps, strides that leave columns out.
    for (kh, kw) in [(1, 1), (2, 2), (5, 5), (1, 7), (3, 2), (4, 5)] {
        for (stride, padding, dilation) in [(1, 0, 1), (1, 3, 1), (2, 1, 1), (3, 2, 2), (1, 2, 2), (2, 5, 3)] {
            let reach = |size: usize| ((size - 1) * dilation + 1).saturating_sub(2 * padding).max(1);
            cases.push(([3, 4, reach(kh) + 5, reach(kw) + 4], [6, kh, kw], conv(stride, padding, dilation, 2)));
            cases.push(([1, 1, reach(kh), reach(kw)], [2, kh, kw], conv(stride, padding, dilation, 1)));
        }
    }
    cases.push(([19, 2, 4, 4], [3, 3, 3], conv(1, 1, 1, 1))); // more images than pieces
    // By tiles of 2×2: both remainders of the sides, borders of any width, filters and channels that fill no vector, a
    // single row or column, rows of one and of several vectors of tiles, many rows.
    for (height, width) in [(1, 1), (1, 20), (20, 1), (2, 2), (5, 7), (6, 4), (7, 8), (8, 9), (3, 31), (4, 34), (2, 67)]
    {
        for (channels, filters, padding) in [(16, 16, 1), (17, 23, 1), (21, 16, 0), (16, 18, 2), (16, 16, 3)] {
            if height.min(width) + 2 * padding >= 3 {
                cases.push(([2, channels, height, width], [filters, 3, 3], conv(1, padding, 1, 1)));
            }
        }
    }
    cases.push(([1, 16, 9, 34], [17, 3, 3], conv(1, 1, 1, 1)));
    cases
}

/// y, and the gradients of sum(y · g) in x, weight and bias, by the definition.
fn defined(case: &Case, x: &[f64], weight: &[f64], bias: &[f64], g: &[f64]) -> [Vec<f64>; 4] {
    let ([n, c, h, w], [o, kh, kw], Conv2d { stride, padding, dilation, groups }) = *case;
    let side = |pixels: usize, kernel: usize| (pixels + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1;
    let (rows, columns, per_group) = (side(h, kh), side(w, kw), c / groups);
    let mut out = [vec![0.0; n * o * rows * columns], vec![0.0; x.len()], vec![0.0; weight.len()], vec![0.0; o]];
    for at in 0..n * o * rows * columns {
        let (image, filter, i, j) =
            (at / (o * rows * columns), at / (rows * columns) % o, at / columns % rows, at % columns);
        out[0][at] += bias[filter];
        out[3][filter] += g[at];
        for tap in 0..per_group * kh * kw {
            let (channel, ky, kx) = (tap / (kh * kw), tap / kw % kh, tap % kw);
            let (y, z) = (i * stride + ky * dilation, j * stride + kx * dilation);
            if y < padding || z < padding || y - padding >= h || z - padding >= w {
                continue;
            }
            let channel = filter / (o / groups) * per_group + channel;
            let from = ((image * c + channel) * h + y - padding) * w + z - padding;
            let own = filter * per_group * kh * kw + tap;
            out[0][at] += weight[own] * x[from];
            out[1][from] += weight[own] * g[at];
            out[2][own] += x[from] * g[at];
        }
    }
    out
}

#[test]
fn values_and_gradients_are_the_definitions() {
    for case in cases() {
        let ([n, c, h, w], [o, kh, kw], settings) = case;
        let x_shape = [n, c, h, w];
        let shape = [o, c / settings.groups, kh, kw];
        if c % settings.groups != 0 {
            continue;
        }
        let (x, weight, bias) = (values(n * c * h * w, 1), values(shape.iter().product(), 2), values(o, 3));
        // Sums of some hundred products of numbers below 1.
        for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 3e-5)] {
            let (a, k, b) = (tensor(&x, &x_shape, dtype), tensor(&weight, &shape, dtype), tensor(&bias, &[o], dtype));
            let y = conv2d(&a, &k, Some(&b), &settings).unwrap();
            let g = values(y.elem_count(), 4);
            let gradients = (&y * tensor(&g, y.dims(), dtype).as_tensor()).unwrap().sum_all().unwrap();
            let gradients = gradients.backward().unwrap();
            let got = [&y, gradients.get(&a).unwrap(), gradients.get(&k).unwrap(), gradients.get(&b).unwrap()];
            for (what, (got, expected)) in got.into_iter().zip(defined(&case, &x, &weight, &bias, &g)).enumerate() {
                for (at, (got, expected)) in floats(got).into_iter().zip(expected).enumerate() {
                    // Beyond 30 in proportion: 1e-6 of a sum in f32.
                    let wrong = (got - expected).abs() / (expected.abs() / 30.0).max(1.0);
                    assert!(wrong <= tolerance, "{case:?} result {what} at {at}: {got} for {expected}");
                }
            }
        }
    }
}

#[test]
fn narrower_vectors_give_the_same_up_to_rounding() {
    // The vectors are chosen once in a process, so each kind has its own.
    for vectors in ["avx2", "portable"] {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "model_ops_convolution::values_and_gradients_are_the_definitions"])
            .env("WIDEMARGIN_VECTORS", vectors)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && output.contains("1 passed"), "{vectors}: {output}");
    }
}

#[test]
fn tiles_of_small_whole_numbers_are_exact() {
    // Weights that are multiples of 4 have whole quarters, and no sum comes near 2^24: nothing is rounded on the way.
    let whole = |count: usize, seed: usize, factor: f64| -> Vec<f64> {
        values(count, seed).into_iter().map(|v| (v * 7.0).round() * factor).collect()
    };
    let case = ([2, 19, 19, 21], [18, 3, 3], Conv2d { padding: 1, ..Conv2d::default() });
    let (x, weight, bias) = (whole(2 * 19 * 19 * 21, 1, 1.0), whole(18 * 19 * 9, 2, 4.0), whole(18, 3, 1.0));
    let (a, b) = (tensor(&x, &[2, 19, 19, 21], DType::F32), tensor(&bias, &[18], DType::F32));
    let k = tensor(&weight, &[18, 19, 3, 3], DType::F32);
    let y = conv2d(&a, &k, Some(&b), &case.2).unwrap();
    let g = whole(y.elem_count(), 4, 1.0);
    let gradients = (&y * tensor(&g, y.dims(), DType::F32).as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
    let [expected, in_x, ..] = defined(&case, &x, &weight, &bias, &g);
    assert_eq!(floats(&y), expected);
    assert_eq!(floats(gradients.get(&a).unwrap()), in_x);
}

#[test]
fn an_image_has_the_same_bytes_alone_and_in_a_batch() {
    let (x, weight) = (values(5 * 16 * 11 * 13, 1), values(17 * 16 * 9, 2));
    let weight = tensor(&weight, &[17, 16, 3, 3], DType::F32);
    let settings = Conv2d { padding: 1, ..Conv2d::default() };
    let both = |x: &[f64]| {
        let x = tensor(x, &[x.len() / (16 * 11 * 13), 16, 11, 13], DType::F32);
        let y = conv2d(&x, &weight, None, &settings).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        [floats(&y), floats(gradients.get(&x).unwrap())]
    };
    let together = both(&x);
    for (image, x) in x.chunks(16 * 11 * 13).enumerate() {
        for (alone, together) in both(x).iter().zip(&together) {
            assert_eq!(alone[..], together[image * alone.len()..][..alone.len()], "image {image}");
        }
    }
}

#[test]
fn one_thread_and_three_give_the_same_bytes() {
    let bits = |threads: usize, channels: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = tensor(&values(37 * channels * 12 * 11, 1), &[37, channels, 12, 11], DType::F32);
            let weight = tensor(&values(20 * channels * 9, 2), &[20, channels, 3, 3], DType::F32);
            let bias = tensor(&values(20, 3), &[20], DType::F32);
            let y = conv2d(&x, &weight, Some(&bias), &Conv2d { padding: 1, ..Conv2d::default() }).unwrap();
            let y = max_pool(&leaky_relu(&y, 0.0).unwrap(), 3, 2).unwrap();
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let all = [&x, &weight, &bias].map(|var| floats(gradients.get(var).unwrap()));
            all.concat().into_iter().map(f64::to_bits).collect::<Vec<_>>()
        })
    };
    // By the definition and by tiles.
    for channels in [3, 16] {
        assert_eq!(bits(1, channels), bits(3, channels));
    }
}

#[test]
fn gradients_that_are_not_tracked_are_not_made() {
    let x = tensor(&values(2 * 25, 1), &[1, 2, 5, 5], DType::F32);
    let weight = tensor(&values(3 * 2 * 9, 2), &[3, 2, 3, 3], DType::F32);
    let y = conv2d(&x, &weight.as_detached_tensor(), None, &Conv2d::default()).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&x).is_some() && gradients.get(&weight).is_none());
    let y = conv2d(&x.as_detached_tensor(), &weight, None, &Conv2d::default()).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&x).is_none() && gradients.get(&weight).is_some());
}

#[test]
fn a_transposed_image_is_read_in_its_own_order() {
    let x = tensor(&values(2 * 4 * 6, 1), &[1, 2, 4, 6], DType::F64);
    let weight = tensor(&values(2 * 2 * 2 * 3, 2), &[2, 2, 2, 3], DType::F64);
    let turned = x.transpose(2, 3).unwrap();
    let y = conv2d(&turned, &weight, None, &Conv2d::default()).unwrap();
    let copy = Var::from_tensor(&turned.contiguous().unwrap()).unwrap();
    let expected = conv2d(&copy, &weight, None, &Conv2d::default()).unwrap();
    assert_eq!(floats(&y), floats(&expected));
    let gradient = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let there = expected.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let back = there.get(&copy).unwrap().transpose(2, 3).unwrap();
    assert_eq!(floats(gradient.get(&x).unwrap()), floats(&back));
}

#[test]
fn what_does_not_fit_is_refused_with_sizes() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let message = |x: &[usize], weight: &[usize], settings: Conv2d| {
        conv2d(&zeros(x), &zeros(weight), None, &settings).unwrap_err().to_string()
    };
    let plain = Conv2d::default();
    assert!(message(&[1, 3, 4, 4], &[2, 3, 5, 5], plain).contains("got [1, 3, 4, 4]"));
    assert!(message(&[1, 3, 4, 4], &[2, 2, 3, 3], plain).contains("weight [2, 2, 3, 3]"));
    assert!(message(&[1, 3, 4], &[2, 3, 3, 3], plain).contains("expected x (n, c, h, w)"));
    assert!(message(&[1, 3, 4, 4], &[2, 3, 3, 3], Conv2d { stride: 0, ..plain }).contains("stride: 0"));
    assert!(message(&[1, 4, 4, 4], &[3, 2, 3, 3], Conv2d { groups: 2, ..plain }).contains("groups: 2"));
    let bias = conv2d(&zeros(&[1, 1, 3, 3]), &zeros(&[2, 1, 3, 3]), Some(&zeros(&[3])), &plain).unwrap_err();
    assert_eq!(bias.to_string(), "conv2d: expected bias (2,), got [3]");
    let whole = Tensor::zeros((1, 1, 3, 3), DType::U8, &Device::Cpu).unwrap();
    let weight = Tensor::zeros((1, 1, 3, 3), DType::U8, &Device::Cpu).unwrap();
    assert!(conv2d(&whole, &weight, None, &plain).unwrap_err().to_string().contains("must be f32 or f64"));
}

#[test]
fn a_second_derivative_is_refused_and_not_silently_wrong() {
    let x = tensor(&values(2 * 16, 1), &[1, 2, 4, 4], DType::F64);
    let flat = tensor(&values(32, 1), &[1, 32], DType::F64);
    // Weights held fixed: the refusal must come from the input's own graph.
    let weight = tensor(&values(2 * 2 * 9, 2), &[2, 2, 3, 3], DType::F64).as_detached_tensor();
    let matrix = tensor(&values(3 * 32, 3), &[3, 32], DType::F64).as_detached_tensor();
    let results = [
        (&x, conv2d(&x, &weight, None, &Conv2d { padding: 1, ..Conv2d::default() }).unwrap()),
        (&flat, dense(&flat, &matrix, None).unwrap()),
        (&x, max_pool(&x, 2, 2).unwrap()),
        (&x, average_pool(&x, 2, 2).unwrap()),
        (&x, leaky_relu(&x, 0.1).unwrap()),
    ];
    for (x, y) in results {
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let penalty = gradients.get(x).unwrap().sqr().unwrap().sum_all().unwrap();
        let message = penalty.backward().unwrap_err().to_string();
        assert!(message.contains("second derivative"), "{message}");
    }
}
