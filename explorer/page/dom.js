// Elements, labels, and the worker.

/** An element with attributes and children. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "html") element.innerHTML = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const button = (text, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, text);
const plain = (html) => html.replace(/<[^>]*>/g, "");
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const FRACTION = {
  kind: "real",
  label: "α<sub>0</sub>L / B",
  low: 0,
  high: 1e6,
  scale: "linear",
  step: 0.01,
  slider: [0.02, 8],
};
const LABELS = {
  none: "none",
  two_point: "two points, skewed",
  gaussian: "Gaussian",
  uniform: "uniform",
  published: "published",
  predictable: "predictable: the velocity before",
  inside: "inside the momentum",
  gradient_norm: "norm of the gradient",
  per_coordinate: "one for each coordinate",
  power3: "‖v‖³",
  power4: "‖v‖⁴",
  adam_metric: "‖v/P‖²/d, Adam's metric",
  alignment: "alignment of v and g",
  autocorrelation: "autocorrelation of v",
  averaged: "averaged energy",
  held: "closes at once, opens slowly",
  theorem2: "Theorem 2 (β₁ = 0)",
  theorem4: "Theorem 4 (momentum)",
  smoothed: "C2 (averaged gate)",
  ...NAMES,
};
const LAW_LABELS = {
  published: "none: as published",
  averaged: "averaged energy",
  held: "closes at once, opens slowly",
};
/** A worker with the engine, or the same engine in turns on this thread where workers are not to be had. */
function workerFor(post) {
  try {
    const source = `const E = (${engine})(); const take = E.workshop((m) => postMessage(m)); onmessage = (e) => take(e.data);`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = (event) => post(event.data);
    return { take: (job) => worker.postMessage(job), end: () => (worker.terminate(), URL.revokeObjectURL(address)) };
  } catch {
    return { take: E.workshop(post, 6), end: () => {} };
  }
}
