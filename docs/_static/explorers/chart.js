// Charts in SVG, in the style of the course's figures: an opaque ground, labels on the thing.
import { GREY, INK, PAPER } from "./controls.js";

/** Make an SVG element from its name, its attributes and what it holds. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Make a page for charts, which counts pixels from its upper left corner. */
export function makePage(width, height, ...children) {
  const ground = make("rect", { width, height, fill: PAPER });
  const look = { width, height, viewBox: `0 0 ${width} ${height}`, "font-size": 13, fill: INK };
  return make("svg", look, ground, ...children);
}

/** Write text, its baseline beginning at (x, y); a list of texts is written in lines. */
export function write(x, y, text, look = {}) {
  const lines = [text].flat().map((line, i) => make("tspan", { x, dy: i ? "1.3em" : 0 }, line));
  return make("text", { x, y, ...look }, ...lines);
}

export const TITLE = { "font-size": 15, "font-weight": "bold" };
export const HALO = { stroke: PAPER, "stroke-width": 4, "paint-order": "stroke" }; // over lines
export const SMALL = { "font-size": 12, fill: GREY };

/** Draw a line through points, each [x, y]. */
export function drawLine(points, look = {}) {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const usual = { fill: "none", stroke: INK, "stroke-width": 2.4 };
  return make("polyline", { points: path, ...usual, ...look });
}

/** Draw a dot. */
export const drawDot = ([cx, cy], fill = INK) => make("circle", { cx, cy, r: 4, fill });

/**
 * Draw axes in a box of pixels, { left, top, width, height }.
 *
 * `x` and `y` are { from, to, ticks, format, label }. Returns the drawn axes, and `at(x, y)`: the
 * pixel of two numbers.
 */
export function makeAxes({ left, top, width, height }, x, y) {
  const at = (u, v) => [
    left + (width * (u - x.from)) / (x.to - x.from),
    top + height - (height * (v - y.from)) / (y.to - y.from),
  ];
  const bottom = top + height;
  const spines = [[left, top], [left, bottom], [left + width, bottom]];
  const axes = make(
    "g", SMALL,
    drawLine(spines, { stroke: GREY, "stroke-width": 1 }),
    ...x.ticks.map((tick) =>
      write(at(tick, 0)[0], bottom + 17, x.format(tick), { "text-anchor": "middle" })),
    ...y.ticks.map((tick) =>
      write(left - 7, at(0, tick)[1] + 4, y.format(tick), { "text-anchor": "end" })),
    write(left + width / 2, bottom + 37, x.label ?? "", { "text-anchor": "middle", fill: INK }),
  );
  return { axes, at };
}

/** Choose round numbers between two ends, at most `most` of them. */
export function pickTicks(from, to, most = 6) {
  const power = 10 ** Math.floor(Math.log10((to - from) / most));
  const step = power * [1, 2, 5, 10].find((factor) => (to - from) / (factor * power) < most);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}
