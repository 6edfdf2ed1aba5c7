scenes.opening = {
  title: "Opening law",
  question: "An adversary opens and closes the gate. It may close at once. How slowly must it open to be safe?",
  choices: { a: "No limit makes it safe", b: "By a factor β₁² a step, or slower", c: "It must stay closed" },
  right: "b",
  answer:
    "Let w, which closes the gate as 1/(1 + w), fall by a factor g a step at most. Every g above the threshold is then safe against every adversary.",
  setup: { ...PARABOLA, alpha0: 36.1, gate_decay: 0.6, steps: 200, at: 200 },
  main: "gate_decay",
  controls: [
    ["Law", ["gate_decay", "alpha1"]],
    ["Edge", ["fraction", "beta1"]],
    ["Run", ["steps"]],
  ],
  uses: ["gate", "gate_decay"],
  claims: ["S8", "S7"],
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
      {
        title: "Growth of the worst sawtooth found",
        xlabel: "memory g of the law",
        ylabel: "growth per step",
        xlim: [0, 1],
        wide: true,
        lines: [{ x: curve.g, y: curve.growth, colour: c.look.blue, path: true }],
        levels: [
          { y: 1 },
          ...(fraction(o) < 1
            ? [{ x: star, label: `safe from g* = ${short(star)}`, colour: c.look.green, dash: [8, 3, 2, 3] }]
            : []),
          { x: o.gate_decay, colour: c.look.orange, dash: [], label: "g" },
        ],
        pick: (g) => ({ gate_decay: Math.min(Math.max(Math.round(g * 1000) / 1000, 0), 0.999) }),
      },
      {
        title: "That sawtooth",
        xlabel: "step",
        ylabel: "η L / B",
        lines: [{ x, y: periods.flatMap((s) => [s / edge(o), s / edge(o)]), colour: c.look.orange, path: true }],
        levels: [edgeLevel(c.look)],
      },
      {
        title: "Distance from the origin under it",
        xlabel: "step",
        ylabel: "log₁₀ distance",
        xlim: [0, o.steps],
        lines: [{ x: shown, y: E.played(worst.word, o, o.steps), colour: c.look.blue }],
      },
    ];
  },
  sentence(o) {
    const S = o.alpha0 * o.L;
    const worst = E.sawtooth(o, S);
    const star = Math.max(E.formulas.rise({ ...o, S }), 0);
    if (fraction(o) >= 1)
      return `α₀L = ${short(fraction(o), 3)} B lies beyond the edge, where even a constant gate grows.`;
    const seen =
      worst.growth > 1
        ? `the worst sawtooth found, of ${worst.word.length} gates, grows by ${percent(worst.growth - 1, 2)} a step`
        : "no sawtooth that was tried grows";
    const law =
      o.gate_decay > star
        ? `no adversary whatever can make it grow, since g > g* = ${short(star)} (S8)`
        : `the theorem asks for g > g* = ${short(star)} (S8)`;
    return `α₀L = ${short(fraction(o), 3)} B, g = ${short(o.gate_decay)}: ${seen}; ${law}.`;
  },
};
