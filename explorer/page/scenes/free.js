scenes.free = {
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
  claims: ["S2", "S1", "E2", "E1"],
  formula: "instantaneous",
  figures(o, c) {
    const r = run(o);
    const colour = colourOf(o.optimizer, c.look);
    const runs = [[r, colour, 0, NAMES[o.optimizer]]];
    const lines = [over(r, r.value, colour, 0, NAMES[o.optimizer])];
    if (gated(o)) {
      const open = run(ungated(o));
      runs.push([open, c.look.blue, 1, "gate open for ever"]);
      lines.push(over(open, open.value, c.look.blue, 1, "gate open for ever"));
    }
    const product = r.eta.map((eta, t) => eta * r.preconditioned[t]);
    return [
      plane(o, c, runs),
      series("Value", "F(x)", o, lines, { ylog: true }),
      series("Learning rate", "η / α₀", o, [over(r, scaled(r.eta, 1 / o.alpha0), c.look.green, 0)], {
        ylim: [0, 1.08 * ceiling(o)],
        levels: gated(o) && o.overlay === "on" ? [{ y: ceiling(o) / (1 + o.alpha1), label: "least rate" }] : [],
      }),
      series("Sharpness against the edge", "η λmax / B", o, [over(r, scaled(product, 1 / edge(o)), c.look.purple, 0)], {
        ylog: true,
        levels: o.overlay === "on" ? [edgeLevel(c.look)] : [],
      }),
    ];
  },
  sentence(o) {
    const r = run(o);
    const t = Math.min(o.at, r.length - 1);
    const gone = r.length <= o.steps ? ` The run left the finite numbers at step ${r.length}.` : "";
    const open = r.eta[t] / o.alpha0;
    return `${NAMES[o.optimizer]} after ${t} steps: F = ${short(r.value[t])}; the learning rate is at ${percent(open)} of α₀.${gone}`;
  },
};
