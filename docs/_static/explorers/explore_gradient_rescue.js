// Lesson 05: how much larger the heads make the gradients. In Python: nb05/gradient_charts.py.
import { HALO, TITLE, drawDot, drawLine, make, makeAxes, makePage, write } from "./chart.js";
import { GREY, HEAD_COLOUR, LIGHT_GREY, loadData, panel } from "./controls.js";
import { fixed, general, scientific, whole } from "./words.js";

const HEAD_CHOICES = { "both heads": [1, 1], "the head at 4a": [1, 0], "the head at 4d": [0, 1] };

export const CONTROLS = {
  init: {
    kind: "select", label: "weights", value: "std 0.01",
    options: ["std 0.01", "Xavier", "He", "PyTorch's default"],
  },
  norm: {
    kind: "select", label: "norm", value: "no BatchNorm", options: ["no BatchNorm", "BatchNorm"],
  },
  weight: { kind: "range", label: "heads' weight", min: 0, max: 3, step: 0.1, value: 0.3 },
  heads: {
    kind: "select", label: "heads", value: "both heads", options: Object.keys(HEAD_CHOICES),
  },
};

// ---- the gradients ------------------------------------------------------------------------------

const nameSetting = ({ init, norm }) => `${init}, ${norm}`;

const weighHeads = ({ weight, heads }) => HEAD_CHOICES[heads].map((on) => on * weight);

/**
 * Work out the length of the gradient of L + at4a L1 + at4d L2 from six inner products.
 *
 * A gradient is linear in the loss: that of the sum is g + at4a g1 + at4d g2.
 */
function findLength([gg, g1, g2, g11, g12, g22], [at4a, at4d]) {
  const square = gg + 2 * (at4a * g1 + at4d * g2 + at4a * at4d * g12);
  return Math.sqrt(Math.max(square + at4a ** 2 * g11 + at4d ** 2 * g22, 0));
}

/** Average each layer's norm, alone and with the heads, over the seeds: geometric means. */
function findPairs({ layers, products }, values) {
  const weights = weighHeads(values);
  return layers.map((_, layer) => {
    const ofSeeds = products[nameSetting(values)].map((seed) => seed[layer]);
    return [[0, 0], weights].map((given) => {
      const logs = ofSeeds.map((product) => Math.log(findLength(product, given)));
      return Math.exp(logs.reduce((a, b) => a + b) / logs.length);
    });
  });
}

// ---- in words -----------------------------------------------------------------------------------

/** Write a factor; two digits of a large one, as more would say too much. */
function nameFactor([alone, both]) {
  const factor = both / alone;
  return factor < 10 ? `${fixed(factor, 2)}×` : `${whole(Number(general(factor, 2)))}×`;
}

/** Say what the picture shows. */
export function describe(recorded, values) {
  const pairs = findPairs(recorded, values), [alone, both] = pairs[0];
  const at = (layer) => nameFactor(pairs[recorded.layers.indexOf(layer)]);
  const ofSeeds = recorded.products[nameSetting(values)]
    .map(([conv1]) => [findLength(conv1, [0, 0]), findLength(conv1, weighHeads(values))])
    .sort((a, b) => a[1] / a[0] - b[1] / b[0]);
  return (
    `${nameSetting(values)}; ${values.heads}, weighted by ${general(values.weight)}. ` +
    `Gradient norm of the weights at each layer. At conv1 ${scientific(alone, 1)} by the main ` +
    `loss alone and ${scientific(both, 1)} with the heads, ${at("conv1")} ` +
    `(${nameFactor(ofSeeds[0])} to ${nameFactor(ofSeeds.at(-1))} over ${ofSeeds.length} seeds). ` +
    `At 4b ${at("4b")}, at 5b, after both heads, ${at("5b")}.`
  );
}

// ---- as a picture -------------------------------------------------------------------------------

