// The scenes: each a question, a picture, and one sentence that says what is seen with its number.
//
// A scene has: title, question, choices (what the audience may predict) and right (the letter), answer, setup (the state
// that it begins with), main (the slider of a lecture hall), controls, claims (of the ledger), and functions of the state:
// figures(o, c) and sentence(o, c). c holds the look, and `found`, a worker's answer where `job(o)` asks for one.

const PARABOLA = { objective: "parabola", L: 1, optimizer: "vrmomentum", gate: "published", law: "published", beta1: 0.9,
  beta3: 1, alpha1: 10, weight_decay: 0, noise: "none", x: 14, y: 0, v: -0.7 };
const GATE = ["gate", "law", "gate_decay", "alpha1", "beta3"];
const NAMES = { vradam: "VRAdam", vrmomentum: "VRMomentum", adamw: "AdamW", radam: "RAdam", rmsprop: "RMSProp", lion: "Lion",
  gradient_descent: "gradient descent", heavy_ball: "heavy ball", nesterov: "Nesterov" };
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
    x: coordinate(r, 0), y: second(r), colour, dash: DASHES[dash], label, count: last(r) + 1, path: true, width: more.thin ? 1.1 : 1.7, alpha: 0.9,
  }));
  const ends = runs.map(([r, colour]) => ({ x: coordinate(r, 0)[last(r)], y: second(r)[last(r)], colour, r: 5 }));
  return {
    title: flat ? "Position and velocity" : shown.label,
    xlabel: "x", ylabel: flat ? "velocity v" : "y", xlim: [w[0], w[1]], ylim: [w[2], w[3]],
    image: flat ? null : { canvas: landscape(o, c.look), window: w, smooth: true },
    lines: paths,
    drag: flat ? ["x", "v"] : ["x", "y"],
    wide: true,
    ...more,
    points: [...(more.points || []), ...ends,
      { x: o.x, y: flat ? o.v : o.y, colour: c.look.ink, hollow: true, r: 7, label: "start: drag" }],
  };
}

/** B as a level of a plot in units of B. */
const edgeLevel = (look, label = "the edge B") => ({ y: 1, label, colour: look.ink });
const scaled = (list, factor) => list.map((value) => value * factor);

