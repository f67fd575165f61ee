//! Gradients of every operation against central differences of its values, in f64, and what is refused.

use candle_core::{Device, Tensor, Var};
use widemargin::error::Result;
use widemargin::model::ops::{Conv2d, average_pool, batch_norm, conv2d, dense, leaky_relu, max_pool};

/// No two alike, none within 1e-3 of 0: no window has a tie, and no rectifier a kink, within a step of the difference.
fn variable(which: usize, shape: &[usize]) -> Var {
    let count: usize = shape.iter().product();
    let value = |k: usize| (((k + 31 * which) * 7919 + 17) % 10_007) as f64 / 5_003.5 - 1.0;
    let values: Vec<f64> = (0..count).map(value).map(|v| if v.abs() < 1e-3 { 0.25 } else { v }).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

/// Σ c y with a fixed pattern c: every output counts, each differently.
fn objective(y: &Tensor) -> candle_core::Result<Tensor> {
    (y * variable(9, y.dims()).as_detached_tensor())?.sum_all()
}

fn check(name: &str, arguments: &[Var], operation: &dyn Fn(&[Var]) -> Result<Tensor>) {
    const STEP: f64 = 1e-5;
    let gradients = objective(&operation(arguments).unwrap()).unwrap().backward().unwrap();
    for (which, argument) in arguments.iter().enumerate() {
        let ours: Vec<f64> = gradients.get(argument).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let shape = argument.dims().to_vec();
        let values: Vec<f64> = argument.flatten_all().unwrap().to_vec1().unwrap();
        let at = |k: usize, by: f64| {
            let mut moved = values.clone();
            moved[k] += by;
            argument.set(&Tensor::from_vec(moved, shape.as_slice(), &Device::Cpu).unwrap()).unwrap();
            objective(&operation(arguments).unwrap()).unwrap().to_scalar::<f64>().unwrap()
        };
        for (k, ours) in ours.iter().enumerate() {
            let difference = (at(k, STEP) - at(k, -STEP)) / (2.0 * STEP);
            // Sums of about 100 terms of size 1: rounding 1e-14/1e-5, third derivatives 1e-10 times a few.
            assert!((ours - difference).abs() < 1e-7, "{name}, argument {which}, place {k}: {ours} {difference}");
        }
        at(0, 0.0);
    }
}

#[test]
fn every_gradient_is_the_central_difference() {
    let conv = |stride, padding, dilation, groups| Conv2d { stride, padding, dilation, groups };
    // Batch 1, odd sides, a stride that leaves the last columns out, borders wider than the kernel, groups.
    for (x, weight, settings) in [
        ([1, 2, 5, 7], [3, 2, 3, 3], conv(1, 1, 1, 1)),
        ([2, 2, 6, 5], [2, 2, 3, 2], conv(2, 0, 1, 1)),
        ([1, 1, 5, 5], [1, 1, 2, 2], conv(1, 3, 1, 1)),
        ([1, 4, 7, 6], [4, 2, 2, 3], conv(3, 1, 2, 2)),
    ] {
        let arguments = [variable(1, &x), variable(2, &weight), variable(3, &weight[..1])];
        let apply = |a: &[Var]| conv2d(&a[0], &a[1], Some(&a[2]), &settings);
        check(&format!("convolution {x:?} {weight:?} {settings:?}"), &arguments, &apply);
    }
    // Windows that touch, overlap, and leave gaps.
    for (size, stride) in [(2, 2), (3, 2), (2, 3), (1, 1)] {
        let arguments = [variable(4, &[1, 2, 5, 7])];
        check(&format!("max pool {size} {stride}"), &arguments, &|a| max_pool(&a[0], size, stride));
        check(&format!("average pool {size} {stride}"), &arguments, &|a| average_pool(&a[0], size, stride));
    }
    for slope in [0.0, 0.1] {
        check("rectifier", &[variable(5, &[3, 11])], &|a| leaky_relu(&a[0], slope));
    }
    let arguments = [variable(1, &[3, 5]), variable(2, &[4, 5]), variable(3, &[4])];
    check("dense", &arguments, &|a| dense(&a[0], &a[1], Some(&a[2])));
    let arguments = [variable(1, &[2, 3, 3, 2]), variable(2, &[3]), variable(3, &[3])];
    check("batch norm", &arguments, &|a| Ok(batch_norm(&a[0], &a[1], &a[2], 0.1)?.0));
}

#[test]
fn ties_and_exact_zeros_have_the_gradient_that_pytorch_gives_them() {
    // Everywhere the first of equal values; relu'(0) = 0: one-sided, so no difference could decide it.
    let flat = Var::from_tensor(&Tensor::zeros((1, 1, 3, 3), candle_core::DType::F64, &Device::Cpu).unwrap()).unwrap();
    let y = max_pool(&flat, 2, 1).unwrap();
    let gradient = y.sum_all().unwrap().backward().unwrap().get(&flat).unwrap().flatten_all().unwrap();
    assert_eq!(gradient.to_vec1::<f64>().unwrap(), [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let gradients = leaky_relu(&flat, 0.0).unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get(&flat).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap(), [0.0; 9]);
}

#[test]
fn a_penalty_on_the_weights_gradient_is_refused_too() {
    let (x, weight) = (variable(1, &[1, 2, 4, 4]).as_detached_tensor(), variable(2, &[2, 2, 3, 3]));
    let (flat, matrix) = (variable(1, &[2, 5]).as_detached_tensor(), variable(2, &[3, 5]));
    for (argument, y) in [
        (&weight, conv2d(&x, &weight, None, &Conv2d::default()).unwrap()),
        (&matrix, dense(&flat, &matrix, None).unwrap()),
    ] {
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let penalty = gradients.get(argument).unwrap().sqr().unwrap().sum_all().unwrap();
        let message = penalty.backward().unwrap_err().to_string();
        assert!(message.contains("second derivative"), "{message}");
    }
}
