// What scenes show of the engine: runs, pictures and numbers, each computed once for a given setup.

const E = engine();
const kept = new Map();

/** The value of `make()`, computed once for the key; the last few are kept. */
function once(key, make) {
  if (!kept.has(key)) {
    if (kept.size > 24) kept.delete(kept.keys().next().value);
    kept.set(key, make());
  }
  return kept.get(key);
}

const RUN_FIELDS = [
  "optimizer",
  "gate",
  "law",
  "objective",
  "alpha0",
  "alpha1",
  "beta1",
  "beta2",
  "beta3",
  "gate_decay",
  "w0",
  "k",
  "target",
  "average",
  "eps",
  "weight_decay",
  "L",
  "ratio",
  "x",
  "y",
  "v",
  "steps",
  "noise",
  "size",
  "p",
  "seed",
];

const runKey = (o) => RUN_FIELDS.map((name) => o[name]).join("|");
const dimension = (o) => TABLE.objectives[o.objective].d;
const run = (o) => once("run " + runKey(o), () => E.simulate(o, dimension(o)));
const gated = (o) => E.gatedOptimizer(o.optimizer);
/** The same optimizer with its gate open for ever. */
const ungated = (o) => ({ ...o, beta3: 0, gate: "published", law: "published" });
const edge = (o) => E.formulas.edge(o);
const fraction = (o) => (o.alpha0 * o.L) / edge(o);
const count = (n) => Float64Array.from({ length: n }, (_, i) => i);

/** Where the coordinate of a run is at each step, as an own list. */
const coordinate = (r, i) => (r.d === 1 ? r.x : r.x.filter((_, k) => k % 2 === i));

/** The least period <= 64 with which the last steps of a one-dimensional run recur, or 0. */
function period(r) {
  if (r.length <= r.steps || r.steps < 256) return 0;
  const last = r.steps;
  const size = Math.max(...r.x.slice(-64).map(Math.abs));
  if (size < 1e-6) return 1;
  for (let k = 1; k <= 64; k++) {
    let same = true;
    for (let t = last; t > last - 128 && same; t--) same = Math.abs(r.x[t] - r.x[t - k]) < 1e-4 * size;
    if (same) return k;
  }
  return 0;
}

/** F over a window as a bitmap: pale where it is low. */
function landscape(o, look) {
  const window = TABLE.objectives[o.objective].window;
  return once(["land", o.objective, o.L, o.ratio, look.paper].join("|"), () => {
    const n = 110;
    const out = new Float64Array(6);
    const values = new Float64Array(n * n);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const point = [
          window[0] + ((window[1] - window[0]) * (i + 0.5)) / n,
          window[2] + ((window[3] - window[2]) * (j + 0.5)) / n,
        ];
        E.objectives[o.objective](point, o, out);
        values[j * n + i] = out[0];
      }
    }
    const sorted = values.slice().sort();
    const low = sorted[0];
    const span = Math.max(sorted[Math.floor(0.02 * n * n)] - low, 1e-12);
    const height = (value) => Math.log1p((value - low) / span);
    const top = height(sorted[n * n - 1]);
    // bands, so that the eye reads level sets
    return bitmap(
      n,
      n,
      between(look.paper, look.land, 19),
      (i, j) => 1 + Math.floor((16 * height(values[j * n + i])) / top),
    );
  });
}

/** The basins of a worker's answer as a bitmap: paper where starts come to rest, a colour for each phase. */
function basinPicture(found, look) {
  return once(["basins", found.serial, look.paper].join("|"), () => {
    const colours = [look.paper, look.blue, look.sky, look.orange, look.peach, look.grey].map((c) => mixed(c, c, 0));
    return bitmap(found.w, found.h, colours, (i, j) => found.out[j * found.w + i]);
  });
}

/** The late values of a bifurcation diagram as a bitmap of `rows` heights between 0.03 and 8, logarithmic. */
function diagramPicture(found, B, look, low = 0.03, high = 8, rows = 300) {
  return once(["diagram", found.serial, look.paper].join("|"), () => {
    const { columns, samples, values } = found;
    const hits = new Uint8Array(columns * rows);
    const factor = rows / Math.log(high / low);
    for (let i = 0; i < columns; i++) {
      for (let k = 0; k < 2 * samples; k++) {
        const row = Math.floor(factor * Math.log(values[i * 2 * samples + k] / B / low));
        if (row >= 0 && row < rows && hits[i * rows + row] < 8) hits[i * rows + row] += 1;
      }
    }
    const palette = [mixed(look.paper, look.paper, 0), ...between(look.blue, look.paper, 14).slice(0, 8).reverse()];
    return bitmap(columns, rows, palette, (i, j) => hits[i * rows + j]);
  });
}

/** The map of stability: the stored share of starts that converge over beta1 and S/B. */
function mapPicture(look) {
  return once("map " + look.paper, () => {
    const { beta1, fraction: levels, share } = STORED.map;
    const bytes = Uint8Array.from(atob(share), (c) => c.charCodeAt(0));
    return bitmap(
      beta1.length,
      levels.length,
      between(look.orange, look.paper, 256),
      (i, j) => bytes[j * beta1.length + i],
    );
  });
}

const TUNED_FIELDS = [
  "objective",
  "L",
  "ratio",
  "x",
  "y",
  "steps",
  "alpha1",
  "beta1",
  "beta2",
  "beta3",
  "noise",
  "size",
  "p",
  "seed",
];

/** Each of the optimizers at the best of 25 learning rates for this horizon, measured by F at the end. */
function tuned(o, optimizers) {
  const trial = (optimizer, k) => {
    const alpha0 = +(10 ** (-4 + k / 5)).toPrecision(3);
    const r = E.simulate({ ...o, optimizer, alpha0, gate: "published", law: "published", weight_decay: 0, v: 0 }, 2);
    return { optimizer, alpha0, end: r.length > o.steps ? r.value[o.steps] : Infinity, run: r };
  };
  const better = (one, other) => (other.end < one.end ? other : one);
  return once("tuned " + TUNED_FIELDS.map((name) => o[name]).join("|"), () =>
    optimizers.map((optimizer) => Array.from({ length: 25 }, (_, k) => trial(optimizer, k)).reduce(better)),
  );
}

/** Growth per step of the worst sawtooth for memories g in (0, 1). */
function openingCurve(o) {
  const S = o.alpha0 * o.L;
  return once(["opening", o.beta1, o.alpha1, S].join("|"), () => {
    const g = Float64Array.from({ length: 50 }, (_, i) => (i + 0.5) / 50);
    return { g, growth: g.map((gate_decay) => E.sawtooth({ ...o, gate_decay }, S, 9, 16).growth) };
  });
}
