// Runs, basins, diagrams and words. Everything here is float64 and knows no page; it also runs in a worker.

const gatedOptimizer = (optimizer) => optimizer === "vradam" || optimizer === "vrmomentum";

/** The name of a step: the form and the law of the gate count where there is one. */
function stepName(optimizer, gate, law, d) {
  return gatedOptimizer(optimizer) ? `${optimizer}_${gate}_${law}_${d}` : `${optimizer}_${d}`;
}

/**
 * One run of o.optimizer on o.objective from (o.x, o.y) with velocity o.v, in the order in which the instrument runs:
 * gradient, noise, step. Records every step; a run that is no longer finite ends, and `length` says where.
 */
function simulate(o, d) {
  const N = o.steps;
  const step = steps[stepName(o.optimizer, o.gate, o.law, d)];
  const gradient = objectives[o.objective + "_gradient"];
  const whole = objectives[o.objective];
  const run = { d, steps: N, length: N + 1, x: new Float64Array((N + 1) * d), v: new Float64Array((N + 1) * d) };
  for (const series of ["value", "gradient", "eta", "speed2", "sharpness", "preconditioned"]) {
    run[series] = new Float64Array(N + 1).fill(NaN);
  }
  const s = new Float64Array(4 * d + 1);
  const g = new Float64Array(d);
  const out = new Float64Array(6);
  s[0] = o.x;
  if (d === 2) s[1] = o.y;
  s[d] = o.v;
  if (o.law === "held" && gatedOptimizer(o.optimizer)) s.fill(o.w0, 3 * d, 4 * d);
  const metric = o.optimizer === "vradam" || o.optimizer === "adamw";
  for (let t = 0, eta = o.alpha0; ; t++) {
    whole(s, o, out);
    let slope = 0;
    let speed = 0;
    for (let i = 0; i < d; i++) {
      run.x[t * d + i] = s[i];
      run.v[t * d + i] = s[d + i];
      slope += out[1 + i] * out[1 + i];
      speed += s[d + i] * s[d + i];
    }
    run.value[t] = out[0];
    run.gradient[t] = Math.sqrt(slope);
    run.eta[t] = eta;
    run.speed2[t] = speed;
    run.sharpness[t] = d === 2 ? largest(out[3], out[4], out[5]) : out[2];
    if (t > 0 && metric) {
      const b1 = 1 - Math.pow(o.beta1, t);
      const b2 = 1 - Math.pow(o.beta2, t);
      const scale = (i) => 1 / Math.sqrt(b1 * (Math.sqrt(s[2 * d + i] / b2) + o.eps));
      const a = scale(0);
      const c = d === 2 ? scale(1) : 0;
      run.preconditioned[t] = d === 2 ? largest(a * a * out[3], a * c * out[4], c * c * out[5]) : a * a * out[2];
    } else if (!metric) run.preconditioned[t] = run.sharpness[t];
    if (t === N) return run;
    gradient(s, o, g);
    if (o.noise !== "none") {
      const xi = noise(o, o.seed, t, d);
      for (let i = 0; i < d; i++) g[i] += xi[i];
    }
    let finite = Number.isFinite(g[0]) && (d === 1 || Number.isFinite(g[1]));
    if (finite) {
      eta = step(s, t, g, o);
      finite = Number.isFinite(s[0]) && (d === 1 || Number.isFinite(s[1]));
    }
    if (!finite) {
      run.length = t + 1;
      return run;
    }
  }
}

/** The larger eigenvalue of the symmetric matrix ((a, b), (b, c)). */
function largest(a, b, c) {
  return (a + c) / 2 + Math.hypot((a - c) / 2, b);
}

const REST = 0;
const GONE = 5;

/**
 * Where starts (x, v) of a one-dimensional run end after o.horizon steps, a multiple of four: 0 at rest, 1 to 4 still
 * moving, by the quadrant they are in then, 5 far away. Yields a picture once every eighth start is known, then every
 * fourth, second, and all; and nothing in between, so that whoever runs it can stop.
 */
function* basins(o) {
  const { w, h, window, horizon } = o;
  const step = steps[stepName(o.optimizer, o.gate, o.law, 1)];
  const gradient = objectives[o.objective + "_gradient"];
  const s = new Float64Array(5);
  const g = new Float64Array(1);
  const out = new Uint8Array(w * h);
  const seen = new Uint8Array(w * h);
  const closed = o.law === "held" ? o.w0 : 0;
  const small = (1e-3 * window[3]) ** 2;
  const scale = (window[3] / window[1]) ** 2;
  const far = 1e6 * window[1];
  let counted = 0;
  let moving = 0;
  for (const k of [8, 4, 2, 1]) {
    for (let j = 0; j < h; j += k) {
      for (let i = 0; i < w; i += k) {
        if (seen[j * w + i]) continue;
        seen[j * w + i] = 1;
        s[0] = window[0] + ((window[1] - window[0]) * i) / (w - 1);
        s[1] = window[2] + ((window[3] - window[2]) * j) / (h - 1);
        s[2] = 0;
        s[3] = closed;
        s[4] = 0;
        let end = -1;
        for (let t = 0; t < horizon; t++) {
          gradient(s, o, g);
          step(s, t, g, o);
          if (s[0] * s[0] * scale + s[1] * s[1] < small) {
            end = REST;
            break;
          }
          if (!(Math.abs(s[0]) < far)) {
            end = GONE;
            break;
          }
        }
        if (end < 0) end = s[0] >= 0 ? (s[1] >= 0 ? 1 : 2) : s[1] >= 0 ? 4 : 3;
        counted++;
        moving += end !== REST;
        for (let b = j; b < Math.min(h, j + k); b++) for (let a = i; a < Math.min(w, i + k); a++) out[b * w + a] = end;
      }
      yield null;
    }
    yield { w, h, window, out: out.slice(), k, moving: moving / counted };
  }
}

