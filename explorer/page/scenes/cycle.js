scenes.cycle = {
  title: "Below the edge",
  question: "The learning rate is 21 % below the edge, and the origin is stable. Does every start converge?",
  choices: { a: "Yes, all of them", b: "All but a thin set", c: "No: a sizeable share never arrives" },
  right: "c",
  answer: "A cycle of period four attracts the coloured starts. Stability of the origin is local.",
  setup: { ...PARABOLA, alpha0: 30, steps: 400, at: 60 },
  main: "fraction",
  controls: [
    ["Edge", ["fraction", "beta1"]],
    ["Gate", GATE],
    ["Start", ["x", "v"]],
    ["Run", ["steps", "overlay"]],
  ],
  claims: ["S3b", "S7"],
  formula: "birth",
  window: (o) => [-0.9 * edge(o), 0.9 * edge(o), -1.8, 1.8],
  job(o) {
    const quick = Math.min(4 * Math.ceil(6 / (1 - o.beta1) / 4) * 10, 2000);
    return {
      kind: "basins",
      setup: { ...o, L: 1, alpha0: o.alpha0 * o.L, w: 320, h: 240, window: this.window(o), horizon: quick },
    };
  },
  figures(o, c) {
    const r = run(o);
    const B = edge(o);
    const S = o.alpha0 * o.L;
    const points = [];
    const one = E.formulas.cycle_v1({ S, beta1: o.beta1 }) / Math.sqrt(o.beta3);
    const two = E.formulas.cycle_v2({ S, beta1: o.beta1 }) / Math.sqrt(o.beta3);
    if (o.overlay === "on" && one > 0 && two > 0 && S >= E.formulas.birth(o) && asPublished(o)) {
      const speeds = [one, two, -one, -two];
      speeds.forEach((v, k) => {
        const x = (speeds[(k + 1) % 4] - o.beta1 * v) / (1 - o.beta1) / o.L;
        points.push({ x, y: v, colour: c.look.ink, r: 6, mark: "square", label: k === 0 ? "cycle of S3b" : "" });
      });
    }
    const window = this.window(o).map((value, k) => (k < 2 ? value / o.L : value));
    const found = c.found && { canvas: basinPicture(c.found, c.look), window };
    const picture = plane(o, c, [[r, c.look.ink, 0]], {
      thin: true,
      window,
      points,
      image: found || null,
      title: "Where starts end (blank: at rest)",
    });
    const betas = count(160).map((i) => 0.3 + (i / 160) * 0.69);
    const curve = (name) => betas.map((beta1) => Math.min(E.formulas[name]({ beta1 }) / edge({ beta1 }), 1.5));
    const map = {
      title: "Map: share that converges (click)",
      xlabel: "β₁ (published gate, α₁ = 10)",
      ylabel: "α₀L / B",
      xlim: [0.3, 0.99],
      ylim: [0, 1.05],
      image:
        o.overlay === "on"
          ? {
              canvas: mapPicture(c.look),
              window: [
                STORED.map.beta1[0],
                STORED.map.beta1.at(-1),
                STORED.map.fraction[0],
                STORED.map.fraction.at(-1),
              ],
            }
          : null,
      lines:
        o.overlay === "on"
          ? [
              { x: betas, y: curve("birth"), colour: c.look.blue, dash: DASHES[1], label: "S*: period four is born" },
              { x: betas, y: curve("safe"), colour: c.look.green, dash: DASHES[2], label: "proved safe below" },
            ]
          : [],
      points: [{ x: o.beta1, y: fraction(o), colour: c.look.ink, hollow: true, r: 7 }],
      levels: [{ y: 1, label: "the edge B" }],
      pick: (x, y) => ({ beta1: Math.min(Math.max(x, 0.05), 0.99), fraction: Math.max(y, 0.02) }),
    };
    return [
      picture,
      map,
      series("Rate along the run", "η L / B", o, [over(r, scaled(r.eta, o.L / B), c.look.blue, 0)], {
        ylim: [0, Math.max(1.1, fraction(o) * ceiling(o) * 1.1)],
        levels: [edgeLevel(c.look)],
      }),
    ];
  },
  sentence(o, c) {
    const moving = c.found
      ? `${percent(c.found.moving, 0)} of the starts in this window are not at rest in the end. `
      : "";
    const { counted } = STORED;
    const ledger =
      `Of ${counted.starts.toLocaleString("en")} random starts at β₁ = 0.9, α₀L = 0.789 B, ` +
      `${percent(1 - counted.converge / counted.starts, 2)} never converge (S3b). `;
    const born = E.formulas.birth(o) / edge(o);
    return (
      `α₀L = ${short(fraction(o), 3)} B. ${moving}${ledger}` +
      (born < 1
        ? `With the published gate the cycle of period four is born at S* = ${born.toFixed(3)} B.`
        : "At this β₁ the published gate has no cycle of period four below the edge.")
    );
  },
};
