//! The operations of a network on the host's machine, against those of the CPU in candle's graph, in f32 and f64.

use crate::host::{Host, Memory};
use candle_core::{DType, Device, Tensor, Var};
use widemargin::cuda::{Convolution, Machine, Number, Pooling, layers};
use widemargin::model::ops::{self, Conv2d};

const NUMBERS: [Number; 2] = [Number::F32, Number::F64];

fn dtype(number: Number) -> DType {
    match number {
        Number::F32 => DType::F32,
        Number::F64 => DType::F64,
    }
}

fn unit(number: Number) -> f64 {
    match number {
        Number::F32 => f64::from(f32::EPSILON) / 2.0,
        Number::F64 => f64::EPSILON / 2.0,
    }
}

/// Numbers between -1 and 1, multiples of 2^-20, so exact in f32.
fn draw(seed: &str, count: usize) -> Vec<f64> {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(11, seed);
    (0..count).map(|_| f64::from(rng.next_u32() >> 11) / f64::from(1 << 20) - 1.0).collect()
}

fn tensor(values: &[f64], shape: &[usize], number: Number) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap().to_dtype(dtype(number)).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn room(host: &Host, numbers: usize, number: Number) -> Memory {
    host.memory(number.bytes() as usize * numbers).unwrap()
}

fn same(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let equal = got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan());
        assert!(equal, "{what} at {at}: {got:e} for {expected:e}");
    }
}

/// `sizes`: the same sum of absolute values; both sides round each of `terms` additions and products.
fn near(got: &[f64], expected: &[f64], sizes: &[f64], terms: usize, number: Number, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, ((got, expected), size)) in got.iter().zip(expected).zip(sizes).enumerate() {
        let limit = 2.0 * (terms + 1) as f64 * unit(number) * size;
        assert!((got - expected).abs() <= limit, "{what} at {at}: {got:e} for {expected:e}, limit {limit:e}");
    }
}

/// The value of an operation on the CPU, and the gradients of the sum of `slopes` times it.
fn graph(inputs: &[Tensor], slopes: &Tensor, op: impl Fn(&[Var]) -> Tensor) -> Vec<Vec<f64>> {
    let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input).unwrap()).collect();
    let y = op(&vars);
    let gradients = (&y * slopes).unwrap().sum_all().unwrap().backward().unwrap();
    let mut all = vec![values(&y)];
    all.extend(vars.iter().map(|var| values(gradients.get(var).unwrap())));
    all
}

struct Case {
    images: usize,
    channels: usize,
    sides: [usize; 2],
    filters: usize,
    kernel: [usize; 2],
    settings: Conv2d,
}

fn cases() -> Vec<Case> {
    let case = |images, channels, sides, filters, kernel, [stride, padding, dilation, groups]: [usize; 4]| Case {
        images,
        channels,
        sides,
        filters,
        kernel,
        settings: Conv2d { stride, padding, dilation, groups },
    };
    vec![
        case(3, 2, [9, 11], 4, [3, 3], [1, 1, 1, 1]), // more windows than a block has threads
        case(2, 3, [8, 7], 5, [5, 5], [1, 0, 1, 1]),
        case(2, 3, [9, 8], 4, [3, 2], [2, 1, 1, 1]),
        case(2, 2, [11, 10], 3, [3, 3], [3, 2, 2, 1]),
        case(3, 4, [6, 7], 6, [3, 3], [1, 1, 1, 2]),
        case(2, 3, [5, 5], 3, [1, 1], [2, 0, 1, 3]),
        case(1, 1, [3, 3], 1, [3, 3], [1, 0, 1, 1]),
        case(2, 1, [3, 2], 2, [2, 2], [4, 3, 1, 1]), // windows that lie in the padding alone
    ]
}

