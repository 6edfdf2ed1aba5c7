scenes.bifurcation = {
  title: "Bifurcations",
  question: "As α₀L rises from 0.3 B to 8 B, how does the pinned rate end?",
  choices: { a: "It stays pinned for ever", b: "It splits in two at 2B, then chaos", c: "It diverges at 2B" },
  right: "b",
  answer:
    "The pinned orbit attracts up to 2B, where it becomes asymmetric and soon ceases to attract; from other starts longer cycles and chaos come earlier.",
  setup: { ...PARABOLA, alpha0: 57, alpha1: 100, steps: 2000, at: 2000 },
  main: "fraction",
  controls: [
    ["Edge", ["fraction", "beta1"]],
    ["Gate", ["gate", "law", "gate_decay", "alpha1"]],
    ["Start", ["x", "v"]],
    ["Run", ["overlay"]],
  ],
  claims: ["S6", "S3b"],
  formula: "edge",
  job: (o) => ({
    kind: "bifurcation",
    setup: { ...o, L: 1, beta3: 1, alpha0: 1, columns: 480, samples: 48, settle: 1200, from: 0.3, to: 8 },
  }),
  figures(o, c) {
    const B = edge(o);
    const r = run({ ...o, steps: 2000 });
    const tail = 64;
    const x = count(tail);
    const from = r.steps - tail + 1;
    const levels =
      o.overlay === "on" && asPublished(o)
        ? [
            { x: E.formulas.birth(o) / B, label: "S*", dash: [2, 3] },
            { x: 1, label: "B", dash: [2, 3] },
            { x: E.formulas.window_end(o) / B, label: "2B: symmetry breaks", dash: [2, 3] },
            { x: E.formulas.asymmetric_end(o) / B, label: "asymmetric orbit ends", dash: [2, 3] },
          ]
        : [];
    const image = c.found ? { canvas: diagramPicture(c.found, B, c.look), window: [0.3, 8, 0.03, 8] } : null;
    return [
      {
        title: "Rates after many steps: click to choose a level",
        xlabel: "α₀L / B",
        ylabel: "η L / B",
        xlim: [0.3, 8],
        ylim: [0.03, 8],
        ylog: true,
        image,
        wide: true,
        levels: [...levels, { x: fraction(o), colour: c.look.orange, dash: [] }],
        pick: (level) => ({ fraction: Math.min(Math.max(level, 0.3), 8) }),
      },
      {
        title: "The last 64 rates at this level",
        xlabel: "step",
        ylabel: "η L / B",
        ylog: true,
        xlim: [0, tail - 1],
        ylim: [0.03, 8],
        lines: [{ x, y: scaled(r.eta.slice(from), o.L / B), colour: c.look.blue, path: true }],
        levels: [edgeLevel(c.look)],
      },
      {
        title: "The last 64 points",
        xlabel: "x",
        ylabel: "velocity v",
        lines: [{ x: r.x.slice(from), y: r.v.slice(from), colour: c.look.blue, dots: true }],
      },
    ];
  },
  sentence(o) {
    const r = run({ ...o, steps: 2000 });
    const k = period(r);
    const size = Math.abs(r.x[Math.min(2000, r.length - 1)]);
    const what =
      k === 1 && size < 1e-6
        ? "the run comes to rest"
        : k > 0
          ? `the run ends on a cycle of period ${k}`
          : "no period of at most 64 steps is seen";
    return (
      `At α₀L = ${short(fraction(o), 3)} B ${what}, from x = ${short(o.x)} and v = ${short(o.v)}. By S6, with the published gate, the asymmetric orbit attracts from 2B = ${short(E.formulas.window_end(o))} ` +
      `to ${short(E.formulas.asymmetric_end(o))} = ${(E.formulas.asymmetric_end(o) / edge(o)).toFixed(3)} B.`
    );
  },
};