const SCENES = {
  free: {
    title: "Explore",
    question: "Drag the start, move a slider: what does the gate do?",
    setup: { optimizer: "vradam", objective: "himmelblau", alpha0: 0.5, x: -0.5, y: -4.5, steps: 300, at: 300 },
    main: "alpha0",
    controls: [
      ["Optimizer", ["optimizer", "alpha0", "beta1", "beta2", "eps", "weight_decay"]],
      ["Gate", GATE],
      ["Objective", ["objective", "L", "ratio"]],
      ["Start", ["x", "y", "v"]],
      ["Noise", ["noise", "size", "p", "seed"]],
      ["Run", ["steps", "overlay"]],
    ],
    claims: ["S2", "S1", "E1"],
    formula: "instantaneous",
    figures(o, c) {
      const r = run(o);
      const runs = [[r, c.look.blue, 0, NAMES[o.optimizer]]];
      const lines = [over(r, r.value, c.look.blue, 0, NAMES[o.optimizer])];
      if (gated(o)) {
        const open = run(ungated(o));
        runs.push([open, c.look.orange, 1, "gate open for ever"]);
        lines.push(over(open, open.value, c.look.orange, 1, "gate open for ever"));
      }
      const product = r.eta.map((eta, t) => eta * r.preconditioned[t]);
      return [
        plane(o, c, runs),
        series("Value", "F(x)", o, lines, { ylog: true }),
        series("Learning rate", "η / α₀", o, [over(r, scaled(r.eta, 1 / o.alpha0), c.look.green, 0)],
          { ylim: [0, 1.08], levels: gated(o) && o.overlay === "on" ? [{ y: 1 / (1 + o.alpha1), label: "1/(1+α₁)" }] : [] }),
        series("Sharpness against the edge", "η λmax / B", o, [over(r, scaled(product, 1 / edge(o)), c.look.purple, 0)],
          { ylog: true, levels: o.overlay === "on" ? [edgeLevel(c.look)] : [] }),
      ];
    },
    sentence(o) {
      const r = run(o);
      const t = Math.min(o.at, r.length - 1);
      const gone = r.length <= o.steps ? ` The run left the finite numbers at step ${r.length}.` : "";
      const open = r.eta[t] / o.alpha0;
      return `${NAMES[o.optimizer]} after ${t} steps: F = ${short(r.value[t])}; the learning rate is at ${percent(open)} of α₀.${gone}`;
    },
  },

  cycle: {
    title: "Below the edge",
    question: "The learning rate is 21 % below the edge, and the origin is stable. Does every start converge?",
    choices: { a: "Yes, all of them", b: "All but a thin set", c: "No: a sizeable share never arrives" },
    right: "c",
    answer: "A cycle of period four attracts the coloured starts. Stability of the origin is local.",
    setup: { ...PARABOLA, alpha0: 30, steps: 400, at: 60 },
    main: "fraction",
    controls: [["Edge", ["fraction", "beta1"]], ["Gate", GATE], ["Start", ["x", "v"]], ["Run", ["steps", "overlay"]]],
    claims: ["S3b", "S7"],
    formula: "birth",
    window: (o) => [-0.9 * edge(o), 0.9 * edge(o), -1.8, 1.8],
    job(o) {
      const quick = Math.min(4 * Math.ceil(6 / (1 - o.beta1) / 4) * 10, 2000);
      return { kind: "basins", setup: { ...o, L: 1, alpha0: o.alpha0 * o.L, w: 320, h: 240, window: this.window(o), horizon: quick } };
    },
    figures(o, c) {
      const r = run(o);
      const B = edge(o);
      const S = o.alpha0 * o.L;
      const points = [];
      const one = E.formulas.cycle_v1({ S, beta1: o.beta1 }) / Math.sqrt(o.beta3);
      const two = E.formulas.cycle_v2({ S, beta1: o.beta1 }) / Math.sqrt(o.beta3);
      if (o.overlay === "on" && one > 0 && two > 0 && S >= E.formulas.birth(o) && o.gate === "published") {
        const speeds = [one, two, -one, -two];
        speeds.forEach((v, k) => {
          const x = (speeds[(k + 1) % 4] - o.beta1 * v) / (1 - o.beta1) / o.L;
          points.push({ x, y: v, colour: c.look.ink, r: 6, mark: "square", label: k === 0 ? "cycle of S3b" : "" });
        });
      }
      const window = this.window(o).map((value, k) => (k < 2 ? value / o.L : value));
      const found = c.found && { canvas: basinPicture(c.found, c.look), window };
      const picture = plane(o, c, [[r, c.look.ink, 0]], { thin: true, window, points, image: found || null, title: "Where starts end: blank at rest, coloured in motion" });
      const betas = count(160).map((i) => 0.3 + (i / 160) * 0.69);
      const curve = (name) => betas.map((beta1) => Math.min(E.formulas[name]({ beta1 }) / edge({ beta1 }), 1.5));
      const map = {
        title: "Map: share that converges (click)", xlabel: "β₁", ylabel: "α₀L / B", xlim: [0.3, 0.99], ylim: [0, 1.05],
        image: o.overlay === "on" ? { canvas: mapPicture(c.look), window: [STORED.map.beta1[0], STORED.map.beta1.at(-1), STORED.map.fraction[0], STORED.map.fraction.at(-1)] } : null,
        lines: o.overlay === "on"
          ? [{ x: betas, y: curve("birth"), colour: c.look.blue, dash: DASHES[1], label: "S*: period four is born" },
             { x: betas, y: curve("safe"), colour: c.look.green, dash: DASHES[2], label: "proved safe below" }]
          : [],
        points: [{ x: o.beta1, y: fraction(o), colour: c.look.ink, hollow: true, r: 7 }],
        levels: [{ y: 1, label: "the edge B" }],
        pick: (x, y) => ({ beta1: Math.min(Math.max(x, 0.05), 0.99), fraction: Math.max(y, 0.02) }),
      };
      return [
        picture, map,
        series("Rate along the run", "η L / B", o, [over(r, scaled(r.eta, o.L / B), c.look.blue, 0)],
          { ylim: [0, Math.max(1.1, fraction(o) * 1.1)], levels: [edgeLevel(c.look)] }),
      ];
    },
    sentence(o, c) {
      const moving = c.found ? `${percent(c.found.moving, 0)} of the starts in this window are not at rest in the end. ` : "";
      const { counted } = STORED;
      const ledger = `Of ${counted.starts.toLocaleString("en")} random starts at β₁ = 0.9, α₀L = 0.789 B, ` +
        `${percent(1 - counted.converge / counted.starts, 2)} never converge (S3b). `;
      const born = E.formulas.birth(o) / edge(o);
      return `α₀L = ${short(fraction(o), 3)} B. ${moving}${ledger}` +
        (born < 1 ? `The cycle of period four is born at S* = ${born.toFixed(3)} B.` : "At this β₁ no cycle of period four exists below the edge.");
    },
  },

  pinned: {
    title: "Beyond the edge",
    question: "Now α₀L is half as large again as the edge B. What does the learning rate do?",
    choices: { a: "It makes the run diverge", b: "It settles at exactly B/L", c: "It keeps wandering" },
    right: "b",
    answer: "The gate pins η at B/L: the run oscillates at the speed at which the gate closes just far enough.",
    setup: { ...PARABOLA, alpha0: 57, alpha1: 100, x: 1, v: 0, steps: 400, at: 400 },
    main: "fraction",
    controls: [["Edge", ["fraction", "beta1"]], ["Gate", GATE], ["Start", ["x", "v"]], ["Run", ["steps", "overlay"]]],
    claims: ["S6", "S7"],
    formula: "speed_squared",
    figures(o, c) {
      const r = run(o);
      const S = o.alpha0 * o.L;
      const v2 = E.formulas.speed_squared({ ...o, S });
      const inside = S > edge(o) && o.overlay === "on";
      const v = Math.sqrt(v2);
      const x = (E.formulas.kappa(o) * v) / o.L;
      const points = inside ? [{ x, y: -v, colour: c.look.orange, mark: "square", r: 7, label: "S6" }, { x: -x, y: v, colour: c.look.orange, mark: "square", r: 7 }] : [];
      const reach = Math.max(2.2 * x || 0, Math.abs(o.x) * 1.2, 2);
      return [
        plane(o, c, [[r, c.look.blue, 0]], { points, window: [-reach, reach, -reach / 19 - 1, reach / 19 + 1] }),
        series("Learning rate", "η L / B", o, [over(r, scaled(r.eta, o.L / edge(o)), c.look.blue, 0)], { ylim: [0, Math.max(2, fraction(o) * 1.05)], levels: [edgeLevel(c.look)] }),
        series("Kinetic energy", "v²", o, [over(r, r.speed2, c.look.green, 0)], { levels: inside ? [{ y: v2, label: "v*² of S6" }] : [] }),
      ];
    },
    sentence(o) {
      const r = run(o);
      const S = o.alpha0 * o.L;
      const from = Math.floor(r.length / 2);
      const mean = (list) => list.slice(from, r.length).reduce((a, b) => a + b, 0) / (r.length - from);
      const v2 = E.formulas.speed_squared({ ...o, S });
      const predicted = S > edge(o) && S < E.formulas.window_end(o)
        ? `S6 predicts η L = B and v² = ${short(v2)}.`
        : S <= edge(o) ? "Below the edge S6 says nothing." : `Beyond 2B = ${short(E.formulas.window_end(o))} the pinned orbit no longer attracts.`;
      return `α₀L = ${short(fraction(o), 3)} B. Over the second half of the run η L = ${short(mean(r.eta) * o.L)} ` +
        `(B = ${short(edge(o))}) and v² = ${short(mean(r.speed2))} on average. ${predicted}`;
    },
  },

  bifurcation: {
    title: "Bifurcations",
    question: "As α₀L rises from 0.3 B to 8 B, how does the pinned rate end?",
    choices: { a: "It stays pinned for ever", b: "It splits in two at 2B, then chaos", c: "It diverges at 2B" },
    right: "b",
    answer: "The pinned orbit attracts up to 2B, where it becomes asymmetric and soon ceases to attract; from other starts longer cycles and chaos come earlier.",
    setup: { ...PARABOLA, alpha0: 57, alpha1: 100, steps: 2000, at: 2000 },
    main: "fraction",
    controls: [["Edge", ["fraction", "beta1"]], ["Gate", ["gate", "law", "gate_decay", "alpha1"]], ["Start", ["x", "v"]], ["Run", ["overlay"]]],
    claims: ["S6", "S3b"],
    formula: "edge",
    job: (o) => ({ kind: "bifurcation", setup: { ...o, L: 1, beta3: 1, alpha0: 1, columns: 480, samples: 48, settle: 1200, from: 0.3, to: 8 } }),
    figures(o, c) {
      const B = edge(o);
      const r = run({ ...o, steps: 2000 });
      const tail = 64;
      const x = count(tail);
      const from = r.steps - tail + 1;
      const levels = o.overlay === "on"
        ? [{ x: E.formulas.birth(o) / B, label: "S*", dash: [2, 3] }, { x: 1, label: "B", dash: [2, 3] }, { x: E.formulas.window_end(o) / B, label: "2B: symmetry breaks", dash: [2, 3] },
           { x: E.formulas.asymmetric_end(o) / B, label: "asymmetric orbit ends", dash: [2, 3] }]
        : [];
      const image = c.found ? { canvas: diagramPicture(c.found, B, c.look), window: [0.3, 8, 0.03, 8] } : null;
      return [
        { title: "Rates after many steps: click to choose a level", xlabel: "α₀L / B", ylabel: "η L / B", xlim: [0.3, 8], ylim: [0.03, 8], ylog: true, image, wide: true,
          levels: [...levels, { x: fraction(o), colour: c.look.orange, dash: [] }], pick: (level) => ({ fraction: Math.min(Math.max(level, 0.3), 8) }) },
        { title: "The last 64 rates at this level", xlabel: "step", ylabel: "η L / B", ylog: true, xlim: [0, tail - 1], ylim: [0.03, 8],
          lines: [{ x, y: scaled(r.eta.slice(from), o.L / B), colour: c.look.blue, path: true }], levels: [edgeLevel(c.look)] },
        { title: "The last 64 points", xlabel: "x", ylabel: "velocity v", lines: [{ x: r.x.slice(from), y: r.v.slice(from), colour: c.look.blue, dots: true }] },
      ];
    },
    sentence(o) {
      const r = run({ ...o, steps: 2000 });
      const k = period(r);
      const size = Math.abs(r.x[Math.min(2000, r.length - 1)]);
      const what = k === 1 && size < 1e-6 ? "the run comes to rest" : k > 0 ? `the run ends on a cycle of period ${k}` : "no period of at most 64 steps is seen";
      return `At α₀L = ${short(fraction(o), 3)} B ${what}, from x = ${short(o.x)} and v = ${short(o.v)}. By S6 the asymmetric orbit attracts from 2B = ${short(E.formulas.window_end(o))} ` +
        `to ${short(E.formulas.asymmetric_end(o))} = ${(E.formulas.asymmetric_end(o) / edge(o)).toFixed(3)} B.`;
    },
  },

  sharpening: {
    title: "Sharpening",
    question: "Training makes the loss sharper, step by step. What stops it?",
    choices: { a: "The edge B/α₀", b: "The edge B/η, lifted by the gate", c: "Nothing: it reaches the minimum's sharpness" },
    right: "b",
    answer: "While the gate acts, the threshold is B/η with η below α₀: the same sharpness is reached at a higher level.",
    setup: { ...PARABOLA, objective: "sharpening", alpha0: 0.5, x: 0.01, y: 1, v: 0, steps: 1000, at: 1000 },
    main: "alpha0",
    controls: [["Optimizer", ["optimizer", "alpha0", "beta1", "beta2"]], ["Gate", GATE], ["Start", ["x", "y"]], ["Run", ["steps", "overlay"]]],
    claims: ["S2", "S1"],
    formula: "instantaneous",
    figures(o, c) {
      const r = run(o);
      const threshold = r.eta.map((eta) => edge(o) / eta);
      const lines = [over(r, r.preconditioned, c.look.blue, 0, "λmax(P⁻¹H)"), over(r, threshold, c.look.orange, 1, "B/η")];
      if (o.optimizer !== "vrmomentum") lines.push(over(r, r.sharpness, c.look.grey, 2, "λmax(H)"));
      return [
        plane(o, c, [[r, c.look.blue, 0]]),
        series("Sharpness against the edge", "curvature", o, lines, { ylog: true, levels: o.overlay === "on" ? [{ y: edge(o) / o.alpha0, label: "B/α₀", colour: c.look.grey }] : [] }),
        series("Learning rate", "η / α₀", o, [over(r, scaled(r.eta, 1 / o.alpha0), c.look.green, 0)], { ylim: [0, 1.08] }),
      ];
    },
    sentence(o) {
      const r = run(o);
      const t = Math.min(o.at, r.length - 1);
      return `At step ${t} λmax(P⁻¹H) = ${short(r.preconditioned[t])}. The gate sets the edge at B/η = ${short(edge(o) / r.eta[t])}; ` +
        `with the gate open it would be B/α₀ = ${short(edge(o) / o.alpha0)}.`;
    },
  },

  bias: {
    title: "Skewed noise",
    question: "Gradients are right on average; rarely, one is very large. Where does the run settle?",
    choices: { a: "At the minimum", b: "Near it, closer for smaller steps", c: "Away from it, however small the step" },
    right: "c",
    answer: "The gate shrinks just the steps of the rare large gradients, so what it lets pass is not zero on average at the minimum.",
    setup: { ...PARABOLA, objective: "pseudo_huber_1", alpha0: 0.02, beta1: 0, alpha1: 19, x: 0, v: 0, noise: "two_point", p: 0.1, size: 1, steps: 5000, at: 5000, gate_decay: 0.99 },
    main: "p",
    controls: [["Noise", ["p", "size", "seed"]], ["Optimizer", ["alpha0", "beta1"]], ["Gate", ["alpha1", "beta3", "gate_decay"]], ["Run", ["steps", "overlay"]]],
    claims: ["C1b", "C1a", "C2"],
    figures(o, c) {
      const roots = E.settled(o);
      const forms = [["published", "published", "published gate", c.look.orange, 0], ["inside", "published", "inside the momentum", c.look.green, 1], ["published", "averaged", "sees an average", c.look.blue, 2]];
      const lines = forms.map(([gate, law, label, colour, k]) => {
        const r = run({ ...o, optimizer: "vrmomentum", gate, law });
        const mean = new Float64Array(o.steps + 1);
        for (let t = 0, m = r.gradient[0] ** 2, keep = 1 - 1 / Math.max(o.steps / 20, 1); t <= o.steps; t++) {
          m = keep * m + (1 - keep) * r.gradient[t] ** 2;
          mean[t] = t < r.length ? m : NaN;
        }
        return over(r, mean, colour, k, label);
      });
      const G = count(201).map((i) => -1 + i / 100);
      const up = (o.size * (1 - o.p)) / o.p;
      const passed = (v) => E.formulas.passed({ ...o, v });
      const psi = G.map((g) => o.p * passed(g + up) + (1 - o.p) * passed(g - o.size));
      const levels = o.overlay === "on" && o.beta1 === 0 ? roots.map((g) => ({ y: g * g, label: `plateau ${short(g * g)}` })) : [];
      return [
        series("Squared gradient, averaged over a twentieth of the run", "F′²", o, lines, { levels, ylim: [0, 1.08], wide: true }),
        { title: "What passes the gate, on average", xlabel: "F′", ylabel: "E φ(F′ + ξ)", xlim: [-1, 1], lines: [{ x: G, y: psi, colour: c.look.purple, path: true }],
          levels: [{ y: 0 }, ...(o.beta1 === 0 ? roots.map((g) => ({ x: g, label: "settles here", colour: c.look.orange })) : [])] },
      ];
    },
    sentence(o) {
      const r = run({ ...o, optimizer: "vrmomentum", gate: "published", law: "published" });
      const from = Math.floor(r.length / 2);
      const mean = r.gradient.slice(from, r.length).reduce((a, g) => a + g * g, 0) / (r.length - from);
      const root = E.settled(o).map((g) => short(g * g)).join(" or ");
      const predicted = o.beta1 === 0 ? `C1b predicts ${root || "no plateau on this objective"} as the step shrinks.` : "The prediction drawn here is for β₁ = 0.";
      return `Noise +${short((o.size * (1 - o.p)) / o.p, 3)} with chance ${o.p}, else −${short(o.size, 3)}: mean zero. ` +
        `With the published gate F′² is ${short(mean, 3)} over the second half of the run. ${predicted}`;
    },
  },

  words: {
    title: "You are the gate",
    question: "Every gate you may choose is stable on its own. Can you make the run grow?",
    choices: { a: "No: stable steps stay stable", b: "Yes, by ordering them badly", c: "Only beyond the edge" },
    right: "b",
    answer: "Products of stable matrices need not be stable: the theorem as reported covers any order of gates, and it fails.",
    setup: { ...PARABOLA, alpha0: 20.9, steps: 120, at: 120, word: "occcc" },
    main: "fraction",
    controls: [["Edge", ["fraction", "beta1", "alpha1"]], ["Play", ["word"]], ["Run", ["steps"]]],
    claims: ["S3a", "S5"],
    formula: "two_gate_word",
    sizes: (o) => {
      const S = o.alpha0 * o.L;
      return [...(o.word || "o")].map((letter) => (letter === "o" ? S : S / (1 + o.alpha1)));
    },
    figures(o, c) {
      const word = this.sizes(o);
      const track = E.played(word, o, o.steps);
      const rate = E.growth(word, o);
      const shown = count(o.steps + 1);
      const S = o.alpha0 * o.L;
      const fractions = count(80).map((i) => 0.02 + (i / 80) * 1.02);
      const growths = fractions.map((f) => E.growth(word.map((s) => (s / S) * f * edge(o)), o));
      const steps = [];
      const sizes = [];
      word.forEach((s, k) => {
        steps.push(k, k + 1);
        sizes.push(s / edge(o), s / edge(o));
      });
      return [
        { title: "Distance from the origin, your word repeated", xlabel: "step", ylabel: "log₁₀ distance", xlim: [0, o.steps], wide: true,
          lines: [{ x: shown, y: track, colour: c.look.blue, label: "played" }, { x: shown, y: shown.map((t) => t * Math.log10(rate)), colour: c.look.orange, dash: DASHES[1], label: "growth by the spectral radius" }] },
        { title: "Your word", xlabel: "step of the word", ylabel: "η L / B", ylim: [0, 1.08], xlim: [0, word.length], lines: [{ x: steps, y: sizes, colour: c.look.green, path: true }], levels: [edgeLevel(c.look)] },
        { title: "The same word at other learning rates", xlabel: "α₀L / B", ylabel: "growth per step", lines: [{ x: fractions, y: growths, colour: c.look.purple, path: true }],
          levels: [{ y: 1, label: "1: neither grows nor decays" }, { x: fraction(o), colour: c.look.orange }], pick: (level) => ({ fraction: Math.min(Math.max(level, 0.02), 1.04) }) },
      ];
    },
    sentence(o) {
      const word = this.sizes(o);
      const rate = E.growth(word, o);
      const two = word.length === 2 ? ` S5: w(s₁, s₂) = ${short(E.formulas.two_gate_word({ ...o, s1: word[0], s2: word[1] }))}, unstable where positive.` : "";
      const verdict = rate > 1 ? "it grows although each of its gates is stable" : "it decays";
      return `Word ${o.word || "o"} (o open, c closed), α₀L = ${short(fraction(o), 3)} B: growth ${rate.toFixed(4)} per step, ${fraction(o) < 1 ? verdict : "beyond the edge"}.${two} ` +
        `One Lyapunov function for all orders exists up to ${(E.formulas.one_form(o) / edge(o)).toFixed(4)} B.`;
    },
  },

  opening: {
    title: "Opening law",
    question: "An adversary opens and closes the gate. It may close at once. How slowly must it open to be safe?",
    choices: { a: "No limit makes it safe", b: "By a factor β₁² a step, or slower", c: "It must stay closed" },
    right: "b",
    answer: "Let w, which closes the gate as 1/(1 + w), fall by a factor g a step at most. Every g above the threshold is then safe against every adversary.",
    setup: { ...PARABOLA, alpha0: 36.1, gate_decay: 0.6, steps: 200, at: 200 },
    main: "gate_decay",
    controls: [["Law", ["gate_decay", "alpha1"]], ["Edge", ["fraction", "beta1"]], ["Run", ["steps"]]],
    claims: ["S7"],
    formula: "rise",
    figures(o, c) {
      const S = o.alpha0 * o.L;
      const curve = openingCurve(o);
      const worst = E.sawtooth(o, S);
      const star = Math.max(E.formulas.rise({ ...o, S }), 0);
      const shown = count(o.steps + 1);
      const periods = Array.from({ length: 4 }, () => worst.word).flat();
      const x = periods.flatMap((_, k) => [k, k + 1]);
      return [
        { title: "Growth of the worst sawtooth found", xlabel: "memory g of the law", ylabel: "growth per step", xlim: [0, 1], wide: true,
          lines: [{ x: curve.g, y: curve.growth, colour: c.look.blue, path: true }],
          levels: [{ y: 1 }, ...(fraction(o) < 1 ? [{ x: star, label: `safe from g* = ${short(star)}`, colour: c.look.green, dash: [8, 3, 2, 3] }] : []), { x: o.gate_decay, colour: c.look.orange, dash: [], label: "g" }],
          pick: (g) => ({ gate_decay: Math.min(Math.max(Math.round(g * 1000) / 1000, 0), 0.999) }) },
        { title: "That sawtooth", xlabel: "step", ylabel: "η L / B", lines: [{ x, y: periods.flatMap((s) => [s / edge(o), s / edge(o)]), colour: c.look.orange, path: true }], levels: [edgeLevel(c.look)] },
        { title: "Distance from the origin under it", xlabel: "step", ylabel: "log₁₀ distance", xlim: [0, o.steps], lines: [{ x: shown, y: E.played(worst.word, o, o.steps), colour: c.look.blue }] },
      ];
    },
    sentence(o) {
      const S = o.alpha0 * o.L;
      const worst = E.sawtooth(o, S);
      const star = Math.max(E.formulas.rise({ ...o, S }), 0);
      if (fraction(o) >= 1) return `α₀L = ${short(fraction(o), 3)} B lies beyond the edge, where even a constant gate grows.`;
      const seen = worst.growth > 1 ? `the worst sawtooth found, of ${worst.word.length} gates, grows by ${percent(worst.growth - 1, 2)} a step` : "no sawtooth that was tried grows";
      const law = o.gate_decay > star ? `no adversary whatever can make it grow, since g > g* = ${short(star)} (S7)` : `the theorem asks for g > g* = ${short(star)} (S7)`;
      return `α₀L = ${short(fraction(o), 3)} B, g = ${short(o.gate_decay)}: ${seen}; ${law}.`;
    },
  },

  bounds: {
    title: "Bounds",
    question: "The theorem bounds the mean squared gradient. How far above the measurement does the bound lie?",
    choices: { a: "Within a factor of 2", b: "By a factor of 10 or more", c: "Below it: it is violated" },
    right: "b",
    answer: "True, and informative only at long horizons: below the trivial line, which needs no theorem, and still above what is measured.",
    setup: { ...PARABOLA, theorem: "theorem2", alpha1: 1, at: 0 },
    main: "alpha1",
    controls: [["Bound", ["theorem", "alpha1"]]],
    claims: ["C1a", "C2", "C1b"],
    at: (o) => ({ ...STORED.rates[o.theorem], alpha1: o.alpha1 }),
    figures(o, c) {
      const stored = STORED.rates[o.theorem];
      const p = this.at(o);
      const N = count(80).map((i) => 10 ** (3 + (i / 79) * 6));
      const bound = N.map((n) => E.formulas[o.theorem]({ ...p, N: n }));
      return [{
        title: "Mean squared gradient over the horizon", xlabel: "N", ylabel: "E‖∇F(x_τ)‖²", xlog: true, ylog: true, wide: true,
        lines: [{ x: N, y: bound, colour: c.look.orange, path: true, label: "bound" }, { x: stored.N, y: stored.mean, colour: c.look.blue, dots: true, label: `measured, α₁ = ${short(stored.alpha1)}` }],
        levels: [{ y: stored.trivial, label: "trivial line: needs no theorem", colour: c.look.grey }],
      }];
    },
    sentence(o) {
      const stored = STORED.rates[o.theorem];
      const k = stored.N.length - 1;
      const bound = E.formulas[o.theorem]({ ...this.at(o), N: stored.N[k] });
      const same = o.alpha1 === stored.alpha1;
      return `At N = ${short(stored.N[k])} the bound at α₁ = ${short(o.alpha1)} is ${short(bound)}, the measured mean ${short(stored.mean[k])}` +
        `${same ? `: a factor of ${short(bound / stored.mean[k], 3)}` : ` (at α₁ = ${short(stored.alpha1)})`}. The trivial line is ${short(stored.trivial, 3)}.`;
    },
  },

  landscapes: {
    title: "Four optimizers",
    question: "Each optimizer gets the best of 25 learning rates. Which arrives first?",
    choices: { a: "VRAdam", b: "An optimizer without a gate", c: "It depends on the landscape" },
    right: "c",
    answer: "Change the landscape or the horizon and the order changes; one picture of this kind shows nothing in general.",
    setup: { ...PARABOLA, optimizer: "vradam", objective: "rosenbrock", x: -1.2, y: 1, v: 0, steps: 300, at: 300 },
    main: "steps",
    controls: [["Objective", ["objective"]], ["Start", ["x", "y"]], ["Optimizers", ["beta1", "beta2", "beta3", "alpha1"]], ["Noise", ["noise", "size", "seed"]], ["Run", ["steps"]]],
    claims: ["E1"],
    two: true,
    four: (o) => tuned(o, ["vradam", "adamw", "vrmomentum", "nesterov"]),
    figures(o, c) {
      const colours = [c.look.blue, c.look.orange, c.look.green, c.look.purple];
      const four = this.four(o);
      return [
        plane(o, c, four.map((one, k) => [one.run, colours[k], k])),
        series("Value, linked to the paths", "F − least seen", o, four.map((one, k) => {
          const least = Math.min(...four.map((other) => Math.min(...other.run.value.filter(Number.isFinite))), 0);
          return over(one.run, one.run.value.map((F) => F - least + 1e-12), colours[k], k, `${NAMES[one.optimizer]}, α₀ = ${short(one.alpha0)}`);
        }), { ylog: true }),
        series("Learning rate", "η / α₀", o, four.map((one, k) => over(one.run, scaled(one.run.eta, 1 / one.alpha0), colours[k], k)), { ylim: [0, 1.08] }),
      ];
    },
    sentence(o) {
      const four = [...this.four(o)].sort((a, b) => a.end - b.end);
      return `${TABLE.objectives[o.objective].label}, ${o.steps} steps, each at its best of 25 rates. Least F at the end: ` +
        four.map((one) => `${NAMES[one.optimizer]} ${short(one.end)}`).join(", ") + ".";
    },
  },
};

