//! What values look like: tables, pictures, tensors.

use candle_core::{DType, Device, Tensor, Var};
use std::io::Read;
use widemargin::data::{Dataset, digits};
use widemargin::display::{Bundle, MARK, Png, Record, Show, Table, base64, number};

fn text(value: &impl Show) -> String {
    value.bundle().plain().expect("plain text is always there").to_owned()
}

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn a_tensor_says_what_it_is_and_the_range_of_its_values() {
    let shown = text(&tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]));
    let wanted = "Tensor (2, 3) f32 on cpu: 6 values, min 1, mean 3.5, max 6\n[0]  1  2  3\n[1]  4  5  6";
    assert_eq!(shown, wanted);
    assert_eq!(text(&tensor(&[0.5], &[])), "Tensor () f32 on cpu: 1 value, min 0.5, mean 0.5, max 0.5\n  0.5");
    let var = Var::zeros(2, DType::F64, &Device::Cpu).unwrap();
    assert_eq!(text(&var), "Var (2,) f64 on cpu: 2 values, min 0, mean 0, max 0\n  0  0");
}

#[test]
fn a_large_tensor_shows_its_head_and_its_tail() {
    let whole = Tensor::arange(0_i64, 10 * 20 * 30, &Device::Cpu).unwrap().reshape((10, 20, 30)).unwrap();
    let shown = text(&whole);
    let lines: Vec<&str> = shown.lines().collect();
    // The mean of 0 to 5999.
    assert_eq!(lines[0], "Tensor (10, 20, 30) i64 on cpu: 6000 values, min 0, mean 3000, max 5999");
    assert_eq!(lines[1], "[0, 0]      0     1     2     3  …    26    27    28    29");
    assert_eq!(lines[4], "…");
    assert_eq!(lines[6], "[9, 19]  5970  5971  5972  5973  …  5996  5997  5998  5999");
    assert_eq!(lines.len(), 7);
}

#[test]
fn values_that_are_not_finite_are_counted_and_said() {
    let shown = text(&tensor(&[f32::NAN, 1.0, f32::INFINITY, 3.0, f32::NEG_INFINITY, f32::NAN], &[6]));
    let first = shown.lines().next().unwrap();
    let wanted = "Tensor (6,) f32 on cpu: 6 values, NOT FINITE: 2 NaN, 1 inf, 1 -inf; of the 2 values that are finite, \
                  min 1, mean 2, max 3";
    assert_eq!(first, wanted);
    let all = text(&tensor(&[f32::NAN], &[1]));
    assert_eq!(all, "Tensor (1,) f32 on cpu: 1 value, NOT FINITE: 1 NaN\n  NaN");
}

#[test]
fn an_empty_tensor_and_one_in_another_order_are_no_trouble() {
    assert_eq!(text(&Tensor::zeros((0, 3), DType::F32, &Device::Cpu).unwrap()), "Tensor (0, 3) f32 on cpu: 0 values");
    assert_eq!(text(&Tensor::zeros((3, 0), DType::F32, &Device::Cpu).unwrap()), "Tensor (3, 0) f32 on cpu: 0 values");
    let turned = tensor(&[1.0, 2.0, 3.0, 4.0], &[2, 2]).t().unwrap();
    assert!(text(&turned).ends_with("\n[0]  1  3\n[1]  2  4"), "{}", text(&turned));
}

#[test]
fn the_mean_of_many_values_is_not_lost_in_rounding() {
    // The sum, 30,750,000, lies beyond 2^24, where f32 has no room for halves.
    let values: Vec<f32> = (0..3_000_000).map(|k| if k % 2 == 0 { 10.0 } else { 10.5 }).collect();
    assert!(text(&tensor(&values, &[3_000_000])).contains("mean 10.25,"));
}

