//! A clean image, what the attack changed, and the result, side by side; and a random change of equal size beside them.

use super::Figure;
use super::bitmap::Bitmap;
use super::style::{brief, plot, watched};
use crate::attack::{Adversarial, Norm};
use crate::error::{Error, Result};
use plotly::color::Rgb;
use plotly::common::{Anchor, ColorScale, ColorScaleElement, Font, HoverInfo};
use plotly::layout::{Annotation, Axis, AxisConstrain, Margin};
use plotly::{HeatMap, Image, Layout, Trace};

const OP: &str = "triptych";
/// The share of the width between two panels.
const GAP: f64 = 0.03;

/// Image `row` before the attack, its change, and after.
///
/// The change is drawn on a scale symmetric around no change (white for one channel, grey for three), enlarged by the
/// factor in its heading. Images are (n, 1, h, w) or (n, 3, h, w) in [0, 1].
/// Errors: `Shape` for other shapes; `Value` if there is no such row.
pub fn triptych(found: &Adversarial, row: usize) -> Result<Figure> {
    draw(found, None, row)
}

/// [`triptych`] with a random change and its result beside it, on the same scale; `noise` is usually
/// [`equal_noise`](crate::attack::equal_noise) of `found`.
///
/// What to watch for: the random change is as large and should leave the class alone. If it does not, size alone decides
/// and the attack has shown nothing. Errors: as `triptych`; `Shape` if `noise` has images of another shape.
pub fn triptych_beside_noise(found: &Adversarial, noise: &Adversarial, row: usize) -> Result<Figure> {
    if noise.x.dims() != found.x.dims() {
        let expected = format!("noise of shape {:?}", found.x.dims());
        return Err(Error::Shape { op: OP, expected, got: noise.x.dims().into() });
    }
    draw(found, Some(noise), row)
}

/// What became of one image.
struct Changed {
    image: Bitmap,
    change: Bitmap,
    /// The size of the change in words.
    size: String,
    class: u32,
}

impl Changed {
    fn of(clean: &Bitmap, found: &Adversarial, row: usize) -> Result<Self> {
        let image = Bitmap::of(OP, &found.x, row)?;
        let change = image.zip(clean, |a, x| a - x);
        let size = match found.norm {
            Norm::Linf => change.largest(),
            Norm::L2 => change.length(),
            Norm::L1 => change.sum_of_sizes(),
        };
        let size = format!("{} {}", found.norm, brief(size));
        Ok(Self { image, change, size, class: *found.predicted.get(row).ok_or_else(lost)? })
    }
}

fn lost() -> Error {
    Error::Value { op: OP, expected: "one label and class per image".into(), got: "fewer".into() }
}

fn draw(found: &Adversarial, noise: Option<&Adversarial>, row: usize) -> Result<Figure> {
    let clean = Bitmap::of(OP, &found.clean, row)?;
    let label = *found.labels.get(row).ok_or_else(lost)?;
    let before = *found.clean_predicted.get(row).ok_or_else(lost)?;
    let attacked = Changed::of(&clean, found, row)?;
    let random = noise.map(|noise| Changed::of(&clean, noise, row)).transpose()?;
    // Enlarged so that the largest change has the strongest colour; nothing to enlarge if nothing changed.
    let largest = attacked.change.largest();
    let factor = if largest > 0.0 { 0.5 / largest } else { 1.0 };
    let moves = |class: u32| if class == before { "leaves it at" } else { "moves it to" };
    let mut alt = format!(
        "Image {row} of {} by {} pixels of class {label}, classified as {before}; a change of {} {} {}",
        clean.width,
        clean.height,
        attacked.size,
        moves(attacked.class),
        attacked.class,
    );
    let mut headings = vec![
        format!("clean: class {label}<br>classified as {before}"),
        format!("change × {}<br>{}", brief(factor), attacked.size),
        format!("attacked: class {label}<br>classified as {}", attacked.class),
    ];
    let mut panels = vec![Panel::Image(&clean), Panel::Change(&attacked.change), Panel::Image(&attacked.image)];
    if let Some(random) = &random {
        headings.push(format!("random × {}<br>{}", brief(factor), random.size));
        headings.push(format!("random: class {label}<br>classified as {}", random.class));
        panels.extend([Panel::Change(&random.change), Panel::Image(&random.image)]);
        alt += &format!(", a random one of {} {} {}", random.size, moves(random.class), random.class);
    }
    let watch = match random {
        Some(_) => "Watch: a random change as large should leave the class alone; if it does not, size alone decides.",
        None => "Watch: what changed and how little; the factor in the middle says how much it is enlarged.",
    };
    let title = watched("One image under attack", watch).height(420).show_legend(false);
    let mut plot = plot(arrange(title, &clean, &headings));
    for (k, panel) in panels.iter().enumerate() {
        let axis = if k == 0 { String::new() } else { (k + 1).to_string() };
        plot.add_trace(panel.trace(largest, factor, &axis));
    }
    Ok(Figure::new(&plot, alt + "."))
}

