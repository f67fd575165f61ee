for (const plot of document.querySelectorAll(".plot")) {
  const draw = () => {
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    Plotly.newPlot(plot, figure.data, figure.layout, figure.config);
  };
  const watch = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) {
      watch.disconnect();
      draw();
    }
  }, { rootMargin: "600px" });
  watch.observe(plot);
  window.addEventListener("beforeprint", () => { watch.disconnect(); draw(); }, { once: true });
}
