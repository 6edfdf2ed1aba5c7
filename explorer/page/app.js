// The page: controls, pictures, keys, the address. All state is one object with the fields of TABLE.fields.

const FRACTION = { kind: "real", label: "α<sub>0</sub>L / B", low: 0, high: 1e6, scale: "linear", step: 0.01, slider: [0.02, 8] };
const LABELS = { none: "none", two_point: "two points, skewed", gaussian: "Gaussian", uniform: "uniform", published: "published",
  predictable: "predictable: the velocity before", inside: "inside the momentum", gradient_norm: "norm of the gradient",
  per_coordinate: "one for each coordinate", power3: "‖v‖³", power4: "‖v‖⁴", averaged: "averaged energy", held: "closes at once, opens slowly",
  theorem2: "Theorem 2 (β₁ = 0)", theorem4: "Theorem 4 (momentum)", smoothed: "C2 (averaged gate)", ...NAMES };
const LAW_LABELS = { published: "none: as published", averaged: "averaged energy", held: "closes at once, opens slowly" };
const KEYS = "Keys: n / b next and previous scene, r reveal, space play, , and . one step, p room view, t light or dark, s save as SVG, ? help; " +
  "arrow keys move the start or the step while a picture has the focus.";

let mounted = 0;

/** An element with attributes and children. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "html") element.innerHTML = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const plain = (html) => html.replace(/<[^>]*>/g, "");

/** A worker with the engine, or the same engine in turns on this thread where workers are not to be had. */
function workerFor(post) {
  try {
    const source = `const E = (${engine})(); const take = E.workshop((m) => postMessage(m)); onmessage = (e) => take(e.data);`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = (event) => post(event.data);
    return { take: (job) => worker.postMessage(job), end: () => (worker.terminate(), URL.revokeObjectURL(address)) };
  } catch {
    return { take: E.workshop(post, 6), end: () => {} };
  }
}