/** Prepared states, for the gallery: a label and what differs from the scene's own setup. */
const GALLERY = [
  ["A stable origin that 59 % of these starts never reach", { scene: "cycle" }],
  ["The same starts with a gate that opens slowly", { scene: "cycle", law: "averaged", gate_decay: 0.82 }],
  ["β₁ = 0.5: no cycle seen below the edge", { scene: "cycle", beta1: 0.5, alpha0: 5.7, x: 3 }],
  ["The rate pinned at B/L", { scene: "pinned" }],
  ["The averaged gate beyond the edge: bursts", { scene: "pinned", alpha0: 304, alpha1: 100, law: "averaged", gate_decay: 0.99, steps: 2000, at: 2000 }],
  ["Chaos at 5 B", { scene: "bifurcation", alpha0: 190 }],
  ["Adam at the edge, with a gate", { scene: "sharpening", optimizer: "vradam", alpha0: 0.02, beta3: 0.1, steps: 5000, at: 5000 }],
  ["Fair coins: the minimum repels", { scene: "bias", p: 0.5, size: 2, x: 0.1 }],
  ["Two gates in turn", { scene: "words", word: "oc", alpha0: 34 }],
  ["A word that grows at a twentieth of the edge", { scene: "words", alpha0: 1.9, word: "ooooccccccc", steps: 600, at: 600 }],
  ["Just above the threshold of the opening law", { scene: "opening", gate_decay: 0.81 }],
  ["The smoothed gate's bound", { scene: "bounds", theorem: "smoothed" }],
  ["Himmelblau, four minima", { scene: "landscapes", objective: "himmelblau", x: -0.5, y: -4.5 }],
];
