scenes.sharpening = {
  title: "Sharpening",
  question: "Training makes the loss sharper, step by step. What stops it?",
  choices: {
    a: "The edge B/α₀",
    b: "The edge B/η, lifted by the gate",
    c: "Nothing: it reaches the minimum's sharpness",
  },
  right: "b",
  answer: "While the gate acts, the threshold is B/η with η below α₀: the same sharpness is reached at a higher level.",
  setup: { ...PARABOLA, objective: "sharpening", alpha0: 0.5, x: 0.01, y: 1, v: 0, steps: 1000, at: 1000 },
  main: "alpha0",
  controls: [
    ["Optimizer", ["optimizer", "alpha0", "beta1", "beta2"]],
    ["Gate", GATE],
    ["Start", ["x", "y"]],
    ["Run", ["steps", "overlay"]],
  ],
  claims: ["S2", "S1"],
  formula: "instantaneous",
  figures(o, c) {
    const r = run(o);
    const threshold = r.eta.map((eta) => edge(o) / eta);
    const lines = [
      over(r, r.preconditioned, c.look.blue, 0, "λmax(P⁻¹H)"),
      over(r, threshold, c.look.orange, 1, "B/η"),
    ];
    if (o.optimizer !== "vrmomentum") lines.push(over(r, r.sharpness, c.look.grey, 2, "λmax(H)"));
    return [
      plane(o, c, [[r, c.look.blue, 0]]),
      series("Sharpness against the edge", "curvature", o, lines, {
        ylog: true,
        levels: o.overlay === "on" ? [{ y: edge(o) / o.alpha0, label: "B/α₀", colour: c.look.grey }] : [],
      }),
      series("Learning rate", "η / α₀", o, [over(r, scaled(r.eta, 1 / o.alpha0), c.look.green, 0)], {
        ylim: [0, 1.08 * ceiling(o)],
      }),
    ];
  },
  sentence(o) {
    const r = run(o);
    const t = Math.min(o.at, r.length - 1);
    return (
      `At step ${t} λmax(P⁻¹H) = ${short(r.preconditioned[t])}. The gate sets the edge at B/η = ${short(edge(o) / r.eta[t])}; ` +
      `with the gate open it would be B/α₀ = ${short(edge(o) / o.alpha0)}.`
    );
  },
};
