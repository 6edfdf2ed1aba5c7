// Pictures on the page, and the hands and keys that move what they show.

/** The pictures of a page in a grid: `show` draws plots, pointers and arrow keys change the state through `page`. */
function pictures(place, page) {
  let view = [];
  let grip = null;
  const clean = (value) => +value.toPrecision(4);

  /** A canvas for each plot, with a name and, where it can be moved, a place in the order of the tabulator. */
  function prepare(plots) {
    while (place.children.length > plots.length) place.lastChild.remove();
    while (place.children.length < plots.length) place.append(h("figure", {}, h("canvas")));
    place.dataset.count = plots.length;
    plots.forEach((plot, k) => {
      const canvas = place.children[k].firstChild;
      const moved = plot.drag ? "start" : plot.scrub ? "step" : "";
      const label = moved ? `${plot.title}; arrow keys move the ${moved}` : plot.title;
      if (canvas.getAttribute("aria-label") === label) return;
      canvas.setAttribute("aria-label", label);
      canvas.setAttribute("role", moved ? "application" : "img");
      canvas.classList.toggle("dragged", Boolean(plot.drag));
      if (moved) canvas.tabIndex = 0;
      else canvas.removeAttribute("tabindex");
    });
  }

  function show(plots, look) {
    prepare(plots);
    view = plots.map((plot, k) => {
      const canvas = place.children[k].firstChild;
      const [pen, width, height] = canvasPen(canvas);
      return { plot, canvas, maps: draw(pen, width, height, plot, look) };
    });
  }

  /** What a point of a plot means: a start, a step, or a setting. */
  function act({ plot, canvas, maps }, event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [maps.fromX(event.clientX - box.left), maps.fromY(event.clientY - box.top)];
    if (plot.drag) {
      page.set({ [plot.drag[0]]: clean(clamp(x, ...plot.xlim)), [plot.drag[1]]: clean(clamp(y, ...plot.ylim)) });
    } else if (plot.scrub) page.set({ at: clamp(Math.round(x), 0, page.state.steps) });
    else if (plot.pick)
      for (const [name, value] of Object.entries(plot.pick(clean(x), clean(y)))) page.set({ [name]: value });
  }

  place.addEventListener("pointerdown", (event) => {
    const one = view.find((item) => item.canvas === event.target);
    if (!one || event.button !== 0) return;
    page.stop();
    grip = one.canvas;
    grip.setPointerCapture(event.pointerId);
    act(one, event);
  });
  place.addEventListener("pointermove", (event) => {
    if (grip && event.target === grip)
      act(
        view.find((item) => item.canvas === grip),
        event,
      );
  });
  for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, () => (grip = null));
  place.addEventListener("keydown", (event) => {
    const one = view.find((item) => item.canvas === event.target);
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!one || !direction) return;
    event.preventDefault();
    event.stopPropagation();
    const [right, up] = direction.map((one) => one * (event.shiftKey ? 10 : 1));
    if (one.plot.scrub) return page.set({ at: clamp(page.state.at + right + up, 0, page.state.steps) });
    const [a, b] = one.plot.drag;
    const moved = (name, by, [low, high]) => +(page.state[name] + (by * (high - low)) / 200).toPrecision(6);
    page.set({ [a]: moved(a, right, one.plot.xlim), [b]: moved(b, up, one.plot.ylim) });
  });

  /** All pictures that are shown, one under the other, as one SVG. */
  function svg(look, title) {
    let y = 0;
    const width = Math.max(...view.map(({ canvas }) => canvas.clientWidth), 1);
    const parts = view.map(({ plot, canvas }) => {
      const pen = svgPen(canvas.clientWidth, canvas.clientHeight);
      draw(pen, canvas.clientWidth, canvas.clientHeight, plot, look);
      const part = pen.text(look.paper).replace("<svg ", `<svg y="${y}" `);
      y += canvas.clientHeight;
      return part.replaceAll(/clip(\d+)/g, `clip$1-${y}`);
    });
    const safe = title.replace(/[&<]/g, (c) => (c === "&" ? "&amp;" : "&lt;"));
    const size = `viewBox="0 0 ${width} ${y}" width="${width}" height="${y}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><title>${safe}</title>${parts.join("")}</svg>`;
  }

  return { show, svg };
}

/** Keys that act wherever the focus is, except where one types. */
function keys(target, commands, signal) {
  const typed = ["number", "text", "select-one"];
  const pressed = ["button", "range", "submit", "summary", "a"];
  const listen = (event) => {
    const kind = event.target.type || event.target.tagName?.toLowerCase();
    const taken = typed.includes(kind) || (event.key === " " && pressed.includes(kind));
    const other = event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("dialog");
    if (taken || other || !Object.hasOwn(commands, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    commands[event.key]();
  };
  target.addEventListener("keydown", listen, { signal });
}