#[test]
fn a_convolution_has_the_value_and_gradients_of_the_cpus() {
    for (at, case) in cases().into_iter().enumerate() {
        for number in NUMBERS {
            let Some(host) = Host::new(at as u64) else { return };
            let Case { images, channels, sides, filters, kernel, settings } = case;
            let Conv2d { stride, padding, dilation, groups } = settings;
            let shapes = [
                vec![images, channels, sides[0], sides[1]],
                vec![filters, channels / groups, kernel[0], kernel[1]],
                vec![filters],
            ];
            let inputs: Vec<Vec<f64>> = (0..3).map(|k| draw(&format!("{at} {k}"), count(&shapes[k]))).collect();
            let op = |vars: &[Var]| ops::conv2d(&vars[0], &vars[1], Some(&vars[2]), &settings).unwrap();
            let tensors = |map: &dyn Fn(f64) -> f64| -> Vec<Tensor> {
                let one = |(values, shape): (&Vec<f64>, &Vec<usize>)| {
                    tensor(&values.iter().map(|v| map(*v)).collect::<Vec<_>>(), shape, number)
                };
                inputs.iter().zip(&shapes).map(one).collect()
            };
            let vars: Vec<Var> = tensors(&|v| v).iter().map(|t| Var::from_tensor(t).unwrap()).collect();
            let shape = op(&vars).dims().to_vec();
            let slopes = draw(&format!("{at} slopes"), count(&shape));
            let expected = graph(&tensors(&|v| v), &tensor(&slopes, &shape, number), op);
            let absolute: Vec<f64> = slopes.iter().map(|v| v.abs()).collect();
            let sizes = graph(&tensors(&f64::abs), &tensor(&absolute, &shape, number), op);

            let [x, weight, bias] = [0, 1, 2].map(|k| host.holding(&inputs[k], number));
            let gradient = host.holding(&slopes, number);
            let out = [shape.clone(), shapes[0].clone(), shapes[1].clone(), shapes[2].clone()]
                .map(|shape| room(&host, count(&shape), number));
            let address = |memory: &Memory| host.address(memory);
            let own = Convolution {
                images,
                channels,
                filters,
                groups,
                sides,
                kernel,
                stride,
                padding,
                dilation,
                out: [shape[2], shape[3]],
                number,
            };
            own.forward(&host, address(&x), address(&weight), Some(address(&bias)), address(&out[0])).unwrap();
            own.input_gradient(&host, address(&gradient), address(&weight), address(&out[1])).unwrap();
            own.weight_gradient(&host, address(&gradient), address(&x), address(&out[2])).unwrap();
            let sums = [images, filters, shape[2] * shape[3]];
            layers::channel_sums(&host, number, address(&gradient), sums, address(&out[3])).unwrap();
            let windows = images * shape[2] * shape[3];
            let taps = channels / groups * kernel[0] * kernel[1];
            let terms = [taps + 1, filters * kernel[0] * kernel[1], windows, windows];
            for k in 0..4 {
                let what = format!("case {at}, {number:?}, {}", ["y", "dx", "dw", "db"][k]);
                near(&host.numbers(&out[k], number), &expected[k], &sizes[k], terms[k], number, &what);
            }
            if number == Number::F64 {
                // Without a bias, and again in another order of threads.
                let other = Host::new(1000).unwrap();
                let [x, weight] = [0, 1].map(|k| other.holding(&inputs[k], number));
                let y = room(&other, count(&shape), number);
                own.forward(&other, other.address(&x), other.address(&weight), None, other.address(&y)).unwrap();
                let pixels = shape[2] * shape[3];
                let without: Vec<f64> = other.numbers(&y, number);
                let with = host.numbers(&out[0], number);
                let added: Vec<f64> =
                    without.iter().enumerate().map(|(at, y)| y + inputs[2][at / pixels % filters]).collect();
                same(&added, &with, "the bias is added last");
            }
        }
    }
}

#[test]
fn pools_give_the_bytes_of_the_cpus() {
    for (at, (sides, size, stride)) in
        [([8, 10], 2, 2), ([7, 9], 2, 2), ([9, 8], 3, 2), ([6, 7], 3, 1), ([5, 5], 2, 3), ([4, 4], 4, 4)]
            .iter()
            .enumerate()
    {
        for number in NUMBERS {
            for maximum in [true, false] {
                let Some(host) = Host::new(at as u64) else { return };
                let shape = [3, 2, sides[0], sides[1]];
                let what = format!("{shape:?}, {size}, {stride}, {number:?}, maximum {maximum}");
                // Few different values: many windows have several maxima. One NaN, which wins.
                let mut x: Vec<f64> = draw("pool", count(&shape)).iter().map(|v| (v * 3.0).round()).collect();
                x[17] = f64::NAN;
                let op = |vars: &[Var]| {
                    let pool = if maximum { ops::max_pool } else { ops::average_pool };
                    pool(&vars[0], *size, *stride).unwrap()
                };
                let own = Pooling { planes: 6, sides: *sides, size: *size, stride: *stride, maximum, number };
                let windows = sides.map(|side| (side - size) / stride + 1);
                let slopes = draw("pool slopes", 6 * count(&windows));
                let y_shape = [3, 2, windows[0], windows[1]];
                let expected = graph(&[tensor(&x, &shape, number)], &tensor(&slopes, &y_shape, number), op);
                let (x, gradient) = (host.holding(&x, number), host.holding(&slopes, number));
                let (y, out) = (room(&host, slopes.len(), number), room(&host, count(&shape), number));
                let [x, gradient, y_at, out_at] = [&x, &gradient, &y, &out].map(|memory| host.address(memory));
                own.forward(&host, x, y_at).unwrap();
                own.gradient(&host, gradient, x, out_at).unwrap();
                same(&host.numbers(&y, number), &expected[0], &what);
                same(&host.numbers(&out, number), &expected[1], &format!("gradient, {what}"));
            }
        }
    }
}

