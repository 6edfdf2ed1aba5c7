// Controls: a number and a slider for each field that matters in a state, choices, and the word of the adversary.

const ADAPTIVE = ["vradam", "adamw", "radam", "rmsprop", "lion"];

const FOLLOWED = ["alignment", "autocorrelation"];

/** Whether a control has an effect in a state. */
function matters(name, state, scene) {
  const own = scene.uses || [];
  const isGated = gated(state) || scene.two || own.includes("gate");
  switch (name) {
    case "gate":
    case "law":
    case "alpha1":
    case "beta3":
      return isGated;
    case "gate_decay":
      return own.includes("gate_decay") || (isGated && state.law !== "published");
    case "w0":
      return isGated && state.law === "held";
    case "k":
    case "target":
    case "average":
      return isGated && FOLLOWED.includes(state.gate);
    case "beta2":
    case "eps":
      return scene.two || ADAPTIVE.includes(state.optimizer);
    case "L":
    case "ratio":
      return TABLE.objectives[state.objective].free.includes(name);
    case "y":
      return dimension(state) === 2;
    case "v":
      return dimension(state) === 1;
    case "size":
    case "seed":
      return state.noise !== "none";
    case "p":
      return state.noise === "two_point";
    default:
      return true;
  }
}

/** The controls of a page in a form: `refresh` builds what is needed and follows the state. */
function controlPanel(form, page) {
  let updates = [];
  let built = "";

  function control(name) {
    const field = name === "fraction" ? FRACTION : TABLE.fields[name];
    const label = h("label", { for: page.id(name), html: field.label });
    if (field.kind === "letters") return wordControl(label);
    return field.kind === "choice" ? choice(name, field, label) : quantity(name, field, label);
  }

  function choice(name, field, label) {
    const labels = name === "law" ? LAW_LABELS : LABELS;
    const text = (value) => (name === "objective" ? TABLE.objectives[value].label : labels[value] || value);
    const flat = name === "objective" && page.scene.two;
    const values = flat ? field.choices.filter((value) => TABLE.objectives[value].d === 2) : field.choices;
    const select = h(
      "select",
      { id: page.id(name), onchange: () => page.set({ [name]: select.value }) },
      ...values.map((value) => h("option", { value }, text(value))),
    );
    return {
      element: h("div", { class: "control choice" }, label, select),
      update: () => (select.value = page.state[name]),
    };
  }

  /** A number and a slider; the number may leave the slider's range, not the field's domain. */
  function quantity(name, field, label) {
    const log = field.scale === "log";
    const whole = field.kind === "integer";
    const window = TABLE.objectives[page.state.objective].window;
    const ranges = { x: window.slice(0, 2), y: window.slice(2, 4) };
    const [low, high] = (ranges[name] || field.slider || [field.low, field.high]).map((end) =>
      log ? Math.log10(end) : end,
    );
    const fine = log || !(whole || field.step) ? (high - low) / 400 : field.step || 1;
    const number = h("input", {
      type: "number",
      id: page.id(name),
      step: whole ? 1 : "any",
      min: field.low,
      max: field.high,
      onchange() {
        const value = Number(number.value);
        const inside = number.value !== "" && value >= field.low && value <= field.high;
        if (inside && (!whole || Number.isInteger(value))) return page.set({ [name]: value });
        page.say(`${plain(field.label)} must lie in [${field.low}, ${field.high}].`);
        update();
      },
    });
    const slider = h("input", {
      type: "range",
      min: low,
      max: high,
      step: fine,
      "aria-label": `${plain(field.label)}, slider`,
      oninput() {
        const value = log ? +(10 ** slider.value).toPrecision(3) : +(+slider.value).toPrecision(10);
        page.set({ [name]: whole ? Math.round(value) : value });
      },
    });
    function update() {
      const value = name === "fraction" ? fraction(page.state) : page.state[name];
      if (document.activeElement !== number) number.value = name === "fraction" ? +value.toPrecision(6) : value;
      if (!slider.matches(":active")) slider.value = log ? Math.log10(Math.max(value, 1e-300)) : value;
      slider.setAttribute("aria-valuetext", short(value));
    }
    return { element: h("div", { class: "control" }, label, number, slider), update };
  }

  function wordControl(label) {
    const text = h("input", {
      type: "text",
      id: page.id("word"),
      maxlength: 200,
      spellcheck: "false",
      autocomplete: "off",
      oninput: () => page.set({ word: text.value.replace(/[^oc]/g, "") }),
    });
    const add = (letter) => page.set({ word: (page.state.word + letter).slice(0, 200) });
    const buttons = h(
      "div",
      { class: "buttons" },
      button("Open", () => add("o")),
      button("Close", () => add("c")),
      button("Undo", () => page.set({ word: page.state.word.slice(0, -1) })),
      button("Clear", () => page.set({ word: "" })),
    );
    return {
      element: h("div", { class: "control word" }, label, text, buttons),
      update() {
        if (text.value !== page.state.word) text.value = page.state.word;
      },
    };
  }

  function build(groups) {
    const focused = document.activeElement?.id;
    updates = [];
    const made = (names) => {
      const controls = names.map(control);
      updates.push(...controls.map((one) => one.update));
      return controls.map((one) => one.element);
    };
    const { main } = page.scene; // it stands first; on a narrow page above the pictures
    const leading = h("div", { class: "leading" }, ...made(groups.some(([, names]) => names.includes(main)) ? [main] : []));
    for (const element of leading.children) element.classList.add("main");
    const fieldsets = groups
      .map(([title, names]) => [title, names.filter((name) => name !== main)])
      .filter(([, names]) => names.length)
      .map(([title, names]) => h("fieldset", {}, h("legend", {}, title), ...made(names)));
    const back = () => page.open(page.state.scene, { guess: page.state.guess });
    const reset = button("Back to the scene's setup", back, { class: "reset" });
    form.replaceChildren(leading, h("div", { class: "others" }, ...fieldsets, reset));
    if (focused) form.querySelector(`[id="${focused}"]`)?.focus();
  }

  return {
    refresh() {
      const groups = page.scene.controls
        .map(([title, names]) => [title, names.filter((name) => matters(name, page.state, page.scene))])
        .filter(([, names]) => names.length);
      const wanted = JSON.stringify([page.state.scene, page.state.objective, groups]);
      if (wanted !== built) build(groups);
      built = wanted;
      for (const update of updates) update();
    },
  };
}
