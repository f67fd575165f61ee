use candle_core::{Device, Tensor, Var};
use widemargin::Error;
use widemargin::data::{Dataset, load, synthetic};
use widemargin::display::Show;

fn names(classes: &[&str]) -> Vec<String> {
    classes.iter().map(|name| name.to_string()).collect()
}

fn four() -> Dataset {
    let x = Tensor::arange(0_f32, 8.0, &Device::Cpu).unwrap().reshape((4, 1, 1, 2)).unwrap();
    Dataset::new("four", x, Tensor::new(&[1_u32, 0, 0, 1], &Device::Cpu).unwrap(), names(&["no", "yes"])).unwrap()
}

#[test]
fn select_keeps_inputs_and_labels_together_and_in_order() {
    let some = four().select(&[3, 1, 3]).unwrap();
    assert_eq!(some.rows().unwrap(), [[6.0, 7.0], [2.0, 3.0], [6.0, 7.0]]);
    assert_eq!(some.labels().unwrap(), [1, 0, 1]);
    assert_eq!(some.x.dims(), [3, 1, 1, 2]);
}

#[test]
fn select_refuses_a_row_that_is_not_there() {
    let message = four().select(&[0, 4]).unwrap_err().to_string();
    assert_eq!(message, "select: expected positions below 4, got 4");
}

#[test]
fn an_empty_selection_is_an_empty_set() {
    for none in [four().select(&[]).unwrap(), four().take(0).unwrap()] {
        assert!(none.is_empty());
        assert_eq!((none.labels().unwrap().len(), none.counts().unwrap()), (0, vec![0, 0]));
        assert!(none.rows().unwrap().is_empty());
        assert_eq!(none.x.dims(), [0, 1, 1, 2]);
    }
}

#[test]
fn take_gives_the_first_or_all() {
    assert_eq!(four().take(3).unwrap().labels().unwrap(), [1, 0, 0]);
    assert_eq!(four().take(9).unwrap().len(), 4);
}

#[test]
fn the_two_sides_are_the_inputs_of_class_1_and_0() {
    let data = four();
    assert_eq!(data.positives().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.0, 1.0, 6.0, 7.0]);
    assert_eq!(data.negatives().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0, 3.0, 4.0, 5.0]);
    let (pos, neg) = data.points().unwrap();
    assert_eq!((pos, neg), (vec![vec![0.0, 1.0], vec![6.0, 7.0]], vec![vec![2.0, 3.0], vec![4.0, 5.0]]));
    assert_eq!(data.flat().unwrap().dims(), [4, 2]);
}

#[test]
fn sides_of_a_many_class_set_and_an_empty_side_are_refused() {
    let digits = load("digits").unwrap().test;
    assert!(digits.positives().unwrap_err().to_string().contains("expected two classes"));
    let message = four().select(&[1, 2]).unwrap().points().unwrap_err().to_string();
    assert_eq!(message, "dataset: expected an input of class `yes`, got none in four");
}

#[test]
fn what_does_not_fit_is_refused_with_the_place() {
    let cpu = &Device::Cpu;
    let x = Tensor::zeros((2, 3), candle_core::DType::F32, cpu).unwrap();
    let y = Tensor::new(&[0_u32, 1], cpu).unwrap();
    let refused = |x: &Tensor, y: &Tensor, classes: &[&str]| {
        Dataset::new("set", x.clone(), y.clone(), names(classes)).unwrap_err().to_string()
    };
    assert_eq!(refused(&x, &y, &["a"]), "dataset: expected labels below 1, the number of class names, got 1 in row 1");
    assert!(refused(&x.flatten_all().unwrap(), &y, &["a", "b"]).contains("rank 2 or more, got [6]"));
    assert!(refused(&x, &Tensor::new(&[0_u32], cpu).unwrap(), &["a", "b"]).contains("y (2,)"));
    let wide = x.to_dtype(candle_core::DType::F64).unwrap();
    assert_eq!(refused(&wide, &y, &["a", "b"]), "dataset: expected x of type f32, got f64");
    let mut values = vec![0_f32; 3 * 2000];
    values[3 * 1500 + 2] = f32::NAN; // beyond the first thousand rows, which are looked at together
    let bad = Tensor::from_vec(values, (2000, 3), cpu).unwrap();
    let y = Tensor::zeros(2000, candle_core::DType::U32, cpu).unwrap();
    assert_eq!(refused(&bad, &y, &["a"]), "dataset: expected finite inputs, got NaN in row 1500");
}

#[test]
fn inputs_leave_the_gradient_graph_and_become_contiguous() {
    let var = Var::zeros((3, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    let y = Tensor::zeros(2, candle_core::DType::U32, &Device::Cpu).unwrap();
    let x = var.as_tensor().affine(2.0, 1.0).unwrap().t().unwrap();
    let data = Dataset::new("set", x, y, names(&["a"])).unwrap();
    assert!(!data.x.track_op() && data.x.is_contiguous());
}

#[test]
fn a_notebook_sees_the_classes_counted_and_names_escaped() {
    let mut data = four();
    data.name = "<four>".into();
    let bundle = data.bundle();
    let text = bundle.data["text/plain"].as_str().unwrap();
    assert_eq!(text, "<four>: each input [1, 1, 2]\nclass  inputs\nno          2\nyes         2\nall         4");
    let html = bundle.data["text/html"].as_str().unwrap();
    assert!(
        html.contains("<caption>&lt;four&gt;: each input") && html.contains("<th scope=\"row\">yes</th><td>2</td>")
    );
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    assert!(matches!(load("digit"), Err(Error::Unknown { .. })));
    assert_eq!(load("digit").unwrap_err().to_string(), "unknown data set `digit`; known: digits");
}

#[test]
fn a_cell_can_keep_a_set_and_send_it_to_another_thread() {
    let data = synthetic::two_points().unwrap();
    assert_eq!(std::thread::spawn(move || data.len()).join().unwrap(), 2);
}
