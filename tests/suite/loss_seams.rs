//! Where one way of summing the pair loss ends and another begins: both sides agree within the bounds they return.

use widemargin::loss::differential::{Algo, AllPairs, Boxes, Exact, PairLoss, Reference, Score, Tol, Value, Vectors};

// exp, log and the division round a few units more than the bounds count.
const ROUNDINGS: f64 = 64.0 * f64::EPSILON;

fn draw(seed: u64, m: usize, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let mut side = |count| (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) * scale).collect();
    (side(m), side(n))
}

fn evaluate<S: Score>(engine: &mut dyn PairLoss<S>, s: &[S], t: &[S]) -> (Value, Vec<S>) {
    let (mut in_s, mut in_t) = (vec![S::ZERO; s.len()], vec![S::ZERO; t.len()]);
    let value = engine.evaluate(s, t, &mut in_s, &mut in_t).unwrap();
    in_s.extend(in_t);
    (value, in_s)
}

/// Loss, gradient and the Hessian's diagonal of both engines, component by component; returns who answered.
fn assert_agree(a: &mut dyn PairLoss, b: &mut dyn PairLoss, s: &[f64], t: &[f64], what: &str) -> Algo {
    let ((first, g), (second, h)) = (evaluate(a, s, t), evaluate(b, s, t));
    let close = |x: f64, y: f64, bound: f64| {
        let fine = (x - y).abs() <= (bound + ROUNDINGS) * y.abs() || (x.abs() < 1e-280 && y.abs() < 1e-280);
        assert!(fine, "{what}, {:?} and {:?}: {x:e} and {y:e} within {bound:e}", first.algo, second.algo);
    };
    let bound = first.certified_rel + second.certified_rel;
    close(first.mean, second.mean, bound);
    g.iter().zip(&h).for_each(|(x, y)| close(*x, *y, bound));
    let diagonal = |engine: &mut dyn PairLoss| {
        let (mut of_s, mut of_t) = (vec![0.0; s.len()], vec![0.0; t.len()]);
        let curvature = engine.hessian_diagonal(s, t, None, &mut of_s, &mut of_t).unwrap();
        assert_eq!(curvature.log_scale, 0.0);
        of_s.extend(of_t);
        (curvature.certified_rel, of_s)
    };
    let ((first, g), (second, h)) = (diagonal(a), diagonal(b));
    g.iter().zip(&h).for_each(|(x, y)| close(*x, *y, first + second));
    evaluate(a, s, t).0.algo
}

#[test]
fn few_scores_go_to_blocks_and_many_to_boxes() {
    for tol in [Tol::Fine, Tol::Mid, Tol::Coarse] {
        let mut seen = Vec::new();
        for n in (40..900).step_by(43) {
            let (s, t) = draw(n as u64, n, n, 7.0);
            let algo = assert_agree(&mut AllPairs::new(tol), &mut Exact::default(), &s, &t, &format!("{tol:?} {n}"));
            assert!(algo == Algo::Blocks || algo == Algo::Boxes);
            seen.dedup();
            seen.push(algo);
        }
        seen.dedup();
        assert_eq!(seen, [Algo::Blocks, Algo::Boxes], "{tol:?}");
    }
}

#[test]
fn scores_on_the_edges_of_boxes_and_an_ulp_beside_them() {
    for (tol, width) in [(Tol::Fine, 0.25), (Tol::Mid, 0.5), (Tol::Coarse, 1.0)] {
        // Up to 5 boxes beyond the seam of near and far, 2 apart, on both sides.
        let far = 2.0 / width + 5.0;
        let edges: Vec<f64> = (-far as i32..=far as i32)
            .map(|k| f64::from(k) * width)
            .flat_map(|edge| [edge.next_down(), edge, edge.next_up()])
            .collect();
        for vectors in Vectors::available() {
            let mut boxes = Boxes::with_vectors(tol, vectors);
            assert_agree(&mut boxes, &mut Reference, &edges, &edges, &format!("{tol:?} {vectors:?}"));
            for t in [0.0, width / 3.0, 0f64.next_down()] {
                assert_agree(&mut boxes, &mut Reference, &edges, &[t], &format!("{tol:?} {vectors:?} {t:e}"));
                assert_agree(&mut boxes, &mut Reference, &[t], &edges, &format!("{tol:?} {vectors:?} {t:e}"));
            }
        }
    }
}

