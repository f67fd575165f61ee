use widemargin::Error;
use widemargin::data::{Split, digits};
use widemargin::display::Show;

#[test]
fn a_pair_holds_both_classes_in_the_order_of_the_split_with_1_for_the_positives() {
    let split = digits().unwrap();
    let pair = split.pair(3, 8).unwrap();
    for (whole, part, pos, neg) in [(&split.train, &pair.train, 121, 118), (&split.test, &pair.test, 62, 56)] {
        assert_eq!(part.counts().unwrap(), [neg, pos]);
        assert_eq!(part.classes, ["8", "3"]);
        let rows = whole.rows().unwrap().into_iter().zip(whole.labels().unwrap());
        let (x, y): (Vec<_>, Vec<_>) =
            rows.filter(|(_, label)| [3, 8].contains(label)).map(|(row, label)| (row, u32::from(label == 3))).unzip();
        assert_eq!((part.rows().unwrap(), part.labels().unwrap()), (x, y));
        assert_eq!(part.x.dims()[1..], [1, 8, 8]);
    }
    assert_eq!(pair.train.name, "digits train, 3 against 8");
}

#[test]
fn swapping_the_classes_swaps_the_labels_only() {
    let split = digits().unwrap();
    let (a, b) = (split.pair(4, 9).unwrap().test, split.pair(9, 4).unwrap().test);
    assert_eq!(a.rows().unwrap(), b.rows().unwrap());
    assert!(a.labels().unwrap().iter().zip(b.labels().unwrap()).all(|(a, b)| a + b == 1));
}

#[test]
fn classes_that_are_equal_unknown_or_empty_are_refused() {
    let split = digits().unwrap();
    assert_eq!(split.pair(3, 3).unwrap_err().to_string(), "pair: expected two different classes, got 3 twice");
    assert_eq!(split.pair(3, 10).unwrap_err().to_string(), "pair: expected classes below 10, got 3 and 10");
    let short = Split { train: split.train.clone(), test: split.test.select(&[0]).unwrap() };
    let error = short.pair(3, 8).unwrap_err();
    assert!(matches!(error, Error::Value { .. }) && error.to_string().ends_with("none in digits test"));
}

#[test]
fn a_notebook_sees_both_parts_side_by_side() {
    let bundle = digits().unwrap().pair(3, 8).unwrap().bundle();
    let text = bundle.data["text/plain"].as_str().unwrap();
    assert!(text.ends_with("class  train  test\n8        118    56\n3        121    62\nall      239   118"));
}
