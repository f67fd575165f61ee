// A JupyterLab MIME renderer for plotly figures, as the one module that JupyterLab's loader asks for.
(() => {
  const MIME = "application/vnd.plotly.v1+json";
  const base = new URL(".", document.currentScript.src).href;
  let plotly;
  // plotly.js is loaded with the first figure; AMD loaders on the page must not take it.
  const load = () => plotly ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const define = window.define;
    window.define = undefined;
    script.src = base + "plotly.min.js";
    script.onload = () => { window.define = define; resolve(window.Plotly); };
    script.onerror = () => { window.define = define; reject(new Error("plotly.min.js is missing; run `widemargin kernel install`")); };
    document.head.appendChild(script);
  });
  const module = (shared) => {
    const { Widget } = shared;
    class Figure extends Widget {
      async renderModel(model) {
        const { data, layout, config } = model.data[MIME];
        const Plotly = await load();
        this.node.setAttribute("role", "img");
        this.node.setAttribute("aria-label", layout?.meta?.alt ?? "figure");
        this.node.style.minHeight = `${layout?.height ?? 420}px`;
        await Plotly.newPlot(this.node, data, layout, { responsive: true, displaylogo: false, ...config });
      }
      onResize() {
        if (window.Plotly && this.node.data) window.Plotly.Plots.resize(this.node);
      }
      dispose() {
        // plotly.js listens to the window for each figure until it is told to stop.
        if (window.Plotly && !this.isDisposed) window.Plotly.purge(this.node);
        super.dispose();
      }
    }
    return {
      id: "widemargin:plotly",
      rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new Figure() },
      rank: 0,
      dataType: "json",
    };
  };
  let scope;
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["widemargin"] = {
    init: async (shared) => { scope = shared; },
    get: async () => {
      const versions = scope["@lumino/widgets"];
      const factory = await Object.values(versions)[0].get();
      const extension = module(factory());
      return () => ({ __esModule: true, default: extension });
    },
  };
})();
