(() => {
  "use strict";
  const figures = JSON.parse(document.getElementById("page-data").textContent);
  const boxes = [...document.querySelectorAll("input[data-toggle]")];
  const root = document.documentElement;
  const hidden = new Set();

  // Colours are names of the style sheet's variables, so that figures follow the light or dark scheme.
  const themed = (value, style, key = "") => {
    if (Array.isArray(value)) return key === "data" ? value.map(v => themed(v, style)) : value;
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, style, k)]));
    return /color$/.test(key) && /^--/.test(value) ? style.getPropertyValue(value).trim() : value;
  };

  const draw = name => {
    const element = document.getElementById(name);
    const style = getComputedStyle(root);
    const { data, layout } = themed(figures[name], style);
    if (root.classList.contains("print")) layout.width = element.clientWidth;
    layout.font.family = getComputedStyle(document.body).fontFamily;
    for (const trace of data) trace.visible = hidden.has(trace.meta) ? "legendonly" : true;
    // The buttons are named one by one, so that none that uploads or shares comes in with a new version.
    const config = {
      displaylogo: false, responsive: true, showSendToCloud: false, plotlyServerURL: "",
      modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"]],
    };
    return Plotly.react(element, data, layout, config).then(() => {
      if (element.dataset.ready) return;
      element.dataset.ready = "yes";
      // A click on the legend hides a run everywhere, as its checkbox does; a double click leaves it alone.
      element.on("plotly_legendclick", event => { toggle([event.data[event.curveNumber].meta]); return false; });
      element.on("plotly_legenddoubleclick", event => { alone(event.data[event.curveNumber].meta); return false; });
    });
  };

  const redraw = () => Promise.all(Object.keys(figures).map(draw));

  const apply = () => {
    for (const box of boxes) box.checked = !hidden.has(+box.dataset.toggle);
    for (const element of document.querySelectorAll("[data-run]")) element.hidden = hidden.has(+element.dataset.run);
    redraw();
  };

  const toggle = runs => {
    for (const run of runs) hidden.has(run) ? hidden.delete(run) : hidden.add(run);
    apply();
  };

  const alone = run => {
    const others = boxes.map(box => +box.dataset.toggle).filter(other => other !== run);
    const already = !hidden.has(run) && others.every(other => hidden.has(other));
    hidden.clear();
    if (!already) others.forEach(other => hidden.add(other));
    apply();
  };

  for (const box of boxes) box.addEventListener("change", () => toggle([+box.dataset.toggle]));
  for (const button of document.querySelectorAll("button[data-all]"))
    button.addEventListener("click", () => {
      hidden.clear();
      if (button.dataset.all === "none") boxes.forEach(box => hidden.add(+box.dataset.toggle));
      apply();
    });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  // On paper everything is light, and the arguments are open.
  let closed = [];
  addEventListener("beforeprint", () => {
    root.classList.add("print");
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach(element => { element.open = true; });
    redraw();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("print");
    closed.forEach(element => { element.open = false; });
    redraw();
  });
  apply();
})();
