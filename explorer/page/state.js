// The state of the page and its address: every field of TABLE.fields, checked.

const NUMBER = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;
const LIMIT = 4000;

function defaults() {
  return Object.fromEntries(Object.entries(TABLE.fields).map(([name, field]) => [name, field.default]));
}

/** The value of a field from its text; an Error names the field, the text and the domain. */
function checked(name, text) {
  const field = Object.hasOwn(TABLE.fields, name) ? TABLE.fields[name] : null;
  if (!field) throw new Error(`there is no field ${name.slice(0, 40)}`);
  if (field.kind === "choice") {
    if (!field.choices.includes(text))
      throw new Error(`${name} must be one of ${field.choices.join(", ")}, got ${text.slice(0, 40)}`);
    return text;
  }
  if (field.kind === "letters") {
    if (text.length > field.high || [...text].some((c) => !field.choices.includes(c))) {
      throw new Error(`${name} must hold at most ${field.high} of the letters ${field.choices.join(", ")}`);
    }
    return text;
  }
  const number = NUMBER.test(text) ? Number(text) : NaN;
  const whole = field.kind === "integer";
  if (!(number >= field.low && number <= field.high) || (whole && !Number.isInteger(number))) {
    throw new Error(`${name} must lie in [${field.low}, ${field.high}], got ${text.slice(0, 40)}`);
  }
  return number;
}

function encode(state) {
  return [TABLE.version, ...Object.keys(TABLE.fields).map((name) => `${name}=${encodeURIComponent(state[name])}`)].join(
    "&",
  );
}

/** The state of an address, with defaults for fields that it does not name. */
function decode(fragment) {
  if (fragment.length > LIMIT) throw new Error(`the address is longer than ${LIMIT} characters`);
  const [version, ...pairs] = fragment.split("&");
  if (version !== TABLE.version)
    throw new Error(`the address is of version ${version.slice(0, 20) || "none"}, this page reads ${TABLE.version}`);
  const state = defaults();
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals < 0) throw new Error(`${pair.slice(0, 40)} is not of the form name=value`);
    const name = pair.slice(0, equals);
    state[name] = checked(name, decodeURIComponent(pair.slice(equals + 1)));
  }
  return consistent(state);
}

/** The combinations that exist: what a scene is about, laws on the published form, a step shown within the run. */
function consistent(state) {
  for (const [name, choices] of Object.entries(TABLE.needs[state.scene] || {})) {
    if (!choices.includes(state[name])) {
      throw new Error(`${name} must be one of ${choices.join(", ")} in ${state.scene}, got ${state[name]}`);
    }
  }
  if (state.law !== "published" && state.gate === "inside") {
    throw new Error(`law must be published with the gate inside, got ${state.law}`);
  }
  if (state.law === "held" && state.w0 > state.alpha1) {
    throw new Error(`w0 must lie in [0, alpha1], got ${state.w0} with alpha1 ${state.alpha1}`);
  }
  state.at = Math.min(state.at, state.steps);
  return state;
}