/// Axes for each panel, a heading above it, and the key of the colours below all.
fn arrange(layout: Layout, clean: &Bitmap, headings: &[String]) -> Layout {
    let count = headings.len() as f64;
    let wide = (1.0 - (count - 1.0) * GAP) / count;
    let domain = |k: usize| [k as f64 * (wide + GAP), k as f64 * (wide + GAP) + wide];
    let hidden = || Axis::new().visible(false).constrain(AxisConstrain::Domain);
    // The first row of an image is on top.
    let range = vec![clean.height as f64 - 0.5, -0.5];
    let upright = |anchor: &str| hidden().range(range.clone()).anchor(anchor).scale_anchor(anchor);
    let across = |k: usize| hidden().domain(&domain(k));
    let mut layout = layout.x_axis(across(0)).y_axis(upright("x"));
    layout = layout.x_axis2(across(1)).y_axis2(upright("x2")).x_axis3(across(2)).y_axis3(upright("x3"));
    if headings.len() == 5 {
        layout = layout.x_axis4(across(3)).y_axis4(upright("x4")).x_axis5(across(4)).y_axis5(upright("x5"));
    }
    let size = if headings.len() == 5 { 12 } else { 13 };
    let note = |text: &str, x: f64| {
        let note = Annotation::new().text(text).x_ref("paper").y_ref("paper").x(x).x_anchor(Anchor::Center);
        note.show_arrow(false).font(Font::new().size(size))
    };
    let heading = |(k, text): (usize, &String)| {
        let [left, right] = domain(k);
        note(text, (left + right) / 2.0).y(1.02).y_anchor(Anchor::Bottom)
    };
    let mut notes: Vec<Annotation> = headings.iter().enumerate().map(heading).collect();
    let key = match clean.channels {
        1 => "change: blue is darker, orange lighter, white unchanged",
        _ => "change: each channel around grey, which is unchanged",
    };
    notes.push(note(key, 0.5).y(-0.04).y_anchor(Anchor::Top));
    layout.margin(Margin::new().top(150).right(24).bottom(52).left(24)).annotations(notes)
}

/// What a panel shows.
enum Panel<'a> {
    Image(&'a Bitmap),
    Change(&'a Bitmap),
}

impl Panel<'_> {
    fn trace(&self, largest: f64, factor: f64, axis: &str) -> Box<dyn Trace> {
        match self {
            Panel::Image(image) if image.channels == 1 => {
                heat(image, axis, [0.0, 1.0], &[(0.0, "#000000"), (1.0, "#FFFFFF")])
            }
            Panel::Image(image) => photograph(image, axis),
            Panel::Change(change) if change.channels == 1 => {
                // Blue, white, vermilion: told apart by every common form of colour blindness.
                let scale = [(0.0, "#0072B2"), (0.5, "#FFFFFF"), (1.0, "#D55E00")];
                let limit = if largest > 0.0 { largest } else { 1.0 };
                heat(change, axis, [-limit, limit], &scale)
            }
            Panel::Change(change) => photograph(&change.zip(change, |d, _| 0.5 + factor * d), axis),
        }
    }
}

fn heat(image: &Bitmap, axis: &str, [low, high]: [f64; 2], scale: &[(f64, &str)]) -> Box<dyn Trace> {
    let scale = scale.iter().map(|(at, colour)| ColorScaleElement(*at, (*colour).to_owned())).collect();
    HeatMap::new_z(image.lines())
        .zmin(low)
        .zmax(high)
        .color_scale(ColorScale::Vector(scale))
        .show_scale(false)
        .x_axis(format!("x{axis}"))
        .y_axis(format!("y{axis}"))
}

fn photograph(image: &Bitmap, axis: &str) -> Box<dyn Trace> {
    let colours: Vec<Vec<Rgb>> =
        image.colours().into_iter().map(|line| line.into_iter().map(|[r, g, b]| Rgb::new(r, g, b)).collect()).collect();
    Image::new(colours).x_axis(format!("x{axis}")).y_axis(format!("y{axis}")).hover_info(HoverInfo::Skip)
}