/**
 * eta L after many steps, over S/B from o.from to o.to: `samples` late values in each of `columns` columns, from a start
 * near the pinned orbit and from one far away; first every eighth column.
 */
function* bifurcation(o) {
  const { columns, samples, settle, from, to } = o;
  const step = steps[stepName("vrmomentum", o.gate, o.law, 1)];
  const values = new Float64Array(columns * samples * 2).fill(NaN);
  const done = new Uint8Array(columns);
  const s = new Float64Array(5);
  const g = new Float64Array(1);
  const p = { ...o, weight_decay: 0 };
  for (const k of [8, 1]) {
    for (let i = 0; i < columns; i += k) {
      if (done[i]) continue;
      done[i] = 1;
      p.alpha0 = (from + ((to - from) * (i + 0.5)) / columns) * formulas.edge(o);
      for (let start = 0; start < 2; start++) {
        const pinned = Math.sqrt(Math.max(formulas.speed_squared({ ...p, S: p.alpha0, beta3: 1 }), 0.01));
        s.fill(0);
        s[0] = start ? 14 : 1.01 * formulas.kappa(o) * pinned;
        s[1] = start ? -0.7 : -pinned;
        if (o.law === "held") s[3] = o.w0;
        for (let t = 0; t < settle + samples; t++) {
          g[0] = s[0];
          const eta = step(s, t, g, p);
          if (t >= settle) values[(i * 2 + start) * samples + t - settle] = eta;
        }
      }
      yield null;
    }
    yield { columns, samples, from, to, values: values.slice(), k };
  }
}

/** The growth per step of the word of step sizes `word`, repeated for ever: a root of the spectral radius. */
function growth(word, p) {
  const a = [1, 0];
  const b = [0, 1];
  for (const s of word) {
    momentum(a, s, p);
    momentum(b, s, p);
  }
  const trace = a[0] + b[1];
  const determinant = a[0] * b[1] - b[0] * a[1];
  const inside = (trace * trace) / 4 - determinant;
  const radius = inside < 0 ? Math.sqrt(determinant) : Math.abs(trace / 2) + Math.sqrt(inside);
  return Math.pow(radius, 1 / word.length);
}

/**
 * The worst sawtooth that obeys the opening law: close to w at once, then open for n - 1 steps by the factor p.gate_decay.
 * Searched over w <= alpha1 and n <= longest; returns its step sizes and its growth per step.
 */
function sawtooth(p, S, longest = 16, cells = 40) {
  let worst = { growth: 0, word: [S] };
  for (let n = 2; n <= longest; n++) {
    for (let i = 1; i <= cells; i++) {
      const w = p.alpha1 * (i / cells) ** 2;
      const word = Array.from({ length: n }, (_, j) => S / (1 + w * Math.pow(p.gate_decay, j)));
      const rate = growth(word, p);
      if (rate > worst.growth) worst = { growth: rate, word, w };
    }
  }
  return worst;
}

/** Distance from the origin in momentum's own norm while the word is played from (1, 0): log10, one entry a step. */
function played(word, p, steps) {
  const z = [1, 0];
  let shift = 0;
  const track = new Float64Array(steps + 1);
  for (let t = 1; t <= steps; t++) {
    momentum(z, word[(t - 1) % word.length], p);
    const size = Math.hypot(z[0], formulas.kappa(p) * z[1]);
    if (size > 1e100 || (size < 1e-100 && size > 0)) {
      shift += Math.log10(size);
      z[0] /= size;
      z[1] /= size;
      track[t] = shift;
    } else track[t] = shift + Math.log10(size);
  }
  return track;
}

/** The gradient G at which the mean of what the gate lets pass, over two-point noise, changes sign upwards. */
function settled(p) {
  const up = (p.size * (1 - p.p)) / p.p;
  const phi = (v) => formulas.passed({ ...p, v });
  const mean = (G) => p.p * phi(G + up) + (1 - p.p) * phi(G - p.size);
  const reach = Math.max(up, p.size) * 1.001;
  const roots = [];
  const cells = 400;
  for (let i = 0; i < cells; i++) {
    let a = -reach + (2 * reach * i) / cells;
    let b = a + (2 * reach) / cells;
    if (!(mean(a) < 0 && mean(b) >= 0)) continue;
    for (let k = 0; k < 60; k++) {
      const c = (a + b) / 2;
      if (mean(c) < 0) a = c;
      else b = c;
    }
    roots.push((a + b) / 2);
  }
  return roots;
}

/**
 * Work in turns: at most `patience` milliseconds, then a breath in which a new job may supersede the one before. `post`
 * receives every result with the id of its job.
 */
function workshop(post, patience = 12) {
  let job = null;
  const { port1, port2 } = new MessageChannel();
  const turn = () => {
    const until = performance.now() + patience;
    while (job && performance.now() < until) {
      const { value, done } = job.work.next();
      if (done) job = null;
      else if (value) post({ id: job.id, ...value });
    }
    if (job) port2.postMessage(0);
  };
  port1.onmessage = turn;
  return ({ id, kind, setup }) => {
    const idle = job === null;
    job = { id, work: kind === "basins" ? basins(setup) : bifurcation(setup) };
    if (idle) port2.postMessage(0);
  };
}

return {
  steps,
  objectives,
  formulas,
  threefry,
  normalPair,
  symmetricUnit,
  below,
  noise,
  stepName,
  simulate,
  basins,
  bifurcation,
  growth,
  sawtooth,
  played,
  settled,
  workshop,
  momentum,
  gatedOptimizer,
};
