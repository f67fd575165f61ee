//! The nearest adversarial input in Linf against the exact distances of linear models.

use crate::attack_evaluate::alone;
use crate::attack_nets::{exact, labels, linear, tensors};
use candle_core::{Device, Tensor};
use widemargin::attack::{MinimalLinf, Norm, Status};
use widemargin::certify::{interval_radii, linear_distances};
use widemargin::error::Error;

fn quiet() -> MinimalLinf {
    MinimalLinf { silent: true, ..MinimalLinf::default() }
}

#[test]
fn distances_of_a_linear_model_inside_the_box_are_exact() {
    let file = tensors("attack_minimal.safetensors");
    let net = exact("linear64", &file);
    let (x, y) = (&file["linear64.x"], labels(&file, "linear64.y"));
    let wanted = linear_distances(&net, x, &y, Norm::Linf, Some([0.0, 1.0])).unwrap();
    let found = quiet().run(&net, x, &y).unwrap();
    let radii = quiet().radii(&net, x, &y).unwrap();
    // 32/255 halved until nothing below a 2^9th of the first interval is left.
    let resolution = 32.0 / 255.0 / 512.0;
    for (row, wanted) in wanted.iter().enumerate() {
        let got = found.distances()[row];
        // Float32 rounding of scores and pixels, as in attack_minimal.rs.
        assert!(got > wanted - 1e-4 && got <= wanted * 1.005, "row {row}: {got} {wanted}");
        assert!(
            radii[row] > wanted - 1e-4 && radii[row] <= wanted + resolution + 1e-4,
            "row {row}: {} {wanted}",
            radii[row]
        );
        assert!(radii[row] >= got - 1e-6, "row {row}: {} {got}", radii[row]);
    }
}

#[test]
fn rows_that_are_wrong_or_cannot_be_broken_say_so() {
    // Score 0.4 - x: class 0 only for x above 0.4, and never class 0 under a bias of 2.
    let x = Tensor::new(&[[0.1_f32], [0.1]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32, 0], &Device::Cpu).unwrap();
    let found = quiet().run(&linear(&[-1.0], 0.4), &x, &y).unwrap();
    assert_eq!(found.status(), [Status::Found, Status::MisclassifiedClean]);
    assert!((found.distances()[0] - 0.3).abs() < 1e-5 && found.distances()[1] == 0.0, "{:?}", found.distances());
    let y = Tensor::new(&[1_u32, 1], &Device::Cpu).unwrap();
    let found = quiet().run(&linear(&[-1.0], 2.0), &x, &y).unwrap();
    assert_eq!(found.status(), [Status::Censored; 2]);
    assert_eq!(quiet().radii(&linear(&[-1.0], 2.0), &x, &y).unwrap(), [f64::INFINITY; 2]);
    let error = MinimalLinf { first: 0.0, ..quiet() }.run(&linear(&[-1.0], 2.0), &x, &y).unwrap_err();
    assert!(error.to_string().contains("first radius above 0"), "{error}");
}

#[test]
fn an_interrupt_ends_the_search_and_the_proof() {
    if !alone("attack_minimal_linf::an_interrupt_ends_the_search_and_the_proof") {
        return;
    }
    let file = tensors("attack_minimal.safetensors");
    let net = exact("relu8", &file);
    let (x, y) = (&file["relu8.x"], labels(&file, "relu8.y"));
    widemargin::progress::interrupt();
    let found = quiet().run(&net, x, &y).unwrap();
    assert!(found.interrupted);
    for result in [quiet().radii(&net, x, &y), interval_radii(&net, x, &y, [0.0, 1.0])] {
        assert!(matches!(result, Err(Error::Interrupted { .. })), "{result:?}");
    }
}
