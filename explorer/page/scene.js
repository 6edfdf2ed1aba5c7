// What the scenes share. Each is a file of its own in scenes/: a question, pictures, and one sentence that says what is
// seen, with its number.
//
// A scene has: title, question, choices (what the audience may predict) and right (the letter), answer, setup (the state
// that it begins with), main (the slider of a lecture hall), controls, claims (of the ledger), formula, and functions of
// the state: figures(o, c) and sentence(o, c). c holds the look, and `found`, a worker's answer where `job(o)` asks for
// one. `uses` names controls that matter whatever the optimizer; `two` keeps to two dimensions; `whole` shows whole runs.

const PARABOLA = {
  objective: "parabola",
  L: 1,
  optimizer: "vrmomentum",
  gate: "published",
  law: "published",
  beta1: 0.9,
  beta3: 1,
  alpha1: 10,
  weight_decay: 0,
  noise: "none",
  x: 14,
  y: 0,
  v: -0.7,
};
const GATE = ["gate", "k", "target", "average", "law", "gate_decay", "w0", "alpha1", "beta3"];
const NAMES = {
  vradam: "VRAdam",
  vrmomentum: "VRMomentum",
  adamw: "AdamW",
  radam: "RAdam",
  rmsprop: "RMSProp",
  lion: "Lion",
  gradient_descent: "gradient descent",
  heavy_ball: "heavy ball",
  nesterov: "Nesterov",
};
/** The colour of an optimizer, as in the figures: orange with the gate, blue without. */
const ACCENTS = { vradam: "orange", vrmomentum: "orange", radam: "purple", nesterov: "green", rmsprop: "ink" };
const colourOf = (optimizer, look) => look[ACCENTS[optimizer] || "blue"];
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A series over the steps of runs, with the cursor where the scrub is. */
function series(title, ylabel, o, lines, more = {}) {
  return { title, xlabel: "step", ylabel, xlim: [0, o.steps], cursor: o.at, scrub: true, lines, ...more };
}

/** One quantity of a run as a line over the steps. */
function over(r, y, colour, k, label, more = {}) {
  return { x: count(r.steps + 1), y, colour, dash: DASHES[k], label, ...more };
}

/** The plane of a run: positions where d = 2, position and velocity where d = 1; the start can be dragged. */
function plane(o, c, runs, more = {}) {
  const shown = TABLE.objectives[o.objective];
  const flat = shown.d === 1;
  const stretch = flat && o.objective === "parabola" ? edge(o) / 38 / o.L : 1;
  const w = more.window || [shown.window[0] * stretch, shown.window[1] * stretch, shown.window[2], shown.window[3]];
  const last = (r) => Math.min(o.at, r.length - 1);
  const second = (r) => (flat ? r.v : coordinate(r, 1));
  const paths = runs.map(([r, colour, dash, label]) => ({
    x: coordinate(r, 0),
    y: second(r),
    colour,
    dash: DASHES[dash],
    label,
    count: last(r) + 1,
    path: true,
    width: more.thin ? 1.1 : 1.7,
    alpha: 0.9,
  }));
  const ends = runs.map(([r, colour]) => ({ x: coordinate(r, 0)[last(r)], y: second(r)[last(r)], colour, r: 5 }));
  return {
    title: flat ? "Position and velocity" : shown.label,
    xlabel: "x",
    ylabel: flat ? "velocity v" : "y",
    xlim: [w[0], w[1]],
    ylim: [w[2], w[3]],
    image: flat ? null : { canvas: landscape(o, c.look), window: w, smooth: true },
    lines: paths,
    drag: flat ? ["x", "v"] : ["x", "y"],
    wide: true,
    ...more,
    points: [
      ...(more.points || []),
      ...ends,
      { x: o.x, y: flat ? o.v : o.y, colour: c.look.ink, hollow: true, r: 7, label: "start: drag" },
    ],
  };
}

/** Whether the gate is the published one, of which S3b and the diagrams speak. */
const asPublished = (o) => o.gate === "published" && o.law === "published";
/** The largest rate in units of alpha0: a held law may open beyond it. */
const ceiling = (o) => (gated(o) && o.law === "held" ? 1 + o.w0 : 1);

/** B as a level of a plot in units of B. */
const edgeLevel = (look, label = "the edge B") => ({ y: 1, label, colour: look.ink });
const scaled = (list, factor) => list.map((value) => value * factor);

const scenes = {};
