// The page: one state, what is derived from it, and the address that holds it.

let mounted = 0;

/**
 * Put the explorer into an element.
 * options: address (whether the window's address holds the state), fragment (the state to begin with), recorded (a run of
 * Python's), onchange (told of every new fragment). Returns {read, end}.
 */
function mount(root, options = {}) {
  const own = ++mounted;
  const recorded = options.recorded || null;
  const ended = new AbortController();
  const still = globalThis.matchMedia("(prefers-reduced-motion: reduce)");
  const dark = globalThis.matchMedia("(prefers-color-scheme: dark)");
  let state = defaults();
  let frame = 0;
  let printing = false;
  let playing = 0;
  let written = "";
  let writing = 0;
  let saying = 0;
  let look = null;
  let asked = { key: "", id: 0, since: 0 };
  let found = null;

  const page = {
    id: (name) => `vx${own}-${name}`,
    get state() {
      return state;
    },
    get scene() {
      return scenes[state.scene];
    },
    set,
    open,
    prepared,
    say,
    stop,
    top() {
      const behavior = still.matches ? "auto" : "smooth";
      if (root.getBoundingClientRect().top < 0) root.scrollIntoView({ behavior });
    },
  };

  // ---------------------------------------------------------------- the elements

  const tabs = Object.entries(scenes).map(([name, scene]) =>
    button(scene.title, () => open(name), { "data-scene": name }),
  );
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const question = h("h2");
  const behind = h("div", { class: "curtain" });
  const form = h("form", { class: "controls", "aria-label": "Setup", onsubmit: (event) => event.preventDefault() });
  const figures = h("div", { class: "figures" });
  const sentence = h("p", { class: "sentence" });
  const badge = h("p", { class: "badge", hidden: true });
  const formula = h("div", { class: "formula", role: "group", "aria-label": "Formula of the claim", tabindex: 0 });
  const live = h("p", { class: "unseen", role: "status" });
  const claims = h("section", { class: "claims", "aria-label": "What the ledger says" });
  const prepareds = h("section", { class: "gallery", "aria-label": "Prepared states" });
  const help = helpDialog();
  const scrub = h("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": "Step that is shown",
    oninput: () => set({ at: +scrub.value }),
  });
  const clock = h("output");
  const playButton = button("Play", play);
  const by = (steps) => () => set({ at: clamp(state.at + steps, 0, state.steps) });
  const transport = h(
    "div",
    { class: "transport", role: "group", "aria-label": "Time" },
    playButton,
    button("−1", by(-1), { "aria-label": "One step back" }),
    button("+1", by(1), { "aria-label": "One step on" }),
    scrub,
    clock,
  );
  const tools = h(
    "div",
    { class: "tools", role: "group", "aria-label": "View" },
    button("Room view", () => set({ view: "room" })),
    button("Light or dark", turnTheme),
    button("Save SVG", saveSVG),
    button("Copy link", copyLink),
    button("Help", () => help.show(state)),
  );
  root.classList.add("vx");
  root.replaceChildren(
    h(
      "header",
      {},
      h("h1", {}, "VRAdam: move a slider, see the theorem"),
      h("nav", { "aria-label": "Scenes" }, ...tabs),
      tools,
    ),
    notice,
    h(
      "main",
      {},
      h("section", { class: "ask", "aria-label": "Question" }, question, behind),
      form,
      h("section", { class: "stage", "aria-label": "Pictures" }, figures, transport, sentence, badge, formula, live),
      claims,
      prepareds,
    ),
    button("Leave the room view", () => set({ view: "page" }), { class: "leave" }),
    help.dialog,
  );
  const controls = controlPanel(form, page);
  const shown = pictures(figures, page);
  gallery(prepareds, page);

  // ---------------------------------------------------------------- changing the state

  const covered = () => page.scene.choices !== undefined && state.guess === "none";
  const isDark = () => !printing && (state.theme === "dark" || (state.theme === "auto" && dark.matches));

  /** A scene with its own setup, and what else is wanted. */
  function prepared(name, more = {}) {
    const { theme, view } = state;
    return consistent({ ...defaults(), ...scenes[name].setup, scene: name, theme, view, ...more });
  }

  function open(name, more = {}) {
    stop();
    state = prepared(name, more);
    refresh();
  }

  /** Change some fields; what depends on them follows. "fraction" stands for alpha0 L/B, which beta1 and L leave alone. */
  function set({ fraction: wanted, ...fields }) {
    const before = state;
    state = { ...before, ...fields };
    const held = page.scene.controls.some(([, names]) => names.includes("fraction"));
    if (wanted !== undefined || (held && ("beta1" in fields || "L" in fields))) {
      state.alpha0 = ((wanted ?? fraction(before)) * edge(state)) / state.L;
    }
    if (state.objective !== before.objective) {
      const [x, y = 0] = TABLE.objectives[state.objective].start;
      Object.assign(state, { x, y, v: 0 });
    }
    if (state.law !== "published" && state.gate === "inside") {
      if (fields.gate) state.law = "published";
      else state.gate = "published";
    }
    state.w0 = Math.min(state.w0, state.alpha1);
    if ("steps" in fields) state.at = before.at >= before.steps ? state.steps : Math.min(before.at, state.steps);
    refresh();
  }

  function refresh() {
    root.removeAttribute("data-settled");
    if (!frame) frame = requestAnimationFrame(paint);
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    playButton.textContent = "Play";
  }

  /** All steps in six seconds; at once for those who prefer no motion. */
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

  // ---------------------------------------------------------------- the address

  function say(message) {
    notice.textContent = message;
    notice.hidden = !message;
  }

  function read(fragment) {
    stop();
    try {
      state = decode(fragment);
      say("");
    } catch (error) {
      state = prepared("free");
      say(`This address cannot be read: ${error.message}. The page shows its defaults.`);
    }
    refresh();
  }

  function write() {
    root.dataset.settled = "yes";
    const fragment = encode(state);
    if (fragment === written) return;
    written = fragment;
    if (options.address) history.replaceState(null, "", "#" + fragment);
    options.onchange?.(fragment);
  }

  function copyLink() {
    const text = (options.address ? location.href.split("#")[0] : "explorer.html") + "#" + encode(state);
    const ask = () => globalThis.prompt("The address of this state:", text);
    if (!navigator.clipboard) return ask();
    navigator.clipboard.writeText(text).then(() => (live.textContent = "The address was copied."), ask);
  }

  function saveSVG() {
    const picture = new Blob([shown.svg(look, sentence.textContent)], { type: "image/svg+xml" });
    const address = URL.createObjectURL(picture);
    h("a", { href: address, download: `vradam-${state.scene}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // ---------------------------------------------------------------- painting

  /** Colours and sizes of the style sheet, read once for each theme, view and width. */
  function readLook() {
    const key = `${isDark()} ${state.view} ${root.clientWidth}`;
    if (look?.key === key) return;
    const style = getComputedStyle(root);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ["ink", "paper", "grey", "faint", "land", "blue", "orange", "green", "purple", "olive", "sky", "peach"];
    const colours = Object.fromEntries(names.map((name) => [name, value(name)]));
    const line = state.view === "room" ? 2.6 : 1.9;
    look = { key, ...colours, line, size: parseFloat(value("plot")), family: "system-ui, 'DejaVu Sans', sans-serif" };
  }

  const worker = workerFor((message) => {
    if (message.id !== asked.id) return;
    const name = `${asked.kind} ${message.k}`;
    performance.clearMeasures(name);
    performance.measure(name, { start: asked.since, end: performance.now() });
    found = { ...message, kind: asked.kind, serial: `${asked.id} ${message.k}` };
    refresh();
  });

  /** Ask the worker for what the scene needs, unless it was asked already; the answer of the same kind that is there. */
  function wanted() {
    const job = covered() ? null : page.scene.job?.(state);
    if (!job) return null;
    const {
      x: _x,
      v: _v,
      at: _at,
      guess: _guess,
      view: _view,
      theme: _theme,
      steps: _steps,
      overlay: _o,
      ...rest
    } = job.setup;
    const key = JSON.stringify([job.kind, rest]);
    if (key !== asked.key) {
      asked = { key, id: asked.id + 1, kind: job.kind, since: performance.now() };
      worker.take({ id: asked.id, ...job });
    }
    return found?.kind === job.kind ? found : null;
  }

  function paint() {
    frame = 0;
    root.dataset.theme = isDark() ? "dark" : "light";
    root.dataset.view = state.view;
    root.dataset.covered = covered();
    for (const tab of tabs) {
      if (tab.dataset.scene === state.scene) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    curtain(question, behind, page);
    controls.refresh();
    ledger(claims, formula, page);
    readLook();
    const context = { look, found: wanted() };
    const plots = covered() ? [] : page.scene.figures(state, context);
    sentence.textContent = covered()
      ? "Predict first: the pictures are behind the curtain."
      : page.scene.sentence(state, context);
    badge.hidden = recorded === null || covered();
    if (!badge.hidden) {
      badge.textContent = badgeText(recorded, state);
      const value = plots.find((plot) => plot.ylabel === "F(x)");
      if (value && !badge.textContent.startsWith("The setup")) value.lines.push(recordedDots(recorded, look.ink));
    }
    transport.hidden = !plots.some((plot) => plot.scrub && plot.cursor !== undefined) || page.scene.whole === true;
    scrub.max = state.steps;
    scrub.value = state.at;
    clock.textContent = `${state.at} / ${state.steps}`;
    shown.show(plots, look);
    clearTimeout(writing);
    writing = setTimeout(write, 120);
    clearTimeout(saying);
    saying = setTimeout(() => (live.textContent = sentence.textContent), 700);
  }

  // ---------------------------------------------------------------- the beginning and the end

  const turnScene = (step) => () => {
    const names = Object.keys(scenes);
    open(names[(names.indexOf(state.scene) + step + names.length) % names.length]);
  };
  const commands = {
    n: turnScene(1),
    b: turnScene(-1),
    r: () => set({ guess: state.guess === "none" ? "shown" : "none" }),
    " ": play,
    ",": by(-1),
    ".": by(1),
    p: () => set({ view: state.view === "room" ? "page" : "room" }),
    t: turnTheme,
    s: saveSVG,
    "?": () => help.show(state),
    Escape: () => set({ view: "page" }),
  };
  keys(options.address ? globalThis : root, commands, ended.signal);
  const watcher = new ResizeObserver(refresh);
  watcher.observe(figures);
  watcher.observe(root);
  for (const [event, now] of [["beforeprint", true], ["afterprint", false]]) {
    const turn = () => ((printing = now), paint());
    globalThis.addEventListener(event, turn, { signal: ended.signal });
  }
  dark.addEventListener("change", refresh, { signal: ended.signal });
  const moved = () => location.hash.slice(1) !== written && read(location.hash.slice(1));
  if (options.address) globalThis.addEventListener("hashchange", moved, { signal: ended.signal });
  if (recorded) recorded.state = decode(recorded.fragment);
  const fragment = (options.address ? location.hash.slice(1) : options.fragment) || recorded?.fragment;
  if (fragment) read(fragment);
  else open("free");

  return {
    read,
    end() {
      ended.abort();
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