/** Draw both norms at each layer; the numbers say how many times larger the heads make it. */
function draw(recorded, values, room) {
  const { layers } = recorded, pairs = findPairs(recorded, values);
  const wide = room >= 640; // else words stand upright
  const box = { left: 50, top: wide ? 110 : 165, width: room - 60, height: 260 };
  const logs = pairs.map((pair) => pair.map(Math.log10));
  const x = { from: -0.6, to: layers.length - 0.5, ticks: [], format: String };
  const y = choosePowers(logs.flat(), wide ? 0.14 : 0.35);
  const { axes, at } = makeAxes(box, x, y);
  const lines = [0, 1].map((line) => logs.map((pair, layer) => at(layer, pair[line])));
  const bottom = box.top + box.height;
  return makePage(
    room, bottom + (wide ? 30 : 55),
    nameChart(values, pairs[0], wide),
    ...y.ticks.map((power) =>
      drawLine([at(x.from, power), at(x.to, power)], { stroke: LIGHT_GREY, "stroke-width": 0.8 })),
    axes,
    ...markHeads(values.heads, layers, at, box, wide),
    ...[GREY, HEAD_COLOUR].flatMap((colour, i) => [
      drawLine(lines[i], { stroke: colour }),
      ...lines[i].map((point) => drawDot(point, colour)),
    ]),
    ...layers.map((layer, i) => writeAt([at(i, 0)[0], bottom + 17], layer, wide, "end")),
    ...pairs.map((pair, i) => {
      const top = Math.min(lines[0][i][1], lines[1][i][1]);
      return writeAt([at(i, 0)[0], top - 9], nameFactor(pair), wide, "start");
    }),
  );
}

/** Choose an axis of powers of ten around numbers, which are logarithms; `above` leaves room. */
function choosePowers(logs, above) {
  const low = Math.min(...logs), high = Math.max(...logs), range = high - low;
  const margin = Math.max(0.14 * range, (2 - range) / 2); // two powers of ten are always there
  const from = low - margin, to = high + Math.max(above * range, margin);
  const first = Math.ceil(from);
  const ticks = Array.from({ length: Math.floor(to) - first + 1 }, (_, i) => first + i);
  return { from, to, ticks, format: (power) => `10${superscript(power)}` };
}

const superscript = (number) =>
  String(number).replace(/./g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);

function nameChart(values, pair, wide) {
  const conv1 = [`with ${values.heads}, conv1's`, `gradient is ${nameFactor(pair)} as large`];
  const title = [`${nameSetting(values)}:`, ...(wide ? [conv1.join(" ")] : conv1)];
  return make(
    "g", {},
    write(10, 24, title, TITLE),
    write(10, wide ? 72 : 92, "gradient norm of the weights:"),
    ...[["main loss alone", GREY], ["with the heads", HEAD_COLOUR]].map(([name, fill], i) =>
      write((wide ? 230 : 10) + 140 * i, wide ? 72 : 115, `● ${name}`, { fill })),
  );
}

/** Write a word centred on a place, or upright, where its `end` stands at the place. */
function writeAt([x, y], word, wide, end) {
  const look = { "font-size": 10.5, ...HALO };
  if (wide) return write(x, y, word, { ...look, "text-anchor": "middle" });
  const turn = { transform: `translate(${x + 4} ${y}) rotate(-90)` };
  return make("g", turn, write(0, 0, word, { ...look, "text-anchor": end }));
}

const DASHED = { "stroke-width": 1.4, "stroke-dasharray": "4 3" };

function markHeads(heads, layers, at, { top, height }, wide) {
  return ["4a", "4d"].flatMap((layer, i) => {
    const on = HEAD_CHOICES[heads][i], [x] = at(layers.indexOf(layer) + 0.5, 0);
    const stroke = on ? HEAD_COLOUR : LIGHT_GREY, fill = on ? HEAD_COLOUR : GREY;
    const text = [on ? "head" : "no head", `after ${layer}`];
    const look = { "text-anchor": "middle", "font-size": 12, fill };
    return [
      drawLine([[x, top], [x, top + height]], { stroke, ...DASHED }),
      write(x, top - (wide ? 6 : 22), wide ? text.join(" ") : text, look),
    ];
  });
}

// ---- on the page --------------------------------------------------------------------------------

export async function build(element) {
  const recorded = await loadData("gradient_rescue.json");
  panel(element, CONTROLS, (values, room) => ({
    picture: draw(recorded, values, room),
    words: describe(recorded, values),
  }));
}
