// Where pictures are drawn: a canvas, or an SVG text that understands the same calls.

/** A pen that writes SVG; it knows the part of a canvas context that the plots use. */
function svgPen(width, height) {
  const parts = [];
  const stack = [];
  let path = "";
  let clips = 0;
  let group = 0;
  const round = (n) => Math.round(n * 100) / 100;
  const escape = (s) =>
    String(s).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const pen = {
    strokeStyle: "#000",
    fillStyle: "#000",
    lineWidth: 1,
    font: "12px sans-serif",
    textAlign: "left",
    textBaseline: "alphabetic",
    globalAlpha: 1,
    dash: [],
    lineJoin: "round",
    lineCap: "butt",
    save() {
      stack.push({ ...pen.look(), group });
    },
    look: () => ({
      strokeStyle: pen.strokeStyle,
      fillStyle: pen.fillStyle,
      lineWidth: pen.lineWidth,
      font: pen.font,
      textAlign: pen.textAlign,
      textBaseline: pen.textBaseline,
      globalAlpha: pen.globalAlpha,
      dash: pen.dash,
    }),
    restore() {
      const { group: before, ...look } = stack.pop();
      for (; group > before; group--) parts.push("</g>");
      Object.assign(pen, look);
    },
    setLineDash(dash) {
      pen.dash = dash;
    },
    beginPath() {
      path = "";
    },
    moveTo(x, y) {
      path += `M${round(x)} ${round(y)}`;
    },
    lineTo(x, y) {
      path += `${path ? "L" : "M"}${round(x)} ${round(y)}`;
    },
    closePath() {
      path += "Z";
    },
    arc(x, y, r) {
      path += `M${round(x - r)} ${round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
    },
    rect(x, y, w, h) {
      path += `M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}Z`;
    },
    clip() {
      parts.push(`<clipPath id="clip${++clips}"><path d="${path}"/></clipPath><g clip-path="url(#clip${clips})">`);
      group++;
    },
    stroke() {
      const dash = pen.dash.length ? ` stroke-dasharray="${pen.dash}"` : "";
      parts.push(
        `<path d="${path}" fill="none" stroke="${pen.strokeStyle}" stroke-width="${pen.lineWidth}" stroke-linejoin="round"` +
          `${dash} opacity="${pen.globalAlpha}"/>`,
      );
    },
    fill() {
      parts.push(`<path d="${path}" fill="${pen.fillStyle}" opacity="${pen.globalAlpha}"/>`);
    },
    fillRect(x, y, w, h) {
      parts.push(
        `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" fill="${pen.fillStyle}" ` +
          `opacity="${pen.globalAlpha}"/>`,
      );
    },
    strokeRect(x, y, w, h) {
      pen.beginPath();
      pen.rect(x, y, w, h);
      pen.stroke();
    },
    clearRect() {},
    drawImage(image, x, y, w, h) {
      parts.push(
        `<image href="${image.toDataURL()}" x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" ` +
          'preserveAspectRatio="none" style="image-rendering:pixelated"/>',
      );
    },
    measureText: (text) => ({ width: String(text).length * parseFloat(/[\d.]+(?=px)/.exec(pen.font)[0]) * 0.56 }),
    translate(x, y) {
      parts.push(`<g transform="translate(${round(x)} ${round(y)})">`);
      group++;
    },
    rotate(angle) {
      parts.push(`<g transform="rotate(${round((angle * 180) / Math.PI)})">`);
      group++;
    },
    fillText(text, x, y) {
      const anchor = { left: "start", right: "end", center: "middle" }[pen.textAlign];
      const shift = { top: "0.8em", middle: "0.35em", bottom: "-0.2em", alphabetic: "0" }[pen.textBaseline];
      const [, weight, size, family] = /^(bold )?([\d.]+)px (.*)$/.exec(pen.font);
      parts.push(
        `<text x="${round(x)}" y="${round(y)}" dy="${shift}" text-anchor="${anchor}" font-family="${escape(family)}" ` +
          `font-size="${size}"${weight ? ' font-weight="bold"' : ""} fill="${pen.fillStyle}" opacity="${pen.globalAlpha}">` +
          `${escape(text)}</text>`,
      );
    },
    text: (background) =>
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
      `<rect width="${width}" height="${height}" fill="${background}"/>${parts.join("")}${"</g>".repeat(group)}</svg>`,
  };
  return pen;
}

/** The pen of a canvas element, in CSS pixels; the bitmap follows the size of the element and of the screen's pixels. */
function canvasPen(canvas) {
  const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}
