//! The drawing library itself, for pages that must work offline.

/// plotly.min.js 3.0.1, 4.65 MB, as shipped inside the plotly crate: the version always fits the figures.
///
/// Holds no `</script>`, so it can stand inside a script element.
pub fn plotly_js() -> String {
    let sources = plotly::Plot::offline_js_sources();
    const OPEN: &str = "<script type=\"text/javascript\">";
    // Two script elements: plotly.min.js and then MathJax.
    let start = sources.find(OPEN).map_or(0, |at| at + OPEN.len());
    let second = sources.rfind(OPEN).unwrap_or(sources.len());
    let end = sources[..second].rfind("</script>").unwrap_or(second);
    sources.get(start..end).unwrap_or_default().to_owned()
}