/** Put the explorer into an element. options: {address, fragment, recorded, onchange}; returns {read, write, end}. */
function mount(root, options = {}) {
  const own = ++mounted;
  const id = (name) => `vx${own}-${name}`;
  const recorded = options.recorded || null;
  let state = defaults();
  let found = null;
  let asked = "";
  let serial = 0;
  let frame = 0;
  let playing = 0;
  let view = [];
  let built = "";
  let notes = 0;
  const stopped = new AbortController();
  const still = globalThis.matchMedia("(prefers-reduced-motion: reduce)");
  const dark = globalThis.matchMedia("(prefers-color-scheme: dark)");

  // ---------------------------------------------------------------- the frame

  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const nav = h("nav", { "aria-label": "Scenes" });
  const tools = h("div", { class: "tools", role: "group", "aria-label": "View" });
  const question = h("h2");
  const curtain = h("div", { class: "curtain" });
  const form = h("form", { class: "controls", "aria-label": "Setup", onsubmit: (event) => event.preventDefault() });
  const figures = h("div", { class: "figures" });
  const transport = h("div", { class: "transport", role: "group", "aria-label": "Time" });
  const sentence = h("p", { class: "sentence" });
  const formula = h("div", { class: "formula", role: "group", "aria-label": "Formula of the claim", tabindex: 0 });
  const badge = h("p", { class: "badge", hidden: true });
  const live = h("p", { class: "unseen", role: "status" });
  const claims = h("section", { class: "claims", "aria-label": "What the ledger says" });
  const gallery = h("section", { class: "gallery", "aria-label": "Prepared states" });
  const help = h("dialog", { class: "help", "aria-label": "Help" });
  const leave = h("button", { type: "button", class: "leave", onclick: () => set({ view: "page" }) }, "Leave the room view");
  root.classList.add("vx");
  root.replaceChildren(
    h("header", {}, h("h1", {}, "VRAdam: move a slider, see the theorem"), nav, tools),
    notice,
    h("main", {},
      h("section", { class: "ask", "aria-label": "Question" }, question, curtain),
      form,
      h("section", { class: "stage", "aria-label": "Pictures" }, figures, transport, sentence, badge, formula, live),
      claims, gallery),
    leave, help,
  );

  for (const [name, scene] of Object.entries(SCENES)) {
    nav.append(h("button", { type: "button", "data-scene": name, onclick: () => open(name) }, scene.title));
  }
  const themeButton = h("button", { type: "button", onclick: () => turnTheme() }, "Light or dark");
  tools.append(
    h("button", { type: "button", onclick: () => set({ view: "room" }) }, "Room view"),
    themeButton,
    h("button", { type: "button", onclick: () => saveSVG() }, "Save SVG"),
    h("button", { type: "button", onclick: () => copyLink() }, "Copy link"),
    h("button", { type: "button", onclick: () => showHelp() }, "Help"),
  );
  help.append(
    h("p", {}, KEYS),
    h("p", {}, "Everything is computed here, in double precision, by code printed from the project's own derivations; nothing is loaded and nothing is sent."),
    h("details", {}, h("summary", {}, "The step as this page computes it"), h("pre", { tabindex: 0 })),
    h("button", { type: "button", onclick: () => help.close() }, "Close"),
  );

  const scrub = h("input", { type: "range", min: 0, step: 1, "aria-label": "Step that is shown", oninput: () => set({ at: +scrub.value }) });
  const clock = h("output");
  const playButton = h("button", { type: "button", onclick: () => play() }, "Play");
  transport.append(
    playButton,
    h("button", { type: "button", "aria-label": "One step back", onclick: () => set({ at: Math.max(state.at - 1, 0) }) }, "−1"),
    h("button", { type: "button", "aria-label": "One step on", onclick: () => set({ at: Math.min(state.at + 1, state.steps) }) }, "+1"),
    scrub, clock,
  );

  // ---------------------------------------------------------------- changing the state

  const scene = () => SCENES[state.scene];
  const covered = () => scene().choices !== undefined && state.guess === "none";

  /** A scene with its own setup, and what else is wanted. */
  function prepared(name, more = {}) {
    return consistent({ ...defaults(), ...SCENES[name].setup, scene: name, theme: state.theme, view: state.view, ...more });
  }

  function open(name, more = {}) {
    stop();
    state = prepared(name, more);
    refresh();
  }

  /** Change some fields; what depends on them follows. */
  function set(changes) {
    const before = state;
    const held = scene().controls.some(([, names]) => names.includes("fraction")) ? fraction(before) : null;
    const { fraction: wanted, ...fields } = changes;
    state = { ...before, ...fields };
    if (held !== null && ("beta1" in fields || "L" in fields || wanted !== undefined)) {
      state.alpha0 = ((wanted ?? held) * edge(state)) / state.L;
    }
    if (fields.objective && fields.objective !== before.objective) {
      const [x, y = 0] = TABLE.objectives[fields.objective].start;
      Object.assign(state, { x, y, v: 0 });
    }
    if (fields.law && fields.law !== "published") state.gate = "published";
    if (fields.gate && fields.gate !== "published") state.law = "published";
    if ("steps" in fields) state.at = before.at >= before.steps ? state.steps : Math.min(before.at, state.steps);
    refresh();
  }

  function refresh() {
    if (!frame) frame = requestAnimationFrame(paint);
  }

  function stop() {
    if (playing) cancelAnimationFrame(playing);
    playing = 0;
    playButton.textContent = "Play";
  }

  function play() {
    if (playing) return stop();
    if (still.matches) return set({ at: state.steps });
    let at = state.at >= state.steps ? 0 : state.at;
    let last = performance.now();
    playButton.textContent = "Pause";
    const turn = (now) => {
      at += ((now - last) / 6000) * state.steps;
      last = now;
      set({ at: Math.min(Math.floor(at), state.steps) });
      if (state.at >= state.steps) stop();
      else playing = requestAnimationFrame(turn);
    };
    playing = requestAnimationFrame(turn);
  }

  function turnTheme() {
    set({ theme: isDark() ? "light" : "dark" });
  }

  const isDark = () => state.theme === "dark" || (state.theme === "auto" && dark.matches);

  function showHelp() {
    const name = E.stepName(state.optimizer, state.gate, state.law, dimension(state));
    help.querySelector("pre").textContent = E.steps[name].toString();
    help.showModal();
  }

  // ---------------------------------------------------------------- the address

  function say(message) {
    notice.textContent = message;
    notice.hidden = !message;
  }

  function read(fragment) {
    try {
      state = decode(fragment);
      say("");
    } catch (error) {
      state = prepared("free");
      say(`This address cannot be read: ${error.message}. The page shows its defaults.`);
    }
    stop();
    refresh();
  }

  let written = "";
  let writing = 0;
  function write() {
    const fragment = encode(state);
    if (fragment === written) return;
    written = fragment;
    if (options.address) history.replaceState(null, "", "#" + fragment);
    options.onchange?.(fragment);
  }

  // ---------------------------------------------------------------- controls

  /** Whether a control has an effect in this state. */
  function matters(name) {
    const isGated = gated(state) || scene().two || ["bias", "opening", "bounds"].includes(state.scene);
    switch (name) {
      case "gate": case "law": case "alpha1": case "beta3": return isGated;
      case "gate_decay": return isGated && (state.law !== "published" || ["bias", "opening"].includes(state.scene));
      case "beta2": case "eps": return scene().two || ["vradam", "adamw", "radam", "rmsprop", "lion"].includes(state.optimizer);
      case "L": case "ratio": return TABLE.objectives[state.objective].free.includes(name);
      case "y": return dimension(state) === 2;
      case "v": return dimension(state) === 1;
      case "size": case "seed": return state.noise !== "none";
      case "p": return state.noise === "two_point";
      default: return true;
    }
  }

  const fieldOf = (name) => (name === "fraction" ? FRACTION : TABLE.fields[name]);
  const valueOf = (name) => (name === "fraction" ? fraction(state) : state[name]);

  /** One control: a label with a number and a slider, a choice, or the word of the adversary. */
  function control(name) {
    const field = fieldOf(name);
    const label = h("label", { for: id(name), html: field.label });
    if (name === "word") return wordControl(label);
    if (field.kind === "choice") {
      const labels = name === "law" ? LAW_LABELS : LABELS;
      const text = (choice) => (name === "objective" ? TABLE.objectives[choice].label : labels[choice] || choice);
      const choices = name === "objective" && scene().two ? field.choices.filter((choice) => TABLE.objectives[choice].d === 2) : field.choices;
      const select = h("select", { id: id(name), onchange: () => set({ [name]: select.value }) }, ...choices.map((choice) => h("option", { value: choice }, text(choice))));
      return { element: h("div", { class: "control choice" }, label, select), update: () => (select.value = state[name]) };
    }
    const log = field.scale === "log";
    const [low, high] = field.slider || [field.low, field.high];
    const window = TABLE.objectives[state.objective].window;
    const ends = name === "x" ? [window[0], window[1]] : name === "y" ? [window[2], window[3]] : [low, high];
    const whole = field.kind === "integer";
    const step = log ? (Math.log10(ends[1]) - Math.log10(ends[0])) / 400 : whole ? 1 : field.step || (ends[1] - ends[0]) / 400;
    const number = h("input", { type: "number", id: id(name), step: whole ? 1 : "any", min: field.low, max: field.high,
      onchange: () => {
        const value = Number(number.value);
        const sound = number.value !== "" && value >= field.low && value <= field.high && (!whole || Number.isInteger(value));
        if (sound) set({ [name]: value });
        else {
          say(`${plain(field.label)} must lie in [${field.low}, ${field.high}].`);
          update();
        }
      } });
    const slider = h("input", { type: "range", min: log ? Math.log10(ends[0]) : ends[0], max: log ? Math.log10(ends[1]) : ends[1], step,
      "aria-label": `${plain(field.label)}, slider`,
      oninput: () => {
        const value = log ? +(10 ** slider.value).toPrecision(3) : +(+slider.value).toPrecision(10);
        set({ [name]: whole ? Math.round(value) : value });
      } });
    const update = () => {
      const value = valueOf(name);
      if (document.activeElement !== number) number.value = name === "fraction" ? +value.toPrecision(6) : value;
      if (document.activeElement !== slider || !slider.matches(":active")) slider.value = log ? Math.log10(Math.max(value, 1e-300)) : value;
      slider.setAttribute("aria-valuetext", short(value));
    };
    return { element: h("div", { class: "control" }, label, number, slider), update };
  }

  function wordControl(label) {
    const text = h("input", { type: "text", id: id("word"), maxlength: 200, spellcheck: "false", autocomplete: "off",
      oninput: () => set({ word: text.value.replace(/[^oc]/g, "") }) });
    const add = (letter) => set({ word: (state.word + letter).slice(0, 200) });
    const buttons = h("div", { class: "buttons" },
      h("button", { type: "button", onclick: () => add("o") }, "Open"),
      h("button", { type: "button", onclick: () => add("c") }, "Close"),
      h("button", { type: "button", onclick: () => set({ word: state.word.slice(0, -1) }) }, "Undo"),
      h("button", { type: "button", onclick: () => set({ word: "" }) }, "Clear"));
    return { element: h("div", { class: "control word" }, label, text, buttons), update: () => (text.value === state.word ? 0 : (text.value = state.word)) };
  }

  let updates = [];
  function buildControls() {
    const names = scene().controls.map(([title, list]) => [title, list.filter(matters)]).filter(([, list]) => list.length);
    const wanted = JSON.stringify([state.scene, names, state.objective]);
    if (wanted === built) return;
    built = wanted;
    const focused = document.activeElement?.id;
    updates = [];
    form.replaceChildren(...names.map(([title, list]) => {
      const controls = list.map(control);
      updates.push(...controls.map((one) => one.update));
      controls.forEach((one, k) => one.element.classList.toggle("main", list[k] === scene().main));
      return h("fieldset", {}, h("legend", {}, title), ...controls.map((one) => one.element));
    }));
    form.append(h("button", { type: "button", class: "reset", onclick: () => open(state.scene, { guess: state.guess }) }, "Back to the scene's setup"));
    if (focused && form.querySelector(`[id="${focused}"]`)) form.querySelector(`[id="${focused}"]`).focus();
  }

  function buildCurtain() {
    const one = scene();
    const wanted = `${state.scene} ${state.guess}`;
    if (curtain.dataset.for === wanted) return;
    curtain.dataset.for = wanted;
    question.textContent = one.question;
    if (!one.choices) return curtain.replaceChildren();
    if (state.guess === "none") {
      curtain.replaceChildren(h("div", { class: "choices", role: "group", "aria-label": "Predict first" },
        ...Object.entries(one.choices).map(([letter, text]) => h("button", { type: "button", onclick: () => set({ guess: letter }) }, text)),
        h("button", { type: "button", class: "quiet", onclick: () => set({ guess: "shown" }) }, "Just show me")));
    } else {
      const guess = one.choices[state.guess];
      const right = state.guess === one.right;
      const said = guess ? `You said: “${guess}”. ${right ? "Yes." : `It is: “${one.choices[one.right]}”.`} ` : "";
      curtain.replaceChildren(h("p", { class: "answer" }, said + one.answer),
        h("button", { type: "button", class: "quiet", onclick: () => set({ guess: "none" }) }, "Close the curtain"));
    }
  }

  function buildClaims() {
    if (claims.dataset.for === state.scene) return;
    claims.dataset.for = state.scene;
    const one = scene();
    claims.replaceChildren(h("h2", {}, "The ledger on this"), ...one.claims.map((name) => {
      const entry = STORED.ledger[name];
      return h("article", { "data-claim": name },
        h("h3", {}, `${name} · ${entry.title} `, h("span", { class: "verdict", "data-verdict": entry.verdict }, entry.verdict)),
        h("p", {}, `Reported: ${entry.reported}`),
        h("p", {}, `Measured: ${entry.quantity} (${entry.at}): `, h("b", {}, entry.measured), `; predicted `, h("b", {}, entry.predicted), `.`),
        h("p", { class: "command" }, h("code", {}, `python -m theory ${name}`), " derives it, ", h("code", {}, `python -m experiments --only ${name}`), " confronts it."));
    }));
    formula.innerHTML = one.formula ? STORED.mathml[one.formula] : "";
  }

  gallery.append(h("h2", {}, "Prepared states"), h("ul", {}, ...GALLERY.map(([label, { scene: name, ...more }]) => {
    const link = h("a", { href: "#" + encode(prepared(name, { guess: "shown", ...more })) }, label);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(name, { guess: "shown", ...more });
      if (root.getBoundingClientRect().top < 0) root.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
    });
    return h("li", {}, link);
  })));

  // ---------------------------------------------------------------- painting

  let look = null;
  function readLook() {
    const key = `${isDark()} ${state.view} ${root.clientWidth}`;
    if (look?.key === key) return look;
    const style = getComputedStyle(root);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ["ink", "paper", "grey", "faint", "land", "blue", "orange", "green", "purple", "sky", "peach"];
    look = { key, ...Object.fromEntries(names.map((name) => [name, colour(name)])), size: parseFloat(colour("plot")), line: state.view === "room" ? 2.6 : 1.9,
      family: "system-ui, 'DejaVu Sans', sans-serif" };
    return look;
  }

  function askWorker() {
    const job = scene().job?.(state);
    if (!job || covered()) return;
    const key = JSON.stringify([job.kind, ...["gate", "law", "gate_decay", "alpha0", "alpha1", "beta1", "beta3", "weight_decay", "optimizer", "beta2", "eps"].map((name) => job.setup[name])]);
    if (key === asked) return;
    asked = key;
    begun = performance.now();
    worker.take({ id: ++serial, ...job });
  }

  let begun = 0;
  const worker = workerFor((message) => {
    if (message.id !== serial) return;
    const name = `${message.out ? "basins" : "diagram"} ${message.k}`;
    performance.clearMeasures(name);
    performance.measure(name, { start: begun, end: performance.now() });
    found = { ...message, serial: `${serial} ${message.k}` };
    refresh();
  });

  function paint() {
    frame = 0;
    root.dataset.theme = isDark() ? "dark" : "light";
    root.dataset.view = state.view;
    buildCurtain();
    buildControls();
    buildClaims();
    for (const update of updates) update();
    for (const button of nav.children) {
      if (button.dataset.scene === state.scene) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    const hidden = covered();
    const one = scene();
    root.dataset.covered = hidden;
    const timed = hidden ? false : ["free", "cycle", "pinned", "sharpening", "landscapes"].includes(state.scene);
    transport.hidden = !timed;
    scrub.max = state.steps;
    scrub.value = state.at;
    clock.textContent = `${state.at} / ${state.steps}`;
    askWorker();
    const matching = one.job && found && (found.out ? one.job(state).kind === "basins" : one.job(state).kind === "bifurcation");
    const context = { look: readLook(), found: matching ? found : null };
    let plots = [];
    let text = "";
    if (!hidden) {
      plots = one.figures(state, context);
      text = one.sentence(state, context);
      compare(plots);
    }
    sentence.textContent = hidden ? "Predict first: the pictures are behind the curtain." : text;
    formula.hidden = hidden;
    drawAll(plots);
    clearTimeout(writing);
    writing = setTimeout(write, 120);
    clearTimeout(notes);
    notes = setTimeout(() => (live.textContent = sentence.textContent), 700);
    root.dataset.ready = "yes";
  }

  function drawAll(plots) {
    while (figures.children.length > plots.length) figures.lastChild.remove();
    plots.forEach((plot, k) => {
      if (!figures.children[k]) figures.append(h("figure", {}, h("canvas")));
      const canvas = figures.children[k].firstChild;
      const hands = plot.drag ? "arrow keys move the start" : plot.scrub ? "arrow keys move the step" : "";
      const label = hands ? `${plot.title}; ${hands}` : plot.title;
      if (canvas.getAttribute("aria-label") !== label) {
        canvas.setAttribute("aria-label", label);
        canvas.setAttribute("role", hands ? "application" : "img");
        if (hands) canvas.tabIndex = 0;
        else canvas.removeAttribute("tabindex");
      }
      figures.children[k].classList.toggle("wide", Boolean(plot.wide));
      canvas.classList.toggle("dragged", Boolean(plot.drag));
    });
    figures.dataset.count = plots.length;
    view = plots.map((plot, k) => {
      const canvas = figures.children[k].firstChild;
      const [pen, width, height] = canvasPen(canvas);
      return { plot, canvas, maps: draw(pen, width, height, plot, look) };
    });
  }

  /** How far the recorded run and this page's own agree, in words; the recorded values are drawn as dots. */
  function compare(plots) {
    badge.hidden = recorded === null;
    if (!recorded) return;
    const same = RUN_FIELDS.every((name) => state[name] === recorded.state[name]);
    if (!same) {
      badge.textContent = "The setup was changed: the values recorded in Python belong to another run.";
      return;
    }
    const r = run(state);
    const { step, x, learning_rate: eta, value } = recorded;
    const gap = (a, b) => (a === b || (Number.isNaN(a) && b === null) ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b)) || Infinity);
    const worst = step.map((t, k) => {
      if (t >= r.length) return x[k].every((value) => value === null) ? 0 : Infinity;
      return Math.max(...x[k].map((value, i) => gap(r.x[t * r.d + i], value)), gap(r.eta[t], eta[k]));
    });
    const until = (tolerance) => {
      const first = worst.findIndex((w) => !(w <= tolerance));
      return first < 0 ? step.at(-1) : first === 0 ? null : step[first - 1];
    };
    const exact = until(0);
    const close = until(1e-9);
    const say = (t) => (t === null ? "at no step" : `up to step ${t}`);
    badge.textContent = exact === step.at(-1)
      ? `Recorded in Python: this page recomputes positions and rates with the same bits ${say(exact)}, the last.`
      : `Recorded in Python: this page recomputes the same bits ${say(exact)}, and agrees to 1e−9 ${say(close)}${close === step.at(-1) ? ", the last" : ""}.`;
    const series = plots.find((plot) => plot.ylabel === "F(x)");
    const every = Math.max(1, Math.floor(step.length / 40));
    const some = step.map((_, k) => k).filter((k) => k % every === 0);
    series?.lines.push({ x: some.map((k) => step[k]), y: some.map((k) => value[k] ?? NaN), colour: look.ink, dots: true, label: "recorded in Python" });
  }

  // ---------------------------------------------------------------- hands and keys

  let grip = null;
  const hit = (event) => {
    const one = view.find((item) => item.canvas === event.target);
    if (!one) return null;
    const box = one.canvas.getBoundingClientRect();
    return { ...one, x: one.maps.fromX(event.clientX - box.left), y: one.maps.fromY(event.clientY - box.top) };
  };
  const act = ({ plot, x, y }) => {
    const clean = (value) => +value.toPrecision(4);
    if (plot.drag) {
      const [low, high] = plot.ylim;
      set({ [plot.drag[0]]: clean(Math.min(Math.max(x, plot.xlim[0]), plot.xlim[1])), [plot.drag[1]]: clean(Math.min(Math.max(y, low), high)) });
    } else if (plot.scrub) set({ at: Math.min(Math.max(Math.round(x), 0), state.steps) });
    else if (plot.pick) {
      const picked = plot.pick(clean(x), clean(y));
      if ("beta1" in picked) set({ beta1: picked.beta1 });
      const { beta1: _, ...rest } = picked;
      set(rest);
    }
  };
  figures.addEventListener("pointerdown", (event) => {
    const one = hit(event);
    if (!one || event.button !== 0) return;
    stop();
    grip = one.canvas;
    grip.setPointerCapture(event.pointerId);
    act(one);
  });
  figures.addEventListener("pointermove", (event) => {
    if (grip && event.target === grip) act(hit(event));
  });
  for (const name of ["pointerup", "pointercancel"]) figures.addEventListener(name, () => (grip = null));
  figures.addEventListener("keydown", (event) => {
    const one = view.find((item) => item.canvas === event.target);
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!one || !direction) return;
    event.preventDefault();
    const size = event.shiftKey ? 10 : 1;
    if (one.plot.scrub) set({ at: Math.min(Math.max(state.at + size * (direction[0] + direction[1]), 0), state.steps) });
    else if (one.plot.drag) {
      const [a, b] = one.plot.drag;
      const move = (name, k, [low, high]) => +(state[name] + (direction[k] * size * (high - low)) / 200).toPrecision(6);
      set({ [a]: move(a, 0, one.plot.xlim), [b]: move(b, 1, one.plot.ylim) });
    }
  });

  const turnScene = (by) => {
    const names = Object.keys(SCENES);
    open(names[(names.indexOf(state.scene) + by + names.length) % names.length]);
  };
  const commands = {
    n: () => turnScene(1), b: () => turnScene(-1), r: () => set({ guess: state.guess === "none" ? "shown" : "none" }),
    " ": () => play(), ",": () => set({ at: Math.max(state.at - 1, 0) }), ".": () => set({ at: Math.min(state.at + 1, state.steps) }),
    p: () => set({ view: state.view === "room" ? "page" : "room" }), t: () => turnTheme(), s: () => saveSVG(), "?": () => showHelp(),
    Escape: () => set({ view: "page" }),
  };
  (options.address ? globalThis : root).addEventListener("keydown", (event) => {
    const kind = event.target.type || event.target.tagName?.toLowerCase();
    const typing = ["number", "text", "select-one"].includes(kind) || (event.key === " " && ["button", "range", "submit", "summary", "a"].includes(kind));
    if (typing || event.ctrlKey || event.metaKey || event.altKey || help.open || !Object.hasOwn(commands, event.key)) return;
    event.preventDefault();
    commands[event.key]();
  }, { signal: stopped.signal });

  // ---------------------------------------------------------------- leaving the page

  /** All pictures that are shown, one under the other, as one SVG. */
  function svg() {
    let y = 0;
    const width = Math.max(...view.map(({ canvas }) => canvas.clientWidth), 1);
    const parts = view.map(({ plot, canvas }) => {
      const pen = svgPen(canvas.clientWidth, canvas.clientHeight);
      draw(pen, canvas.clientWidth, canvas.clientHeight, plot, look);
      const part = pen.text(look.paper).replace("<svg ", `<svg y="${y}" `).replaceAll(/clip(\d+)/g, `clip$1-${y}`);
      y += canvas.clientHeight;
      return part;
    });
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}">` +
      `<title>${plain(sentence.textContent).replace(/[&<]/g, (c) => (c === "&" ? "&amp;" : "&lt;"))}</title>${parts.join("")}</svg>`;
  }

  function saveSVG() {
    if (!view.length) return;
    const address = URL.createObjectURL(new Blob([svg()], { type: "image/svg+xml" }));
    const link = h("a", { href: address, download: `vradam-${state.scene}.svg` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  function copyLink() {
    const text = (options.address ? location.href.split("#")[0] : "explorer.html") + "#" + encode(state);
    const done = () => (live.textContent = "The address was copied.");
    navigator.clipboard?.writeText(text).then(done, () => globalThis.prompt("The address of this state:", text));
  }

  const watcher = new ResizeObserver(refresh);
  watcher.observe(figures);
  dark.addEventListener("change", refresh, { signal: stopped.signal });
  if (options.address) {
    globalThis.addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== written) read(location.hash.slice(1));
    }, { signal: stopped.signal });
  }
  const fragment = options.address ? location.hash.slice(1) : options.fragment;
  if (recorded) recorded.state = decode(recorded.fragment);
  if (fragment) read(fragment);
  else if (recorded) read(recorded.fragment);
  else open("free");

  return {
    read,
    svg,
    end() {
      stopped.abort();
      stop();
      watcher.disconnect();
      worker.end();
    },
  };
}

/** The widget of a notebook: `fragment` is the address, both ways; `recorded` a run, or null. */
function render({ model, el }) {
  const root = h("div");
  el.append(root);
  let own = model.get("fragment");
  const page = mount(root, {
    fragment: own,
    recorded: model.get("recorded"),
    onchange(fragment) {
      own = fragment;
      model.set("fragment", fragment);
      model.save_changes();
    },
  });
  model.on("change:fragment", () => {
    if (model.get("fragment") !== own) page.read(model.get("fragment"));
  });
  return () => page.end();
}
