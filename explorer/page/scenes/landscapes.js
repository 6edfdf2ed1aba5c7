scenes.landscapes = {
  title: "Four optimizers",
  question: "Each optimizer gets the best of 25 learning rates. Which arrives first?",
  choices: { a: "VRAdam", b: "An optimizer without a gate", c: "It depends on the landscape" },
  right: "c",
  answer:
    "Change the landscape or the horizon and the order changes; one picture of this kind shows nothing in general.",
  setup: { ...PARABOLA, optimizer: "vradam", objective: "rosenbrock", x: -1.2, y: 1, v: 0, steps: 300, at: 300 },
  main: "steps",
  controls: [
    ["Objective", ["objective"]],
    ["Start", ["x", "y"]],
    ["Optimizers", ["beta1", "beta2", "beta3", "alpha1"]],
    ["Noise", ["noise", "size", "seed"]],
    ["Run", ["steps"]],
  ],
  claims: ["W1", "E1"],
  two: true,
  // a hundred runs are made anew at each move of a slider: so many steps are answered at once
  capped: (o) => ({ ...o, steps: Math.min(o.steps, 2000), at: Math.min(o.at, 2000) }),
  four: (o) => tuned(o, ["vradam", "adamw", "vrmomentum", "nesterov"]),
  figures(state, c) {
    const o = this.capped(state);
    const colours = [c.look.orange, c.look.blue, c.look.purple, c.look.green];
    const four = this.four(o);
    return [
      plane(
        o,
        c,
        four.map((one, k) => [one.run, colours[k], k]),
      ),
      series(
        "Value, linked to the paths",
        "F − least seen",
        o,
        four.map((one, k) => {
          const least = Math.min(...four.map((other) => Math.min(...other.run.value.filter(Number.isFinite))), 0);
          return over(
            one.run,
            one.run.value.map((F) => F - least + 1e-12),
            colours[k],
            k,
            `${NAMES[one.optimizer]}, α₀ = ${short(one.alpha0)}`,
          );
        }),
        { ylog: true },
      ),
      series(
        "Learning rate",
        "η / α₀",
        o,
        four.map((one, k) => over(one.run, scaled(one.run.eta, 1 / one.alpha0), colours[k], k)),
        { ylim: [0, 1.08] },
      ),
    ];
  },
  sentence(state) {
    const o = this.capped(state);
    const four = [...this.four(o)].sort((a, b) => a.end - b.end);
    return (
      `${TABLE.objectives[o.objective].label}, ${o.steps} steps, each at its best of 25 rates. Least F at the end: ` +
      four.map((one) => `${NAMES[one.optimizer]} ${short(one.end)}`).join(", ") +
      "."
    );
  },
};