#[test]
fn boxes_in_a_table_and_boxes_that_were_sorted() {
    // A table has at most 256 + 2 m boxes of 1/4, and four copies up to 256 boxes.
    for (m, spread) in
        [(10, 68.0), (10, 70.0), (10, 1e4), (10, 1e9), (600, 63.5), (600, 64.5), (600, 300.0), (600, 400.0)]
    {
        let (s, t) = draw(m as u64, m, m + 3, spread / 2.0);
        for vectors in Vectors::available() {
            let mut boxes = Boxes::with_vectors(Tol::Fine, vectors);
            assert_agree(&mut boxes, &mut Reference, &s, &t, &format!("{m} scores over {spread}, {vectors:?}"));
        }
    }
}

#[test]
fn chunks_and_parts_that_are_just_full() {
    for m in [7, 8, 9, 511, 512, 513, 1023, 4097, 65_535, 65_536, 65_537, 131_071, 131_073, 200_000] {
        let (s, t) = draw(m as u64, m, 5, 6.0);
        assert_agree(&mut Boxes::new(Tol::Fine), &mut Exact::default(), &s, &t, &format!("{m} positives"));
        assert_agree(&mut Boxes::new(Tol::Fine), &mut Exact::default(), &t, &s, &format!("{m} negatives"));
    }
}

#[test]
fn f32_scores_give_the_rounded_gradient_of_the_same_f64_scores() {
    for (n, scale, shift) in [(30, 3.0, 0.0), (700, 6.0, 0.0), (40, 500.0, 0.0), (30, 1.0, 20.0)] {
        let (s, t) = draw(n as u64, n, n, scale);
        let narrow = |x: &[f64], by: f64| x.iter().map(|x| (x + by) as f32).collect::<Vec<f32>>();
        let (s, t) = (narrow(&s, shift), narrow(&t, 0.0));
        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
        for tol in [Tol::Fine, Tol::Coarse, Tol::Exact] {
            let (value, g) = evaluate::<f32>(&mut AllPairs::new(tol), &s, &t);
            let (expected, h) = evaluate::<f64>(&mut AllPairs::new(tol), &wide(&s), &wide(&t));
            assert_eq!(value, expected);
            assert!(g.iter().zip(&h).all(|(g, h)| *g == *h as f32));
        }
    }
}

#[test]
fn the_loss_is_convex_and_falls_as_positives_rise() {
    for seed in 0..40 {
        // Sizes on both sides of the seam between blocks and boxes.
        let n = if seed % 2 == 0 { 50 } else { 600 };
        let scale = 10f64.powi(seed as i32 % 4 - 1);
        let ((a, b), (c, d)) = (draw(seed, n, n, scale), draw(seed + 1000, n, n, scale));
        let middle = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x / 2.0 + y / 2.0).collect::<Vec<_>>();
        let loss = |s: &[f64], t: &[f64]| evaluate(&mut AllPairs::default() as &mut dyn PairLoss, s, t).0;
        let (left, right, between) = (loss(&a, &b), loss(&c, &d), loss(&middle(&a, &c), &middle(&b, &d)));
        let slack = 1.0 + left.certified_rel + right.certified_rel + between.certified_rel + ROUNDINGS;
        assert!(between.mean <= slack * (left.mean / 2.0 + right.mean / 2.0));
        let mut risen = a.clone();
        risen[n / 2] += 0.5 * scale;
        assert!(loss(&risen, &b).mean <= slack * left.mean);
    }
}

#[test]
fn the_order_of_scores_changes_only_rounding() {
    for n in [50, 700] {
        let (s, t) = draw(n as u64, n, n + 1, 5.0);
        let turned = |x: &[f64]| x.iter().rev().copied().collect::<Vec<_>>();
        let (value, g) = evaluate(&mut AllPairs::default() as &mut dyn PairLoss, &s, &t);
        let (_, h) = evaluate(&mut AllPairs::default() as &mut dyn PairLoss, &turned(&s), &turned(&t));
        let back: Vec<f64> = h[..n].iter().rev().chain(h[n..].iter().rev()).copied().collect();
        // The approximation is that of the same boxes: what differs is the order of additions.
        let tolerance = value.certified_rel + ROUNDINGS;
        assert!(g.iter().zip(&back).all(|(x, y)| (x - y).abs() <= tolerance * y.abs()));
    }
}
