scenes.pinned = {
  title: "Beyond the edge",
  question: "Now α₀L is half as large again as the edge B. What does the learning rate do?",
  choices: { a: "It makes the run diverge", b: "It settles at exactly B/L", c: "It keeps wandering" },
  right: "b",
  answer: "The gate pins η at B/L: the run oscillates at the speed at which the gate closes just far enough.",
  setup: { ...PARABOLA, alpha0: 57, alpha1: 100, x: 1, v: 0, steps: 400, at: 400 },
  main: "fraction",
  controls: [
    ["Edge", ["fraction", "beta1"]],
    ["Gate", GATE],
    ["Start", ["x", "v"]],
    ["Run", ["steps", "overlay"]],
  ],
  claims: ["S6", "S7"],
  formula: "speed_squared",
  // a form that sees the squared speed, at a constant one: the clip above it, the ceiling at alpha0
  spokenOf: (o, v2) =>
    ["published", "predictable", "per_coordinate"].includes(o.gate) && ceiling(o) === 1 && o.beta3 * v2 <= o.alpha1,
  figures(o, c) {
    const r = run(o);
    const S = o.alpha0 * o.L;
    const v2 = E.formulas.speed_squared({ ...o, S });
    const inside = S > edge(o) && o.overlay === "on" && this.spokenOf(o, v2);
    const v = Math.sqrt(v2);
    const x = (E.formulas.kappa(o) * v) / o.L;
    const points = inside
      ? [
          { x, y: -v, colour: c.look.orange, mark: "square", r: 7, label: "S6" },
          { x: -x, y: v, colour: c.look.orange, mark: "square", r: 7 },
        ]
      : [];
    const reach = Math.max(2.2 * x || 0, Math.abs(o.x) * 1.2, 2);
    return [
      plane(o, c, [[r, c.look.blue, 0]], { points, window: [-reach, reach, -reach / 19 - 1, reach / 19 + 1] }),
      series("Learning rate", "η L / B", o, [over(r, scaled(r.eta, o.L / edge(o)), c.look.blue, 0)], {
        ylim: [0, Math.max(2, fraction(o) * ceiling(o) * 1.05)],
        levels: [edgeLevel(c.look)],
      }),
      series("Kinetic energy", "v²", o, [over(r, r.speed2, c.look.green, 0)], {
        levels: inside ? [{ y: v2, label: "v*² of S6" }] : [],
      }),
    ];
  },
  sentence(o) {
    const r = run(o);
    const S = o.alpha0 * o.L;
    const from = Math.floor(r.length / 2);
    const mean = (list) => list.slice(from, r.length).reduce((a, b) => a + b, 0) / (r.length - from);
    const v2 = E.formulas.speed_squared({ ...o, S });
    const predicted = !this.spokenOf(o, v2)
      ? "S6 is about a gate that sees v² and is not clipped."
      : S > edge(o) && S < E.formulas.window_end(o)
        ? `S6 predicts η L = B and v² = ${short(v2)}.`
        : S <= edge(o)
          ? "Below the edge S6 says nothing."
          : `Beyond 2B = ${short(E.formulas.window_end(o))} the pinned orbit no longer attracts.`;
    return (
      `α₀L = ${short(fraction(o), 3)} B. Over the second half of the run η L = ${short(mean(r.eta) * o.L)} ` +
      `(B = ${short(edge(o))}) and v² = ${short(mean(r.speed2))} on average. ${predicted}`
    );
  },
};
