scenes.bounds = {
  title: "Bounds",
  question: "The theorem bounds the mean squared gradient. How far above the measurement does the bound lie?",
  choices: { a: "Within a factor of 2", b: "By a factor of 10 or more", c: "Below it: it is violated" },
  right: "b",
  answer:
    "True, and informative only at long horizons: below the trivial line, which needs no theorem, and still above what is measured.",
  setup: { ...PARABOLA, theorem: "theorem2", alpha1: 1, at: 0 },
  main: "alpha1",
  controls: [["Bound", ["theorem", "alpha1"]]],
  uses: ["gate"],
  claims: ["C1a", "C2", "C1b"],
  at: (o) => ({ ...STORED.rates[o.theorem], alpha1: o.alpha1 }),
  figures(o, c) {
    const stored = STORED.rates[o.theorem];
    const p = this.at(o);
    const N = count(80).map((i) => 10 ** (3 + (i / 79) * 6));
    const bound = N.map((n) => E.formulas[o.theorem]({ ...p, N: n }));
    return [
      {
        title: "Mean squared gradient over the horizon",
        xlabel: "N",
        ylabel: "E‖∇F(x_τ)‖²",
        xlog: true,
        ylog: true,
        wide: true,
        lines: [
          { x: N, y: bound, colour: c.look.orange, path: true, label: "bound" },
          {
            x: stored.N,
            y: stored.mean,
            colour: c.look.blue,
            dots: true,
            label: `measured, α₁ = ${short(stored.alpha1)}`,
          },
        ],
        levels: [{ y: stored.trivial, label: "trivial line: needs no theorem", colour: c.look.grey }],
      },
    ];
  },
  sentence(o) {
    const stored = STORED.rates[o.theorem];
    const k = stored.N.length - 1;
    const bound = E.formulas[o.theorem]({ ...this.at(o), N: stored.N[k] });
    const same = o.alpha1 === stored.alpha1;
    return (
      `At N = ${short(stored.N[k])} the bound at α₁ = ${short(o.alpha1)} is ${short(bound)}, the measured mean ${short(stored.mean[k])}` +
      `${same ? `: a factor of ${short(bound / stored.mean[k], 3)}` : ` (at α₁ = ${short(stored.alpha1)})`}. The trivial line is ${short(stored.trivial, 3)}.`
    );
  },
};
