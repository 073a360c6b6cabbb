// Lesson 02: what a 1x1 of any width costs before a large kernel. In Python: nb02/bottleneck.py.
import {
  HALO, SMALL, TITLE, drawDot, drawLine, make, makeAxes, makePage, pickTicks, write,
} from "./chart.js";
import { COLOURS, GREY, MIDDLE_GREY, loadData, panel } from "./controls.js";
import { fixed, percent, whole } from "./words.js";

const NAMES = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"];
const MODULES = NAMES.map((name) => `inception${name}`);

export const CONTROLS = {
  width: { kind: "range", label: "r", min: 1, max: 192, value: 16 },
  module: { kind: "select", label: "module", options: MODULES, value: "inception3a" },
  branch: { kind: "select", label: "branch", options: ["5x5", "3x3"], value: "5x5" },
};

// ---- what it costs ------------------------------------------------------------------------------

const sum = (numbers) => numbers.reduce((a, b) => a + b);

const countWeights = (inputs, outputs, kernel) => inputs * outputs * kernel ** 2;

/** Count the weights of a branch: direct, and those of a 1x1 to `width` channels and after it. */
export function countBranch({ in_channels, out_channels, kernel }, width) {
  const direct = countWeights(in_channels, out_channels, kernel);
  const parts = [countWeights(in_channels, width, 1), countWeights(width, out_channels, kernel)];
  return { direct, parts };
}

/** Work out the width from which the 1x1 costs more than it saves. */
function findBreakEven({ in_channels, out_channels, kernel }) {
  const large = kernel ** 2 * out_channels;
  return (large * in_channels) / (in_channels + large);
}

// ---- in words -----------------------------------------------------------------------------------

const nameBranch = ({ name, kernel }) =>
  `Module ${name.replace("inception", "")}, ${kernel}×${kernel} branch`;

function compare(direct, reduced) {
  if (reduced < direct) return `${fixed(direct / reduced, 2)} times fewer`;
  return `${fixed(reduced / direct, 2)} times as many`;
}

/** Say what the picture shows. */
export function describe(branches, { width, module, branch }) {
  const row = branches[module][branch], area = row.size ** 2;
  const { direct, parts } = countBranch(row, width);
  const [reduction, large] = parts.map((part) => part * area);
  return (
    `${nameBranch(row)} with a 1×1 of r = ${width} before it: ${whole(reduction)} + ` +
    `${whole(large)} = ${whole(reduction + large)} multiply-adds against ` +
    `${whole(direct * area)} direct, ${compare(direct, sum(parts))}; ` +
    `${whole(sum(parts))} weights against ${whole(direct)}. Break-even at ` +
    `r = ${fixed(findBreakEven(row), 1)}; Table 1 has ${row.width}.`
  );
}

// ---- as a picture -------------------------------------------------------------------------------

function draw(row, width, room) {
  const wide = room >= 700;
  const title = [
    `${nameBranch(row)}: ${row.in_channels} channels`,
    `through a 1×1 of r = ${width}`,
  ];
  const half = wide ? 0.52 * room : room;
  return makePage(
    room, wide ? 320 : 590,
    write(10, 24, wide ? title.join(" ") : title, { ...TITLE, "font-size": wide ? 15 : 13.5 }),
    drawBars(row, width, { left: 10, top: wide ? 60 : 80, width: half - 30 }, wide),
    drawCosts(row, width, {
      left: wide ? half + 55 : 60,
      top: wide ? 92 : 345,
      width: room - (wide ? half : 0) - 85,
      height: 180,
    }),
  );
}

/** Draw the multiply-adds direct, and through a 1x1, whose own part is lighter. */
function drawBars(row, width, { left, top, width: room }, wide) {
  const area = row.size ** 2, colour = COLOURS[`${row.kernel}x${row.kernel}`];
  const { direct, parts } = countBranch(row, width);
  const [reduction, large] = parts.map((part) => part * area);
  const first = left + 70; // where the bars begin
  const scale = (room - 70 - 90) / Math.max(direct * area, reduction + large);
  const bar = (from, y, count, look) =>
    make("rect", { x: first + from * scale, y, width: count * scale, height: 32, ...look });
  const label = (y, name, total) => [
    write(first - 8, y, name, { "text-anchor": "end" }),
    write(first + total * scale + 6, y, whole(total)),
  ];
  const told = [`${whole(reduction)} for the 1×1 (light),`, `${whole(large)} after it:`];
  return make(
    "g", {},
    write(left, top, "multiply-adds", TITLE),
    bar(0, top + 15, direct * area, { fill: MIDDLE_GREY }),
    bar(0, top + 65, reduction, { fill: colour, "fill-opacity": 0.45 }),
    bar(reduction, top + 65, large, { fill: colour }),
    ...label(top + 36, "direct", direct * area),
    ...label(top + 86, "through r", reduction + large),
    write(left, top + 125, [
      ...(wide ? [told.join(" ")] : told),
      compare(direct, sum(parts)),
      `weights: ${whole(sum(parts))} instead of ${whole(direct)}`,
    ], SMALL),
  );
}

const DASHED = { stroke: GREY, "stroke-width": 1.2, "stroke-dasharray": "4 3" };

/** Draw the cost of the branch over every width, as a share of the direct cost. */
function drawCosts(row, width, box) {
  const cost = (r) => {
    const { direct, parts } = countBranch(row, r);
    return sum(parts) / direct;
  };
  const most = row.in_channels, even = findBreakEven(row), top = 1.06 * Math.max(1, cost(most));
  const colour = COLOURS[`${row.kernel}x${row.kernel}`];
  const { axes, at } = makeAxes(
    box,
    {
      from: 0, to: most, ticks: pickTicks(0, most, 5), format: String,
      label: "r, width of the 1×1",
    },
    { from: 0, to: top, ticks: pickTicks(0, top, 7), format: (share) => percent(share) },
  );
  const now = at(width, cost(width)), right = width > 0.6 * most;
  const low = cost(width) < 0.12; // the text stands above the axis, right of the line
  const shift = right ? [-10, -6] : low ? [30, -4] : [12, 12];
  const look = { ...HALO, "text-anchor": right ? "end" : "start" };
  return make(
    "g", {},
    axes,
    write(box.left, box.top - 32, "cost, direct = 100%", TITLE),
    write(box.left, box.top - 12, `break-even at ${fixed(even, 1)}`),
    drawLine([at(0, 1), at(most, 1)], { stroke: MIDDLE_GREY, "stroke-width": 1.4 }),
    drawLine([at(even, 0), at(even, top)], DASHED),
    drawLine([at(1, cost(1)), at(most, cost(most))], { stroke: colour }),
    drawDot(now, colour),
    write(now[0] + shift[0], now[1] + shift[1], `r = ${width}: ${percent(cost(width))}`, look),
  );
}

// ---- on the page --------------------------------------------------------------------------------

export async function build(element) {
  const branches = await loadData("bottlenecks.json");
  /** Another branch has its own width in Table 1, another module other channels too. */
  const fit = ({ module, branch }, moved) => {
    const { width, in_channels } = branches[module][branch];
    return moved === "width" ? {} : { width: { max: in_channels, value: width } };
  };
  const show = (values, room) => ({
    picture: draw(branches[values.module][values.branch], values.width, room),
    words: describe(branches, values),
  });
  panel(element, CONTROLS, show, fit);
}