#[test]
fn the_rectifier_gives_the_bytes_of_the_cpus() {
    for number in NUMBERS {
        for slope in [0.0, 0.01] {
            let Some(host) = Host::new(3) else { return };
            let mut x = draw("rectifier", 700);
            x[..5].copy_from_slice(&[0.0, -0.0, f64::NEG_INFINITY, f64::NAN, f64::INFINITY]);
            let slopes = draw("rectifier slopes", 700);
            let op = |vars: &[Var]| ops::leaky_relu(&vars[0], slope).unwrap();
            let expected = graph(&[tensor(&x, &[700], number)], &tensor(&slopes, &[700], number), op);
            let (x, gradient) = (host.holding(&x, number), host.holding(&slopes, number));
            let (y, out) = (room(&host, 700, number), room(&host, 700, number));
            let [x, gradient, y_at, out_at] = [&x, &gradient, &y, &out].map(|memory| host.address(memory));
            layers::rectify(&host, number, x, 700, slope, y_at).unwrap();
            layers::rectify_gradient(&host, number, [gradient, x, out_at], 700, slope).unwrap();
            same(&host.numbers(&y, number), &expected[0], "rectifier");
            // candle adds a gradient to zeros, which makes 0 of -0.
            let got: Vec<f64> = host.numbers(&out, number).iter().map(|g| g + 0.0).collect();
            same(&got, &expected[1], "rectifier's gradient");
        }
    }
}

#[test]
fn a_dense_layer_has_the_value_and_gradients_of_the_cpus() {
    let [n, i, o] = [37, 23, 11];
    let shapes = [vec![n, i], vec![o, i], vec![o]];
    for number in NUMBERS {
        let Some(host) = Host::new(4) else { return };
        let inputs: Vec<Vec<f64>> = (0..3).map(|k| draw(&format!("dense {k}"), count(&shapes[k]))).collect();
        let slopes = draw("dense slopes", n * o);
        let run = |map: &dyn Fn(f64) -> f64| {
            let mapped = |values: &[f64]| values.iter().map(|v| map(*v)).collect::<Vec<f64>>();
            let tensors: Vec<Tensor> = (0..3).map(|k| tensor(&mapped(&inputs[k]), &shapes[k], number)).collect();
            let op = |vars: &[Var]| ops::dense(&vars[0], &vars[1], Some(&vars[2])).unwrap();
            graph(&tensors, &tensor(&mapped(&slopes), &[n, o], number), op)
        };
        let (expected, sizes) = (run(&|v| v), run(&f64::abs));
        let memories = [0, 1, 2].map(|k| host.holding(&inputs[k], number));
        let gradient = host.holding(&slopes, number);
        let out = [n * o, n * i, o * i, o].map(|numbers| room(&host, numbers, number));
        let [x, weight, bias] = [0, 1, 2].map(|k| host.address(&memories[k]));
        let [y, dx, dw, db] = [0, 1, 2, 3].map(|k| host.address(&out[k]));
        let gradient = host.address(&gradient);
        layers::dense(&host, number, [x, weight, bias, y], [n, i, o]).unwrap();
        layers::dense_input_gradient(&host, number, [gradient, weight, dx], [n, i, o]).unwrap();
        layers::dense_weight_gradient(&host, number, [gradient, x, dw], [n, i, o]).unwrap();
        layers::channel_sums(&host, number, gradient, [n, o, 1], db).unwrap();
        for (k, terms) in [i + 1, o, n, n].into_iter().enumerate() {
            let what = format!("{number:?}, {}", ["y", "dx", "dw", "db"][k]);
            near(&host.numbers(&out[k], number), &expected[k], &sizes[k], terms, number, &what);
        }
    }
}

#[test]
fn a_step_of_descent_gives_the_bytes_of_the_formula() {
    let Some(host) = Host::new(5) else { return };
    let [v, p, g] = ["v", "p", "g"].map(|name| draw(name, 600));
    let (momentum, decay, rate) = (0.9_f32, 1e-3_f32, 0.05_f32);
    let memories = [&v, &p, &g].map(|values| host.holding(values, Number::F32));
    let [v_at, p_at, g_at] = [0, 1, 2].map(|k| host.address(&memories[k]));
    layers::velocity(&host, [v_at, p_at, g_at], 600, momentum, decay).unwrap();
    layers::descend(&host, [p_at, v_at], 600, rate).unwrap();
    let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
    let (v, p, g) = (single(&v), single(&p), single(&g));
    let velocity: Vec<f32> = (0..600).map(|k| momentum * v[k] + (g[k] + decay * p[k])).collect();
    let moved: Vec<f64> = (0..600).map(|k| f64::from(p[k] - rate * velocity[k])).collect();
    same(&host.numbers(&memories[0], Number::F32), &velocity.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), "v");
    same(&host.numbers(&memories[1], Number::F32), &moved, "p");
}

#[test]
fn sizes_that_32_bits_cannot_count_are_refused() {
    let Some(host) = Host::new(6) else { return };
    let sizes =
        Pooling { planes: 1 << 20, sides: [1 << 10, 1 << 10], size: 2, stride: 2, maximum: true, number: Number::F32 };
    let message = sizes.forward(&host, 0, 0).unwrap_err().to_string();
    assert!(message.contains("use smaller batches"), "{message}");
}
