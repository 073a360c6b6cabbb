// Lesson 03: what each branch of a module sees at one position. In Python: nb03/branches.py.
import { ask } from "../demo/ask.js";
import { averageChannels, outlineFields, paintImage, paintMap } from "../demo/maps.js";
import { BRANCHES, findReceptiveFields } from "../demo/network.js";
import { openPhotograph } from "../demo/photograph.js";
import { INK, panel } from "./controls.js";
import { drawMap, drawPainted, makeCanvas, tellLoading, write } from "./views.js";
import { fixed } from "./words.js";

export const bytes = 5.3e6; // the network that knows photographs

const SIZE = 96; // pixels of the photograph
const MODULES = ["3a", "3b", "4a", "4b", "4c"];

export const CONTROLS = {
  row: { kind: "range", label: "row", min: 0, max: SIZE - 1, value: SIZE / 2 },
  column: { kind: "range", label: "column", min: 0, max: SIZE - 1, value: SIZE / 2 },
  module: { kind: "select", label: "module", options: MODULES, value: "3a" },
};

// ---- positions and what they see ----------------------------------------------------------------

const countPositions = ({ jump }) => Math.ceil(SIZE / jump);

/** Find the position of a map whose window is centred nearest a pixel. */
function findPosition(window, pixel) {
  const nearest = Number(fixed((pixel - window.start) / window.jump)); // a half goes to the even one
  return Math.min(Math.max(nearest, 0), countPositions(window) - 1);
}

/** Find the first and the last pixel, both included, that a position sees. */
function findSpan({ field, jump, start }, position) {
  const first = start + position * jump - (field - 1) / 2;
  return [Math.max(first, 0), Math.min(first + field - 1, SIZE - 1)];
}

/** Work out the position nearest a pixel, and the rows and columns that each branch sees there. */
export function locate({ row, column, module }) {
  const windows = findReceptiveFields(module);
  const [y, x] = [row, column].map((pixel) => findPosition(windows["1x1"], pixel));
  const fields = BRANCHES.map((branch) => {
    const window = windows[branch];
    const [rows, columns] = [y, x].map((position) => findSpan(window, position));
    return { branch, field: window.field, rows, columns };
  });
  return { row: y, column: x, positions: countPositions(windows["1x1"]), fields };
}

// ---- in words ------------------------------------------------------------------------------------

const nameMap = (module, { positions }) =>
  `${module}: one position of its ${positions}×${positions} map`;

/** Say what the picture shows. */
export function describe(values) {
  const found = locate(values);
  const parts = found.fields.map(
    ({ branch, rows, columns }) =>
      `${branch} sees rows ${rows.join(" to ")}, columns ${columns.join(" to ")}`,
  );
  return (
    `${nameMap(values.module, found)}, row ${found.row}, column ${found.column}. Squares on an ` +
    `image: ${parts.join("; ")}. Beside it the four branches' maps, averaged over their channels.`
  );
}

// ---- as a picture --------------------------------------------------------------------------------

/** Say where image and maps lie in a picture `room` pixels wide: in one row, or in three. */
function layOut(room) {
  const wide = room >= 600, gap = 14, top = 54;
  const unit = wide ? (room - 6 * gap) / 5.25 : (room - 3 * gap) / 2;
  const side = wide ? 1.25 * unit : 200;
  const maps = BRANCHES.map((_, b) => {
    if (wide) return { x: side + 2 * gap + b * (unit + gap), y: top, side: unit };
    const under = top + side + 28 + (b > 1 ? unit + 28 : 0);
    return { x: gap + (b % 2) * (unit + gap), y: under, side: unit };
  });
  const height = wide ? top + side + gap : maps[3].y + unit + gap;
  return { image: { x: gap, y: top, side }, maps, height };
}

function drawView(values, photograph, maps, room) {
  const places = layOut(room), found = locate(values);
  const [canvas, draw] = makeCanvas(room, places.height);
  write(draw, places.image.x, 22, nameMap(values.module, found), { bold: true, size: 15 });
  drawPainted(draw, photograph, places.image);
  outlineFields(draw, findSquares(found, places.image));
  found.fields.forEach(({ branch, field }, b) => {
    drawMap(draw, maps[b], places.maps[b], branch, `${branch.replace("x", "×")}: ${field} px`);
    markPosition(draw, found, places.maps[b]);
  });
  return canvas;
}

/** Find the square that each branch sees, on an image drawn in a box. */
function findSquares({ fields }, { x, y, side }) {
  const scale = side / SIZE;
  const square = ({ branch, rows: [top, bottom], columns: [left, right] }) => [
    branch,
    [x + left * scale, y + top * scale, (right - left + 1) * scale, (bottom - top + 1) * scale],
  ];
  return Object.fromEntries(fields.map(square));
}

function markPosition(draw, { row, column, positions }, { x, y, side }) {
  const scale = side / positions, half = 4; // pixels from the middle of the mark to its sides
  const [left, top] = [x + (column + 0.5) * scale - half, y + (row + 0.5) * scale - half];
  draw.strokeStyle = INK;
  draw.lineWidth = 1;
  draw.strokeRect(left, top, 2 * half, 2 * half);
}

// ---- on the page ---------------------------------------------------------------------------------

export async function build(element) {
  const tell = tellLoading(element);
  const file = await fetch(new URL("data/temple.png", import.meta.url));
  const pixels = await openPhotograph(await file.blob(), SIZE);
  const { answer } = await ask("cifar10", pixels, tell);
  const photograph = paintImage(pixels, SIZE);
  const paint = (map, b) => paintMap(averageChannels(map), map.size, BRANCHES[b]);
  const maps = Object.fromEntries(
    MODULES.map((module) => [module, answer.branches[module].map(paint)]),
  );
  panel(element, CONTROLS, (values, room) => ({
    picture: drawView(values, photograph, maps[values.module], room),
    words: describe(values),
  }));
}
