//! A clean image, what the attack changed, and the result, side by side.

use super::Figure;
use super::bitmap::Bitmap;
use super::style::{brief, layout, plot};
use crate::attack::Adversarial;
use crate::error::{Error, Result};
use plotly::color::Rgb;
use plotly::common::{Anchor, ColorScale, ColorScaleElement, Font, HoverInfo};
use plotly::layout::{Annotation, Axis, AxisConstrain, Margin};
use plotly::{HeatMap, Image, Layout, Trace};

const OP: &str = "triptych";
/// Where the three panels stand, as shares of the width.
const PANELS: [[f64; 2]; 3] = [[0.0, 0.31], [0.345, 0.655], [0.69, 1.0]];

/// Image `row` before the attack, its change, and after.
///
/// The change is drawn on a scale symmetric around no change (white for one channel, grey for three), enlarged by the
/// factor in its heading. Images are (n, 1, h, w) or (n, 3, h, w) in [0, 1].
/// Errors: `Shape` for other shapes; `Value` if there is no such row.
pub fn triptych(found: &Adversarial, row: usize) -> Result<Figure> {
    let (clean, attacked) = (Bitmap::of(OP, &found.clean, row)?, Bitmap::of(OP, &found.x, row)?);
    let lost = || Error::Value { op: OP, expected: "one label and class per image".into(), got: "fewer".into() };
    let label = *found.labels.get(row).ok_or_else(lost)?;
    let before = *found.clean_predicted.get(row).ok_or_else(lost)?;
    let after = *found.predicted.get(row).ok_or_else(lost)?;
    let change = attacked.zip(&clean, |a, x| a - x);
    let largest = change.largest();
    let size = match found.norm {
        crate::attack::Norm::Linf => largest,
        crate::attack::Norm::L2 => change.length(),
        crate::attack::Norm::L1 => change.sum_of_sizes(),
    };
    // Enlarged so that the largest change has the strongest colour; nothing to enlarge if nothing changed.
    let factor = if largest > 0.0 { 0.5 / largest } else { 1.0 };
    let headings = [
        format!("clean: class {label}<br>classified as {before}"),
        format!("change × {}<br>{} {}", brief(factor), found.norm, brief(size)),
        format!("attacked: class {label}<br>classified as {after}"),
    ];
    let [a, b, c] = [clean.height, clean.width, clean.channels];
    let alt = format!(
        "Image {row} of {b} by {a} pixels of class {label}, classified as {before}; a change of {} {} {} {after}.",
        found.norm,
        brief(size),
        if after == before { "leaves it at" } else { "moves it to" },
    );
    let key = if c == 1 { "change: blue is darker, orange lighter, white unchanged" } else { "" };
    let mut layout = layout("One image under attack").height(380).show_legend(false);
    let hidden = || Axis::new().visible(false).constrain(AxisConstrain::Domain);
    let panel = |k: usize| hidden().domain(&PANELS[k]);
    // The first row of an image is on top.
    let upright = |anchor: &str| hidden().range(vec![a as f64 - 0.5, -0.5]).anchor(anchor).scale_anchor(anchor);
    layout = layout.x_axis(panel(0)).x_axis2(panel(1)).x_axis3(panel(2));
    layout = layout.y_axis(upright("x")).y_axis2(upright("x2")).y_axis3(upright("x3"));
    let layout = annotate(layout, &headings, key);
    let mut plot = plot(layout);
    let traces: [Box<dyn Trace>; 3] = if c == 1 {
        [grey(&clean, ""), diverging(&change, largest, "2"), grey(&attacked, "3")]
    } else {
        let shown = change.zip(&change, |d, _| 0.5 + factor * d);
        [photograph(&clean, ""), photograph(&shown, "2"), photograph(&attacked, "3")]
    };
    traces.into_iter().for_each(|trace| plot.add_trace(trace));
    Ok(Figure::new(&plot, alt))
}

/// A heading above each panel and the key of the colours below all.
fn annotate(layout: Layout, headings: &[String; 3], key: &str) -> Layout {
    let note = |text: &str, x: f64| {
        let note = Annotation::new().text(text).x_ref("paper").y_ref("paper").x(x).x_anchor(Anchor::Center);
        note.show_arrow(false).font(Font::new().size(13))
    };
    let heading =
        |(text, panel): (&String, [f64; 2])| note(text, (panel[0] + panel[1]) / 2.0).y(1.02).y_anchor(Anchor::Bottom);
    let mut notes: Vec<Annotation> = headings.iter().zip(PANELS).map(heading).collect();
    if !key.is_empty() {
        notes.push(note(key, 0.5).y(-0.04).y_anchor(Anchor::Top));
    }
    layout.margin(Margin::new().top(110).right(24).bottom(52).left(24)).annotations(notes)
}

fn grey(image: &Bitmap, panel: &str) -> Box<dyn Trace> {
    let scale = [(0.0, "#000000"), (1.0, "#FFFFFF")];
    heat(image, panel, 0.0, 1.0, &scale)
}

fn diverging(change: &Bitmap, largest: f64, panel: &str) -> Box<dyn Trace> {
    // Blue for darker, white for unchanged, vermilion for lighter: told apart by every common form of colour blindness.
    let scale = [(0.0, "#0072B2"), (0.5, "#FFFFFF"), (1.0, "#D55E00")];
    let limit = if largest > 0.0 { largest } else { 1.0 };
    heat(change, panel, -limit, limit, &scale)
}

fn heat(image: &Bitmap, panel: &str, low: f64, high: f64, scale: &[(f64, &str)]) -> Box<dyn Trace> {
    let scale = scale.iter().map(|(at, colour)| ColorScaleElement(*at, (*colour).to_owned())).collect();
    HeatMap::new_z(image.lines())
        .zmin(low)
        .zmax(high)
        .color_scale(ColorScale::Vector(scale))
        .show_scale(false)
        .x_axis(format!("x{panel}"))
        .y_axis(format!("y{panel}"))
}

fn photograph(image: &Bitmap, panel: &str) -> Box<dyn Trace> {
    let colours: Vec<Vec<Rgb>> =
        image.colours().into_iter().map(|line| line.into_iter().map(|[r, g, b]| Rgb::new(r, g, b)).collect()).collect();
    Image::new(colours).x_axis(format!("x{panel}")).y_axis(format!("y{panel}")).hover_info(HoverInfo::Skip)
}
