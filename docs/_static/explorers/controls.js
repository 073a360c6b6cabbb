// What explorers share: labelled native controls above a picture, the picture's words underneath.
import { oneAtATime } from "./turns.js";

// The colours of googlenet_lib.course.kit.style; a picture has its own ground, as the figures have.
export const COLOURS = { "1x1": "#0072B2", "3x3": "#E69F00", "5x5": "#009E73", pool: "#CC79A7" };
export const HEAD_COLOUR = "#D55E00";
export const INK = "#222222", GREY = "#666666", MIDDLE_GREY = "#A6A6A6", LIGHT_GREY = "#D9D9D9";
export const PAPER = "#FCFCFC";

const QUIET = 400; // milliseconds after which a movement has ended

/**
 * Fill `element` with controls, the picture that they change, and its words: panel() in Python.
 *
 * `specs` has a control for each name (see makeControl). `draw(values, width)` gets every control's
 * value by name and the pixels that there is room for; it returns { picture, words }, or a promise
 * of them. A movement of one control may change others: `fit(values, moved)` returns
 * { name: { max, value } } of those.
 */
export function panel(element, specs, draw, fit = () => ({})) {
  const [row, holder, line] = ["div", "div", "p"].map((tag) => document.createElement(tag));
  row.className = "explorer-controls";
  holder.className = "explorer-picture";
  line.setAttribute("role", "status");

  const controls = {};
  const read = () => mapValues(controls, (control) => control.read());
  let speaking = 0;
  const show = oneAtATime(async () => {
    const { picture, words } = await draw(read(), holder.clientWidth);
    describePicture(picture, words);
    holder.replaceChildren(picture);
    clearTimeout(speaking); // a screen reader hears where a movement ends, and no more
    if (line.textContent) speaking = setTimeout(() => (line.textContent = words), QUIET);
    else line.textContent = words;
  });
  for (const [name, spec] of Object.entries(specs)) {
    controls[name] = makeControl(spec, () => {
      const changes = fit(read(), name);
      for (const [other, change] of Object.entries(changes)) controls[other].set(change);
      show();
    });
    row.append(controls[name].line);
  }
  element.replaceChildren(row, holder, line);
  watchWidth(holder, show);
}

/** Call `show` now, and whenever the width of `element` changes. */
function watchWidth(element, show) {
  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    show();
  }).observe(element);
}

function describePicture(picture, words) {
  if (picture instanceof HTMLImageElement) {
    picture.alt = words;
  } else {
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", words);
  }
}

const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

let controlsMade = 0;

/**
 * Make a native control with its label: { line, read, set }.
 *
 * `kind` is "range" (min, max, step, and format: what is written beside it), "select" (options: the
 * texts, which are the values too) or "check".
 */
export function makeControl({ kind, label, value, options = [], ...range }, moved) {
  const { step = 1, format = (number) => number.toFixed(step < 1 ? 2 : 0) } = range;
  const [line, name, beside] = ["div", "label", "span"].map((tag) => document.createElement(tag));
  const input = document.createElement(kind === "select" ? "select" : "input");
  let current = value; // a first value may lie between two steps, where the input's own cannot

  const tell = () => {
    if (kind !== "range") return;
    beside.textContent = format(current);
    input.setAttribute("aria-valuetext", beside.textContent);
  };
  const set = (change) => {
    if (change.max !== undefined) input.max = change.max;
    if (kind === "check") input.checked = change.value;
    else input.value = change.value;
    current = change.value;
    tell();
  };

  if (kind === "check") input.type = "checkbox";
  const { min, max } = range;
  if (kind === "range") Object.assign(input, { type: "range", min, max, step });
  input.append(...options.map((text) => new Option(text, text)));
  name.textContent = label;
  name.htmlFor = input.id = `explorer-control-${++controlsMade}`;
  beside.setAttribute("aria-hidden", "true"); // the input says it itself
  line.append(...(kind === "check" ? [input, name] : [name, input, beside]));
  set({ value });
  input.addEventListener("input", () => {
    if (kind === "check") current = input.checked;
    else current = kind === "range" ? Number(input.value) : input.value;
    tell();
    moved();
  });
  return { line, set, read: () => current };
}

/** Load one of the files that docs/tools/explorer_data.py wrote. */
export async function loadData(name) {
  const response = await fetch(new URL(`data/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name} could not be loaded (${response.status})`);
  return response.json();
}
