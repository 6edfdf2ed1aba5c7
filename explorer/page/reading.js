// What is read beside the pictures: the question and its curtain, the ledger, the gallery, the help, the badge of a run.

const KEYS = [
  ["n, b", "next and previous scene"],
  ["r", "open or close the curtain"],
  ["space", "play or pause"],
  [", and .", "one step back, one step on"],
  ["p", "the room view, large and without controls; Escape leaves it"],
  ["t", "light or dark"],
  ["s", "save the pictures as SVG"],
  ["arrow keys", "move the start or the step while a picture has the focus; with shift ten times as far"],
];

/** The question, and in front of the pictures what may be predicted; then what is the case. */
function curtain(question, place, page) {
  const { scene, state } = page;
  const wanted = `${state.scene} ${state.guess}`;
  if (place.dataset.for === wanted) return;
  place.dataset.for = wanted;
  question.textContent = scene.question;
  if (!scene.choices) return place.replaceChildren();
  const guess = (letter) => () => page.set({ guess: letter });
  if (state.guess === "none") {
    const predictions = Object.entries(scene.choices).map(([letter, text]) => button(text, guess(letter)));
    const skip = button("Just show me", guess("shown"), { class: "quiet" });
    const group = { class: "choices", role: "group", "aria-label": "Predict first" };
    return place.replaceChildren(h("div", group, ...predictions, skip));
  }
  const said = scene.choices[state.guess];
  const right = scene.choices[scene.right];
  const verdict = said ? `You said: “${said}”. ${said === right ? "Yes." : `It is: “${right}”.`} ` : "";
  const close = button("Close the curtain", guess("none"), { class: "quiet" });
  place.replaceChildren(h("p", { class: "answer" }, verdict + scene.answer), close);
}

/** The claims of a scene as the ledger has them, and the formula that is drawn. */
function ledger(place, formula, page) {
  const { scene, state } = page;
  if (place.dataset.for === state.scene) return;
  place.dataset.for = state.scene;
  const known = scene.claims.filter((name) => name in STORED.ledger);
  const entries = known.map((name) => {
    const entry = STORED.ledger[name];
    const verdict = h("span", { class: "verdict" }, entry.verdict);
    const [derive, confront] = [`python -m theory ${name}`, `python -m experiments --only ${name}`];
    return h(
      "article",
      { "data-claim": name },
      h("h3", {}, `${name} · ${entry.title} `, verdict),
      h("p", {}, `Reported: ${entry.reported}`),
      h(
        "p",
        {},
        `Measured: ${entry.quantity} (${entry.at}): `,
        h("b", {}, entry.measured),
        "; claimed ",
        h("b", {}, entry.claimed),
        ".",
      ),
      h("p", {}, h("code", {}, derive), " derives it, ", h("code", {}, confront), " confronts it."),
    );
  });
  place.hidden = entries.length === 0;
  place.replaceChildren(h("h2", {}, "The ledger on this"), ...entries);
  formula.innerHTML = scene.formula ? STORED.mathml[scene.formula] : "";
}

/** Links to prepared states. */
function gallery(place, page) {
  const links = GALLERY.map(([label, { scene, ...more }]) => {
    const setup = { guess: "shown", ...more };
    const link = h("a", { href: "#" + encode(page.prepared(scene, setup)) }, label);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      page.open(scene, setup);
      page.top();
    });
    return h("li", {}, link);
  });
  place.append(h("h2", {}, "Prepared states"), h("ul", {}, ...links));
}

/** The help: keys, and the code of the step that is being computed. */
function helpDialog() {
  const code = h("pre", { tabindex: 0 });
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": "Help" },
    h("dl", {}, ...KEYS.flatMap(([key, what]) => [h("dt", {}, key), h("dd", {}, what)])),
    h(
      "p",
      {},
      "Everything is computed here, in double precision, by code printed from the project's own derivations; " +
        "nothing is loaded and nothing is sent.",
    ),
    h("details", {}, h("summary", {}, "The step as this page computes it"), code),
    button("Close", () => dialog.close()),
  );
  return {
    dialog,
    show(state) {
      code.textContent = E.steps[E.stepName(state.optimizer, state.gate, state.law, dimension(state))].toString();
      dialog.showModal();
    },
  };
}

/** Up to which recorded step a run of this page differs from the recorded one by at most a tolerance; null for none. */
function agreement(recorded, r, tolerance) {
  const gap = (mine, its) => {
    if (mine === its || (Number.isNaN(mine) && its === null)) return 0;
    return Math.abs(mine - its) / Math.max(Math.abs(mine), Math.abs(its)) || Infinity;
  };
  const first = recorded.step.findIndex((t, k) => {
    const x = recorded.x[k];
    if (t >= r.length) return !x.every((value) => value === null);
    const worst = Math.max(
      ...x.map((value, i) => gap(r.x[t * r.d + i], value)),
      gap(r.eta[t], recorded.learning_rate[k]),
    );
    return !(worst <= tolerance);
  });
  if (first < 0) return recorded.step.at(-1);
  return first === 0 ? null : recorded.step[first - 1];
}

/** In words, how far this page recomputes what Python recorded. */
function badgeText(recorded, state) {
  if (RUN_FIELDS.some((name) => state[name] !== recorded.state[name])) {
    return "The setup was changed: the values recorded in Python belong to another run.";
  }
  const last = recorded.step.at(-1);
  const said = (t) => (t === null ? "at no step" : `up to step ${t}${t === last ? ", the last" : ""}`);
  const exact = agreement(recorded, run(state), 0);
  if (exact === last)
    return `Recorded in Python: this page recomputes positions and rates with the same bits ${said(exact)}.`;
  const close = agreement(recorded, run(state), 1e-9);
  return `Recorded in Python: this page recomputes the same bits ${said(exact)}, and agrees to 1e−9 ${said(close)}.`;
}

/** The recorded values as dots, forty at most. */
function recordedDots(recorded, colour) {
  const every = Math.max(1, Math.floor(recorded.step.length / 40));
  const some = recorded.step.map((_, k) => k).filter((k) => k % every === 0);
  const y = some.map((k) => recorded.value[k] ?? NaN);
  return { x: some.map((k) => recorded.step[k]), y, colour, dots: true, label: "recorded in Python" };
}
