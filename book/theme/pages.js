// Formulas and figures. Both libraries lie in the book and are loaded only by pages that need them.
(() => {
  const load = (path, done) => {
    const script = document.createElement("script");
    script.src = path_to_root + path;
    script.onload = done;
    document.head.append(script);
  };

  const formulas = document.querySelectorAll(".math");
  if (formulas.length > 0) {
    load("katex/katex.min.js", () => {
      for (const formula of formulas) {
        const displayMode = formula.classList.contains("display");
        katex.render(formula.textContent, formula, { displayMode, throwOnError: false });
      }
    });
  }

  const plots = [...document.querySelectorAll(".plot")];
  if (plots.length === 0) return;

  // The colours that figures are written in, and what they are on a dark page.
  const dark = () => ["coal", "navy", "ayu"].some((theme) => document.documentElement.classList.contains(theme));
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const [bg, fg] = ["--bg", "--fg"].map((name) => style.getPropertyValue(name).trim());
    return {
      "#FFFFFF": bg, "#222222": fg, "#000000": fg, "#E5E5E5": "rgba(150,160,180,0.25)", "#666666": fg,
      "#0072B2": "#56B4E9", "#56B4E9": "#8FD0F7", "#D55E00": "#F0802F", "#009E73": "#2FC79A",
    };
  };
  const figure = (plot) => {
    const map = dark() ? colours() : {};
    const text = plot.nextElementSibling.textContent;
    const { data, layout, config } = JSON.parse(text.replace(/"(#[0-9A-F]{6})"/g, (whole, c) => (map[c] ? `"${map[c]}"` : whole)));
    // The words stand under the figure.
    if (dark()) layout.modebar = { bgcolor: "rgba(0,0,0,0)" };
    return [plot, data, layout, config];
  };

  let loading = false;
  const waiting = [];
  const draw = (plot) => {
    if (plot.dataset.drawn) return;
    plot.dataset.drawn = "yes";
    if (window.Plotly) {
      Plotly.newPlot(...figure(plot));
      return;
    }
    waiting.push(plot);
    if (!loading) {
      loading = true;
      load("assets/plotly.min.js", () => waiting.forEach((plot) => Plotly.newPlot(...figure(plot))));
    }
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((entry) => entry.isIntersecting)) {
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "800px" });
  plots.forEach((plot) => seen.observe(plot));

  new MutationObserver(() => {
    if (window.Plotly) plots.filter((plot) => plot.dataset.drawn).forEach((plot) => Plotly.react(...figure(plot)));
  }).observe(document.documentElement, { attributeFilter: ["class"] });
})();
