scenes.words = {
  title: "You are the gate",
  question: "Every gate you may choose is stable on its own. Can you make the run grow?",
  choices: { a: "No: stable steps stay stable", b: "Yes, by ordering them badly", c: "Only beyond the edge" },
  right: "b",
  answer:
    "Products of stable matrices need not be stable: the theorem as reported covers any order of gates, and it fails.",
  setup: { ...PARABOLA, alpha0: 20.9, steps: 120, at: 120, word: "occcc" },
  main: "fraction",
  controls: [
    ["Edge", ["fraction", "beta1", "alpha1"]],
    ["Play", ["word"]],
    ["Run", ["steps"]],
  ],
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
    const growths = fractions.map((f) =>
      E.growth(
        word.map((s) => (s / S) * f * edge(o)),
        o,
      ),
    );
    const steps = [];
    const sizes = [];
    word.forEach((s, k) => {
      steps.push(k, k + 1);
      sizes.push(s / edge(o), s / edge(o));
    });
    return [
      {
        title: "Distance from the origin, your word repeated",
        xlabel: "step",
        ylabel: "log₁₀ distance",
        xlim: [0, o.steps],
        wide: true,
        lines: [
          { x: shown, y: track, colour: c.look.blue, label: "played" },
          {
            x: shown,
            y: shown.map((t) => t * Math.log10(rate)),
            colour: c.look.orange,
            dash: DASHES[1],
            label: "growth by the spectral radius",
          },
        ],
      },
      {
        title: "Your word",
        xlabel: "step of the word",
        ylabel: "η L / B",
        ylim: [0, 1.08],
        xlim: [0, word.length],
        lines: [{ x: steps, y: sizes, colour: c.look.green, path: true }],
        levels: [edgeLevel(c.look)],
      },
      {
        title: "The word at other learning rates",
        xlabel: "α₀L / B",
        ylabel: "growth per step",
        lines: [{ x: fractions, y: growths, colour: c.look.purple, path: true }],
        levels: [
          { y: 1, label: "1: neither grows nor decays" },
          { x: fraction(o), colour: c.look.orange },
        ],
        pick: (level) => ({ fraction: Math.min(Math.max(level, 0.02), 1.04) }),
      },
    ];
  },
  sentence(o) {
    const word = this.sizes(o);
    const rate = E.growth(word, o);
    const two =
      word.length === 2
        ? ` S5: w(s₁, s₂) = ${short(E.formulas.two_gate_word({ ...o, s1: word[0], s2: word[1] }))}, unstable where positive.`
        : "";
    const verdict = rate > 1 ? "it grows although each of its gates is stable" : "it decays";
    return (
      `Word ${o.word || "o"} (o open, c closed), α₀L = ${short(fraction(o), 3)} B: growth ${rate.toFixed(4)} per step, ${fraction(o) < 1 ? verdict : "beyond the edge"}.${two} ` +
      `One Lyapunov function for all orders exists up to ${(E.formulas.one_form(o) / edge(o)).toFixed(4)} B.`
    );
  },
};