#[test]
fn a_table_is_aligned_text_and_html_with_its_notes() {
    let mut table = Table::new("a < b", ["net", "accuracy"]);
    table.row(["one", "0.5"]);
    table.row(["the other", "0.25"]);
    table.notes.push("Two nets.".into());
    let bundle = table.bundle();
    assert_eq!(bundle.plain(), Some("a < b\nnet        accuracy\none             0.5\nthe other      0.25\nTwo nets."));
    let html = bundle.data["text/html"].as_str().unwrap();
    assert!(html.starts_with("<table><caption>a &lt; b</caption><thead><tr><th scope=\"col\">net</th>"), "{html}");
    assert!(html.ends_with("<th scope=\"row\">the other</th><td>0.25</td></tr></tbody></table><p>Two nets.</p>"));
}

#[test]
fn numbers_keep_their_significant_digits() {
    let shown = [0.0, 1.0, -0.0625, 999.96, 123_456.0, 1_234_567.0, 0.00001234, f64::NAN, f64::NEG_INFINITY];
    let wanted = ["0", "1", "-0.0625", "1000", "123456", "1.235e6", "1.234e-5", "NaN", "-inf"];
    assert_eq!(shown.map(|v| number(v, 4)), wanted);
}

#[test]
fn base64_is_that_of_the_standard() {
    // RFC 4648, section 10.
    let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
    pairs.iter().for_each(|(plain, packed)| assert_eq!(base64(plain.as_bytes()), *packed));
}

/// The chunks of a PNG file by name, and its pixels behind their filter bytes.
fn unpacked(file: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut at, mut names, mut pixels) = (8, Vec::new(), Vec::new());
    while at < file.len() {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        names.push(String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned());
        if names.last().unwrap() == "IDAT" {
            flate2::read::ZlibDecoder::new(&file[at + 8..at + 8 + length]).read_to_end(&mut pixels).unwrap();
        }
        at += 12 + length;
    }
    (names, pixels)
}

#[test]
fn a_picture_is_a_png_file_that_holds_its_pixels() {
    let pixels = vec![10, 20, 30, 40, 50, 60, 1, 2, 3, 250, 0, 7];
    let picture = Png { width: 2, height: 2, channels: 3, pixels, alt: "Four pixels.".into() };
    let file = picture.file();
    let (names, lines) = unpacked(&file);
    assert_eq!(names, ["IHDR", "IDAT", "IEND"]);
    // The checksum of an empty IEND chunk is the same in every PNG file.
    assert_eq!(file[file.len() - 4..], [0xAE, 0x42, 0x60, 0x82]);
    // Filter 1: differences to the pixel on the left; 250 - 1, 0 - 2, 7 - 3 modulo 256.
    assert_eq!(lines, [1, 10, 20, 30, 30, 30, 30, 1, 1, 2, 3, 249, 254, 4]);
    let twice = picture.enlarged(2);
    assert_eq!((twice.width, twice.height), (4, 4));
    let row = [10, 20, 30, 10, 20, 30, 40, 50, 60, 40, 50, 60];
    assert_eq!((&twice.pixels[..12], &twice.pixels[12..24]), (&row[..], &row[..]));
    assert_eq!(twice.pixels[24..30], [1, 2, 3, 1, 2, 3]);
    // Two pixels are too small to see: they are shown as 16.
    let bundle = picture.bundle();
    let shown = base64(&picture.enlarged(8).file());
    assert_eq!((bundle.plain(), &bundle.data["image/png"]), (Some("Four pixels."), &shown.into()));
}

#[test]
fn a_grid_shows_the_first_images_of_each_class_in_one_picture() {
    let values: Vec<f32> = (0..4 * 4).map(|v| v as f32 / 15.0).collect();
    let labels = Tensor::new(&[1_u32, 0, 1, 1], &Device::Cpu).unwrap();
    let data = Dataset::new("four", tensor(&values, &[4, 1, 2, 2]), labels, vec!["a".into(), "b".into()]).unwrap();
    let grid = data.grid(2).unwrap();
    assert_eq!((grid.width, grid.height, grid.channels), (5, 5, 1));
    let white = 255;
    // Class a has image 1 alone (values 4 to 7 of 15), class b images 0 and 2 (0 to 3, 8 to 11); 255 / 15 = 17.
    let wanted = [
        [4 * 17, 5 * 17, white, white, white],
        [6 * 17, 7 * 17, white, white, white],
        [white; 5],
        [0, 17, white, 8 * 17, 9 * 17],
        [2 * 17, 3 * 17, white, 10 * 17, 11 * 17],
    ];
    assert_eq!(grid.pixels, wanted.concat());
    assert_eq!(grid.alt, "The first 2 images of each class of four, 2 by 2 pixels, one class a line: a, b.");
    let message = data.grid(0).unwrap_err().to_string();
    assert_eq!(message, "grid: expected at least one image and one column, got 4 and 0");
}

