// Random numbers as a pure function of (seed, run, step, block): Threefry-2x64 with 13 rounds, as the instrument draws
// them. A word of 64 bits is two halves of 32; words are compared and turned into doubles bit for bit alike.

const ROTATIONS = [
  [16, 42, 12, 31],
  [16, 32, 24, 21],
];
const bits = new DataView(new ArrayBuffer(8));

/** The double whose bits are the two halves. */
function double(high, low) {
  bits.setUint32(0, high);
  bits.setUint32(4, low);
  return bits.getFloat64(0);
}

/** Two random words, as [x high, x low, y high, y low], from the key (seed, run) and the counter (step, block). */
function threefry(seed, run, step, block) {
  const key = [seed, run, step, block].map((n) => [Math.floor(n / 2 ** 32) >>> 0, n >>> 0]);
  const high = [key[0][0], key[1][0], (key[0][0] ^ key[1][0] ^ PARITY_HIGH) >>> 0];
  const low = [key[0][1], key[1][1], (key[0][1] ^ key[1][1] ^ PARITY_LOW) >>> 0];
  let xl = key[2][1] + low[0];
  let xh = (key[2][0] + high[0] + (xl >= 2 ** 32)) >>> 0;
  xl >>>= 0;
  let yl = key[3][1] + low[1];
  let yh = (key[3][0] + high[1] + (yl >= 2 ** 32)) >>> 0;
  yl >>>= 0;
  for (let round = 0; round < 13; round++) {
    xl += yl;
    xh = (xh + yh + (xl >= 2 ** 32)) >>> 0;
    xl >>>= 0;
    let r = ROTATIONS[(round >> 2) & 1][round & 3];
    if (r >= 32) {
      [yh, yl] = [yl, yh];
      r -= 32;
    }
    if (r > 0) [yh, yl] = [(yh << r) | (yl >>> (32 - r)), (yl << r) | (yh >>> (32 - r))];
    yh = (yh ^ xh) >>> 0;
    yl = (yl ^ xl) >>> 0;
    if (round % 4 === 3) {
      const j = (round + 1) / 4;
      xl += low[j % 3];
      xh = (xh + high[j % 3] + (xl >= 2 ** 32)) >>> 0;
      xl >>>= 0;
      yl += low[(j + 1) % 3] + j;
      yh = (yh + high[(j + 1) % 3] + Math.floor(yl / 2 ** 32)) >>> 0;
      yl >>>= 0;
    }
  }
  return [xh, xl, yh, yl];
}

/** Two independent standard normals from one word, by the transform of Box and Muller with the instrument's fits. */
function normalPair(high, low) {
  const u = (high * 256 + (low >>> 24) + 0.5) * 2 ** -40;
  bits.setFloat64(0, u);
  const under = bits.getUint32(4) < ROOT_HALF_LOW;
  const rest = (bits.getUint32(4) - ROOT_HALF_LOW) >>> 0;
  const top = (bits.getUint32(0) - ROOT_HALF_HIGH - under) | 0;
  const k = top >> 20;
  const sum = rest + ROOT_HALF_LOW;
  const z = double((top & 0xfffff) + ROOT_HALF_HIGH + (sum >= 2 ** 32), sum >>> 0) - 1;
  const z2 = z * z;
  const z4 = z2 * z2;
  const p0 = (L8 * z4 + L4) * z4 + L0;
  const p1 = (L9 * z4 + L5) * z4 + L1;
  const p2 = L6 * z4 + L2;
  const p3 = L7 * z4 + L3;
  const radius = Math.sqrt(z * (p0 + z * p1 + z2 * (p2 + z * p3)) + k * MINUS_TWO_LN_TWO);
  const t = (((low >>> 2) & 0x3fffff) + 0.5) * 2 ** -21 - 1;
  const t2 = t * t;
  const t4 = t2 * t2;
  const sine = t * (S2 * t4 + S0 + t2 * (S3 * t4 + S1));
  const cosine = (C4 * t4 + C2) * t4 + C0 + t2 * (C3 * t4 + C1);
  const signed = low & 1 ? -cosine : cosine;
  return low & 2 ? [radius * sine, radius * signed] : [radius * signed, radius * sine];
}

/** A double in (-1, 1) from a word. */
function symmetricUnit(high, low) {
  return (high * 2 ** 20 + (low >>> 12) + 0.5) * 2 ** -51 - 1;
}

/** Whether the word lies below the chance p, read as a fraction of 2^64. */
function below(high, low, p) {
  const limit = Math.floor(p * 2 ** 32);
  return high < limit || (high === limit && low < Math.floor((p * 2 ** 32 - limit) * 2 ** 32));
}

/** The noise of one step in d <= 2 coordinates of the run (seed, 0); law is {noise, size, p}. */
function noise(law, seed, step, d) {
  if (law.noise === "none") return [0, 0];
  const [xh, xl, yh, yl] = threefry(seed, 0, step, 0);
  if (law.noise === "gaussian") return normalPair(xh, xl).map((z) => law.size * z);
  if (law.noise === "uniform") return [law.size * symmetricUnit(xh, xl), law.size * symmetricUnit(yh, yl)];
  const up = (law.size * (1 - law.p)) / law.p;
  return [below(xh, xl, law.p) ? up : -law.size, below(yh, yl, law.p) ? up : -law.size].slice(0, Math.max(d, 1));
}
