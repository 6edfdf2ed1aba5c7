// Plots: axes, lines, reference lines, images, points. A plot is a description; drawing it computes nothing else.

const DASHES = [[], [7, 3], [2, 2.5], [8, 3, 2, 3]];

/** Round numbers between two ends, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + 1e-9 * step; t += step)
    found.push(Math.abs(t) < step / 1e6 ? 0 : t);
  return found;
}

/** Powers of ten between two ends, thinned to about `count`; twos and fives where fewer than two powers fit. */
function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first < 1) {
    return [-1, 0, 1].flatMap((k) => [1, 2, 5].map((m) => m * 10 ** (first + k))).filter((t) => t >= low && t <= high);
  }
  const every = Math.max(1, Math.ceil((last - first) / count));
  const found = [];
  for (let k = Math.ceil(first / every) * every; k <= last; k += every) found.push(10 ** k);
  return found;
}

/** A number for a tick or a sentence. */
function short(n, digits = 4) {
  if (!Number.isFinite(n)) return Number.isNaN(n) ? "–" : n > 0 ? "∞" : "−∞";
  if (n === 0) return "0";
  const size = Math.abs(n);
  const text = size >= 1e5 || size < 1e-3 ? n.toExponential(Math.min(digits - 1, 2)) : String(+n.toPrecision(digits));
  return text
    .replace(/\.?0+e/, "e")
    .replace("e+", "e")
    .replace("-", "−")
    .replace("e-", "e−");
}

function tickLabel(t, log) {
  if (log && (t >= 1e4 || t < 1e-2)) {
    const k = Math.round(Math.log10(t));
    if (Math.abs(t / 10 ** k - 1) < 1e-9) {
      return "10" + String(k).replace(/./g, (c) => ({ "-": "⁻" })[c] || "⁰¹²³⁴⁵⁶⁷⁸⁹"[+c]);
    }
  }
  return short(t);
}

