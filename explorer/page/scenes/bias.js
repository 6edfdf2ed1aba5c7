scenes.bias = {
  title: "Skewed noise",
  question: "Gradients are right on average; rarely, one is very large. Where does the run settle?",
  choices: { a: "At the minimum", b: "Near it, closer for smaller steps", c: "Away from it, however small the step" },
  right: "c",
  answer:
    "The gate shrinks just the steps of the rare large gradients, so what it lets pass is not zero on average at the minimum.",
  setup: {
    ...PARABOLA,
    objective: "pseudo_huber_1",
    alpha0: 0.02,
    beta1: 0,
    alpha1: 19,
    x: 0,
    v: 0,
    noise: "two_point",
    p: 0.1,
    size: 1,
    steps: 5000,
    at: 5000,
    gate_decay: 0.99,
  },
  main: "p",
  controls: [
    ["Noise", ["p", "size", "seed"]],
    ["Optimizer", ["alpha0", "beta1"]],
    ["Gate", ["alpha1", "beta3", "gate_decay"]],
    ["Run", ["steps", "overlay"]],
  ],
  uses: ["gate", "gate_decay"],
  whole: true,
  claims: ["C1b", "C1a", "C2", "C3"],
  figures(o, c) {
    const roots = E.settled(o);
    const forms = [
      ["published", "published", "published gate", c.look.orange, 0],
      ["inside", "published", "inside the momentum", c.look.olive, 1],
      ["published", "averaged", "sees an average", c.look.green, 2],
    ];
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
    const levels =
      o.overlay === "on" && o.beta1 === 0 ? roots.map((g) => ({ y: g * g, label: `plateau ${short(g * g)}` })) : [];
    return [
      series("Squared gradient, running mean", "F′²", o, lines, { levels, ylim: [0, 1.08], wide: true }),
      {
        title: "What passes the gate, on average",
        xlabel: "F′",
        ylabel: "E φ(F′ + ξ)",
        xlim: [-1, 1],
        lines: [{ x: G, y: psi, colour: c.look.purple, path: true }],
        levels: [
          { y: 0 },
          ...(o.beta1 === 0 ? roots.map((g) => ({ x: g, label: "settles here", colour: c.look.orange })) : []),
        ],
      },
    ];
  },
  sentence(o) {
    const r = run({ ...o, optimizer: "vrmomentum", gate: "published", law: "published" });
    const from = Math.floor(r.length / 2);
    const mean = r.gradient.slice(from, r.length).reduce((a, g) => a + g * g, 0) / (r.length - from);
    const root = E.settled(o)
      .map((g) => short(g * g))
      .join(" or ");
    const predicted =
      o.beta1 === 0
        ? `C1b predicts ${root || "no plateau on this objective"} as the step shrinks.`
        : "The prediction drawn here is for β₁ = 0.";
    return (
      `Noise +${short((o.size * (1 - o.p)) / o.p, 3)} with chance ${o.p}, else −${short(o.size, 3)}: mean zero. ` +
      `With the published gate F′² is ${short(mean, 3)} over the second half of the run. ${predicted}`
    );
  },
};