#[test]
fn values_outside_of_0_to_1_are_scaled_and_the_words_say_so() {
    let x = tensor(&[-1.0, 0.0, 1.0, 3.0], &[1, 1, 2, 2]);
    let y = Tensor::zeros(1, DType::U32, &Device::Cpu).unwrap();
    let mut data = Dataset::new("one", x, y, vec!["a".into()]).unwrap();
    let grid = data.grid(8).unwrap();
    // 0 to 255 over the range of 4; 63.75 and 127.5 are rounded away from zero.
    assert_eq!(grid.pixels, [0, 64, 128, 255]);
    assert!(grid.alt.ends_with("Black is -1 and white is 3."), "{}", grid.alt);
    data.x = tensor(&[0.0, f32::NAN, 0.0, 0.0], &[1, 1, 2, 2]);
    assert_eq!(data.grid(1).unwrap_err().to_string(), "grid: expected finite values, got NaN in row 0");
    let bundle = data.bundle();
    assert!(bundle.plain().unwrap().ends_with("grid: expected finite values, got NaN in row 0"));
    assert!(bundle.data["text/html"].as_str().unwrap().contains("got NaN in row 0"));
}

#[test]
fn a_set_of_images_shows_them_and_a_set_of_points_does_not() {
    let pair = digits().unwrap().pair(3, 8).unwrap();
    let html = pair.bundle().data["text/html"].as_str().unwrap().to_owned();
    assert_eq!(html.matches("<img alt=\"The first 8 images of each class of digits train").count(), 1);
    assert!(html.contains("data:image/png;base64,iVBORw0KGgo"));
    // The notebook's file keeps it.
    assert!(html.len() < 20_000, "{}", html.len());
    let points = widemargin::data::synthetic::two_points().unwrap();
    assert!(!points.bundle().data["text/html"].as_str().unwrap().contains("<img"));
}

#[test]
fn what_wraps_a_value_shows_the_value() {
    let inner = Bundle::text("inner");
    assert_eq!(text(&Some(inner.clone())), "inner");
    assert_eq!(text(&Option::<Bundle>::None), "None");
    assert_eq!(text(&Result::<_, String>::Ok(&inner)), "inner");
    assert_eq!(text(&Result::<Bundle, _>::Err("no")), "Err(\"no\")");
    assert!(Result::<(), String>::Ok(()).bundle().data.is_empty());
}

#[test]
fn every_record_survives_the_line_that_carries_it() {
    let bundle = Bundle::text("two\nlines").with("application/json", serde_json::json!({"a": [1, null]}));
    let records = [
        Record::Display(bundle.clone()),
        Record::Result(bundle.clone()),
        Record::Update("id".into(), bundle),
        Record::Clear { wait: true },
        Record::Question { message: "m".into(), line: 3 },
        Record::Panic { message: "m".into(), file: "f".into(), line: 3, backtrace: "b\nc".into() },
        Record::Evcxr("EVCXR".into()),
    ];
    for record in records {
        let line = record.line();
        assert!(line.starts_with(MARK) && !line.contains('\n'), "{line}");
        assert_eq!(Record::parse(&line), Some(record));
    }
    assert_eq!(Record::parse("{\"t\":\"clear\",\"wait\":true}"), None);
    assert_eq!(Record::parse("\u{1e}{\"t\":\"clear\"}"), None);
}