/** The smallest window that holds the finite (and, on a logarithmic axis, positive) values. */
function extent(lists, log, reference = []) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (!Number.isFinite(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  for (const value of reference) {
    if (Number.isFinite(value) && (!log || value > 0)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (low > high) return log ? [0.1, 10] : [-1, 1];
  if (log) {
    low = Math.max(low, high * 1e-30);
    const pad = Math.max((high / low) ** 0.06, 1.05);
    return [low / pad, high * pad];
  }
  const pad = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

/**
 * Draw a plot into a pen of the given size; returns the maps between data and pixels.
 * plot: {title, xlabel, ylabel, xlim, ylim, xlog, ylog, image, lines: [{x, y, colour, dash, label, width, dots}],
 *        levels: [{y | x, label, colour, dash}], points: [{x, y, colour, r, label, hollow}], cursor, note}
 */
function draw(pen, width, height, plot, look) {
  const size = look.size;
  const font = (bold) => `${bold ? "bold " : ""}${size}px ${look.family}`;
  const keys = (plot.lines || []).filter((line) => line.label);
  pen.font = font(false);
  const rows = [[]];
  let used = 0;
  for (const key of keys) {
    const wide = pen.measureText(key.label).width + size * 3.4;
    if (used + wide > width - size && rows.at(-1).length) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push([key, used]);
    used += wide;
  }
  const head = size * 1.7 + (keys.length ? rows.length * size * 1.5 : 0);
  const box = { left: size * 4.4, right: width - size * 1.5, top: head + size * 0.4, bottom: height - size * 3.1 };
  const xlim =
    plot.xlim ||
    extent(
      (plot.lines || []).map((l) => l.x),
      plot.xlog,
    );
  const seen =
    plot.ylim ||
    extent(
      (plot.lines || []).map((l) => l.y),
      plot.ylog,
      (plot.levels || []).map((l) => l.y),
    );
  const scale = (lim, log, from, to) => {
    const f = log ? Math.log10 : (t) => t;
    const [a, b] = [f(lim[0]), f(lim[1])];
    const there = (t) => from + ((f(t) - a) / (b - a)) * (to - from);
    const back = (px) => {
      const t = a + ((px - from) / (to - from)) * (b - a);
      return log ? 10 ** t : t;
    };
    return [there, back];
  };
  const [X, fromX] = scale(xlim, plot.xlog, box.left, box.right);
  const [Y, fromY] = scale(seen, plot.ylog, box.bottom, box.top);

  pen.fillStyle = look.ink;
  pen.font = font(true);
  pen.textAlign = "left";
  pen.textBaseline = "top";
  pen.fillText(plot.title, size * 0.4, size * 0.3);
  pen.font = font(false);
  pen.textBaseline = "middle";
  rows.forEach((row, k) =>
    row.forEach(([key, x]) => {
      const y = size * 2.5 + k * size * 1.5;
      pen.strokeStyle = key.colour;
      pen.lineWidth = look.line;
      pen.setLineDash(key.dots ? [] : key.dash || []);
      pen.beginPath();
      if (key.dots) mark(pen, size * 1.6 + x, y, 3.5, key.mark);
      else {
        pen.moveTo(size * 0.5 + x, y);
        pen.lineTo(size * 2.6 + x, y);
      }
      pen.stroke();
      pen.setLineDash([]);
      pen.fillStyle = look.ink;
      pen.fillText(key.label, size * 3 + x, y);
    }),
  );

  const xt = (plot.xlog ? logTicks : ticks)(...xlim, Math.max(2, Math.floor((box.right - box.left) / (size * 4.6))));
  const yt = (plot.ylog ? logTicks : ticks)(...seen, Math.max(2, Math.floor((box.bottom - box.top) / (size * 2.7))));
  pen.strokeStyle = look.faint;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const t of xt) {
    pen.moveTo(X(t), box.top);
    pen.lineTo(X(t), box.bottom);
  }
  for (const t of yt) {
    pen.moveTo(box.left, Y(t));
    pen.lineTo(box.right, Y(t));
  }
  pen.stroke();

  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  pen.clip();
  if (plot.image) {
    const { canvas, window } = plot.image;
    const [x0, x1] = [X(window[0]), X(window[1])];
    const [y0, y1] = [Y(window[3]), Y(window[2])];
    pen.imageSmoothingEnabled = Boolean(plot.image.smooth);
    pen.drawImage(canvas, x0, y0, x1 - x0, y1 - y0);
  }
  for (const level of plot.levels || []) {
    pen.strokeStyle = level.colour || look.ink;
    pen.lineWidth = 1.4;
    pen.setLineDash(level.dash || [5, 4]);
    pen.beginPath();
    if ("y" in level) {
      pen.moveTo(box.left, Y(level.y));
      pen.lineTo(box.right, Y(level.y));
    } else {
      pen.moveTo(X(level.x), box.top);
      pen.lineTo(X(level.x), box.bottom);
    }
    pen.stroke();
  }
  for (const line of plot.lines || []) {
    pen.strokeStyle = line.colour;
    pen.lineWidth = line.width || look.line;
    pen.setLineDash(line.dots ? [] : line.dash || []);
    pen.globalAlpha = line.alpha || 1;
    trace(pen, line, X, Y, box, plot.ylog);
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  if (plot.cursor !== undefined) {
    pen.strokeStyle = look.ink;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(X(plot.cursor), box.top);
    pen.lineTo(X(plot.cursor), box.bottom);
    pen.stroke();
  }
  pen.restore();
  // texts on patches of paper, within the frame
  const patch = (text, x, y, align) => {
    const w = pen.measureText(text).width;
    const left = Math.min(Math.max(align === "right" ? x - w : x, box.left + 2), box.right - w - 2);
    const top = Math.min(Math.max(y - size * 0.65, box.top + 1), box.bottom - size * 1.3);
    pen.fillStyle = look.paper;
    pen.globalAlpha = 0.85;
    pen.fillRect(left - 2, top, w + 4, size * 1.3);
    pen.globalAlpha = 1;
    pen.fillStyle = look.ink;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillText(text, left, top + size * 0.65);
  };
  let row = 0;
  for (const level of plot.levels || []) {
    if (!level.label) continue;
    if ("y" in level) {
      if (level.y >= seen[0] && level.y <= seen[1])
        patch(level.label, box.right - 4, Y(level.y) - size * 0.75, "right");
    } else if (level.x >= xlim[0] && level.x <= xlim[1])
      patch(level.label, X(level.x) + 4, box.top + size * (0.9 + 1.4 * row++));
  }
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  pen.clip();
  for (const point of plot.points || []) {
    pen.beginPath();
    pen.lineWidth = 2;
    mark(pen, X(point.x), Y(point.y), point.r || 6, point.mark);
    pen.fillStyle = point.hollow ? look.paper : point.colour;
    pen.strokeStyle = point.hollow ? point.colour : look.paper;
    pen.fill();
    pen.stroke();
  }
  pen.restore();
  for (const point of plot.points || []) if (point.label) patch(point.label, X(point.x) + 10, Y(point.y) - size * 0.9);
  if (plot.note) patch(plot.note, box.left + 6, box.bottom - size);

  pen.strokeStyle = look.grey;
  pen.lineWidth = 1;
  pen.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  pen.fillStyle = look.ink;
  pen.font = font(false);
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const t of xt) pen.fillText(tickLabel(t, plot.xlog), X(t), box.bottom + size * 0.35);
  pen.fillText(plot.xlabel || "", (box.left + box.right) / 2, box.bottom + size * 1.7);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const t of yt) pen.fillText(tickLabel(t, plot.ylog), box.left - size * 0.4, Y(t));
  pen.save();
  pen.translate(size * 0.75, (box.top + box.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(plot.ylabel || "", 0, 0);
  pen.restore();
  return { X, Y, fromX, fromY, box };
}

/** A mark around a point: a disc, a square or a triangle. */
function mark(pen, x, y, r, kind) {
  if (kind === "square") pen.rect(x - r, y - r, 2 * r, 2 * r);
  else if (kind === "triangle") {
    pen.moveTo(x, y - r);
    pen.lineTo(x + r, y + r);
    pen.lineTo(x - r, y + r);
    pen.closePath();
  } else {
    pen.moveTo(x + r, y);
    pen.arc(x, y, r, 0, 2 * Math.PI);
  }
}

/**
 * A line through the finite points. Where many fall on one column of pixels only the first, least, greatest and last
 * are drawn, which is all that can be seen.
 */
function trace(pen, line, X, Y, box, log) {
  const { x, y } = line;
  const n = line.count ?? y.length;
  const top = box.top - 2000;
  const bottom = box.bottom + 2000;
  const height = (value) => Math.min(Math.max(Y(log ? Math.max(value, 1e-300) : value), top), bottom);
  pen.beginPath();
  if (line.dots) {
    for (let i = 0; i < n; i++) if (Number.isFinite(y[i])) mark(pen, X(x[i]), height(y[i]), 3.5, line.mark);
    pen.stroke();
    return;
  }
  let open = false;
  const dense = !line.path && n > 2 * (box.right - box.left);
  let column = NaN;
  let low = 0;
  let high = 0;
  let last = 0;
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(y[i]) || !Number.isFinite(x[i])) {
      open = false;
      continue;
    }
    const px = Math.min(Math.max(X(x[i]), box.left - 2000), box.right + 2000);
    const py = height(y[i]);
    if (dense && open && Math.round(px) === column) {
      low = Math.min(low, py);
      high = Math.max(high, py);
      last = py;
      continue;
    }
    if (dense && open) {
      pen.lineTo(column, low);
      pen.lineTo(column, high);
      pen.lineTo(column, last);
    }
    if (open) pen.lineTo(px, py);
    else pen.moveTo(px, py);
    open = true;
    column = Math.round(px);
    low = high = last = py;
  }
  if (dense && open) {
    pen.lineTo(column, low);
    pen.lineTo(column, high);
  }
  pen.stroke();
}

/** A bitmap of w x h cells, the first row at the bottom; cell(i, j) is a place in the palette of [r, g, b]. */
function bitmap(w, h, palette, cell) {
  const canvas = document.createElement("canvas");
  canvas.width = w;
  canvas.height = h;
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(w, h);
  const packed = new Uint32Array(new Uint8Array(palette.flatMap((colour) => [...colour, 255])).buffer);
  const pixels = new Uint32Array(image.data.buffer);
  for (let j = 0; j < h; j++) for (let i = 0; i < w; i++) pixels[(h - 1 - j) * w + i] = packed[cell(i, j)];
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** A palette of n colours from one to another. */
const between = (from, to, n) => Array.from({ length: n }, (_, k) => mixed(from, to, k / (n - 1)));

/** "#rrggbb" as [r, g, b], `share` of the way towards another colour. */
function mixed(from, to, share) {
  const read = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const [a, b] = [read(from), read(to)];
  return a.map((value, k) => Math.round(value + (b[k] - value) * share));
}
