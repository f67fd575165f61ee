//! How all figures look: colours, dashes, markers, axes.

use plotly::color::Rgba;
use plotly::common::{Anchor, DashType, ExponentFormat, Font, MarkerSymbol, Orientation, Title};
use plotly::layout::{Axis, AxisType, Legend, Margin};
use plotly::{Configuration, Layout, Plot};

/// Okabe and Ito's colours without the yellow, which is too pale for a line on white. Told apart by every common form of
/// colour blindness; the order puts the strongest contrasts first.
const COLOURS: [(u8, u8, u8); 7] = [
    (0x00, 0x72, 0xB2),
    (0xD5, 0x5E, 0x00),
    (0x00, 0x9E, 0x73),
    (0xCC, 0x79, 0xA7),
    (0x00, 0x00, 0x00),
    (0xE6, 0x9F, 0x00),
    (0x56, 0xB4, 0xE9),
];

/// Colour `k` as plotly writes it; they repeat after seven.
pub(super) fn colour(k: usize) -> String {
    let (r, g, b) = COLOURS[k % COLOURS.len()];
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// The same colour, see-through.
pub(super) fn tint(k: usize, opacity: f64) -> Rgba {
    let (r, g, b) = COLOURS[k % COLOURS.len()];
    Rgba::new(r, g, b, opacity)
}

/// Dash `k`, so that colour is never the only difference; they repeat after six.
pub(super) fn dash(k: usize) -> DashType {
    match k % 6 {
        0 => DashType::Solid,
        1 => DashType::Dash,
        2 => DashType::DashDot,
        3 => DashType::Dot,
        4 => DashType::LongDash,
        _ => DashType::LongDashDot,
    }
}

/// Marker `k`; they repeat after five, so together with the dashes a look repeats after thirty.
pub(super) fn symbol(k: usize) -> MarkerSymbol {
    match k % 5 {
        0 => MarkerSymbol::Circle,
        1 => MarkerSymbol::Square,
        2 => MarkerSymbol::Diamond,
        3 => MarkerSymbol::Cross,
        _ => MarkerSymbol::TriangleUp,
    }
}

/// A labelled axis with a light grid.
pub(super) fn axis(title: &str) -> Axis {
    Axis::new()
        .title(Title::with_text(title).font(Font::new().size(13)))
        .auto_margin(true)
        .grid_color("#E5E5E5")
        .line_color("#666666")
        .show_line(true)
        .zero_line(false)
        .ticks(plotly::layout::TicksDirection::Outside)
}

/// The same axis, logarithmic, for values between `low` and `high`.
pub(super) fn logarithmic(axis: Axis, low: f64, high: f64) -> Axis {
    let axis = axis.type_(AxisType::Log).exponent_format(ExponentFormat::Power);
    // Over many decades plotly's labels 2 and 5 between the powers of ten only crowd the axis.
    if high / low >= 100.0 { axis.dtick(1.0) } else { axis }
}

/// The frame around all figures: a title, 420 pixels high, as wide as the page, the legend below the plot.
pub(super) fn layout(title: &str) -> Layout {
    Layout::new()
        .title(Title::with_text(title).x(0.02).x_anchor(Anchor::Left))
        .height(420)
        .font(Font::new().size(13).color("#222222"))
        .paper_background_color("#FFFFFF")
        .plot_background_color("#FFFFFF")
        .margin(Margin::new().top(56).right(24).bottom(48).left(64))
        .legend(Legend::new().orientation(Orientation::Horizontal).x(0.0).y(-0.2).y_anchor(Anchor::Top))
}

/// The frame for `entries` in its legend: more than six stand beside the plot, which they would squeeze from below.
pub(super) fn named(layout: Layout, entries: usize) -> Layout {
    if entries <= 6 { layout } else { layout.legend(Legend::new().x(1.02).y(1.0).y_anchor(Anchor::Top)) }
}

/// The same frame with a line below the title that says what to watch for: about 100 characters fit a page.
pub(super) fn watched(title: &str, watch: &str) -> Layout {
    let margin = Margin::new().top(80).right(24).bottom(48).left(64);
    layout(&format!("{title}<br><sub>{watch}</sub>")).height(440).margin(margin)
}

/// A plot with the settings that no figure changes.
pub(super) fn plot(layout: Layout) -> Plot {
    let mut plot = Plot::new();
    plot.set_layout(layout);
    plot.set_configuration(Configuration::new().responsive(true).display_logo(false));
    plot
}

/// A number for a sentence or a legend: three significant digits, no trailing zeros.
pub(super) fn brief(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-4..6).contains(&magnitude) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.*}", (2 - magnitude).max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `text` without the characters that plotly would read as markup.
pub(super) fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
