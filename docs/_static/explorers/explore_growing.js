// Lesson 00: an object grows, and the four branches respond. In Python: nb00/growing.py.
import { ask } from "../demo/ask.js";
import { averageChannels, outlineFields, paintImage, paintMap } from "../demo/maps.js";
import { BRANCHES, findReceptiveFields, rankGuesses } from "../demo/network.js";
import { SHAPES, drawShape } from "../demo/picture.js";
import { MIDDLE_GREY, loadData, panel } from "./controls.js";
import { drawMap, drawPainted, makeCanvas, tellLoading, write } from "./views.js";
import { percent } from "./words.js";

export const bytes = 3.1e6; // the network that knows the shapes

const MODULE = "3a";
const SIZE = 32, MIDDLE = 15.5; // pixels of an image; where the receptive fields of its middle lie
const TOP = 5; // guesses shown
const BAR = 30; // pixels from one guess to the next
const LEAST_RADIUS = 3, MOST_RADIUS = 14; // pixels

export const CONTROLS = {
  radius: {
    kind: "range", label: "radius", min: LEAST_RADIUS, max: MOST_RADIUS, step: 0.5, value: 8,
  },
  shape: { kind: "select", label: "shape", options: Object.keys(SHAPES), value: "circle" },
};

// ---- the object, and what the network makes of it -----------------------------------------------

/** Draw the object in the middle of an image. `look`: its colours, stripes, tilt and noise. */
export const drawObject = (look, { shape, radius }) =>
  drawShape(shape, MIDDLE, MIDDLE, radius, look, SIZE);

/** List the most probable classes, the most probable first. */
export const listGuesses = ({ logits }, classes) => rankGuesses(logits, classes).slice(0, TOP);

const averageMaps = ({ branches }) =>
  Object.fromEntries(branches[MODULE].map((map, b) => [BRANCHES[b], averageChannels(map)]));

// ---- in words ------------------------------------------------------------------------------------

const nameState = ({ shape, radius }) => `${shape}, radius ${radius}`;

/** Say what the picture shows. */
export function describe(values, guesses) {
  const told = guesses.map(({ label, share }) => `${label} ${percent(share)}`).join(", ");
  return (
    `${nameState(values)}. An image, the maps of its four branches, and the guesses: ${told}.`
  );
}

// ---- as a picture --------------------------------------------------------------------------------

/** Say where everything lies in a picture `room` pixels wide: the guesses beside it, or below. */
function layOut(room) {
  const wide = room >= 600, gap = 14, top = 54;
  const side = wide ? 0.31 * room : 0.5 * room - gap;
  const small = (side - 28) / 2; // two maps and the title between them are as high as the image
  const left = side + 2.5 * gap;
  const maps = BRANCHES.map((_, b) => ({
    x: left + (b % 2) * (wide ? small + 2 * gap : small + gap),
    y: top + (b > 1 ? small + 28 : 0),
    side: small,
  }));
  const bottom = top + side;
  const guesses = wide ? { x: left + 2 * small + 5 * gap, y: top } : { x: gap, y: bottom + 38 };
  const height = wide ? bottom + gap : guesses.y + TOP * BAR;
  return { wide, image: { x: gap, y: top, side }, maps, guesses, height };
}

function drawView(values, { pixels, maps, guesses }, highest, room) {
  const places = layOut(room);
  const [canvas, draw] = makeCanvas(room, places.height);
  write(draw, places.image.x, 22, nameState(values), { bold: true, size: 15 });
  drawPainted(draw, paintImage(pixels, SIZE), places.image);
  outlineFields(draw, findSquares(places.image));
  BRANCHES.forEach((branch, b) => {
    const size = Math.sqrt(maps[branch].length);
    const painted = paintMap(maps[branch], size, branch, highest[branch]);
    const title = branch.replace("x", "×") + (places.wide ? " branch" : "");
    drawMap(draw, painted, places.maps[b], branch, title);
  });
  drawGuesses(draw, guesses, { ...places.guesses, right: room - 50 });
  return canvas;
}

/** Find the receptive field of each branch around the middle, on an image drawn in a box. */
function findSquares({ x, y, side }) {
  const scale = side / SIZE;
  const square = ({ field }) => {
    const corner = (MIDDLE - field / 2) * scale;
    return [x + corner, y + corner, field * scale, field * scale];
  };
  const fields = Object.entries(findReceptiveFields(MODULE));
  return Object.fromEntries(fields.map(([branch, window]) => [branch, square(window)]));
}

function drawGuesses(draw, guesses, { x, y, right }) {
  write(draw, x, y - 7, "guesses", { bold: true });
  const first = x + 72; // where the bars begin
  guesses.forEach(({ label, share }, place) => {
    const top = y + BAR * place, length = (right - first) * share;
    write(draw, first - 8, top + 14, label, { align: "right" });
    draw.fillStyle = MIDDLE_GREY;
    draw.fillRect(first, top, length, 20);
    write(draw, first + length + 6, top + 14, percent(share));
  });
}

// ---- on the page ---------------------------------------------------------------------------------

export async function build(element) {
  const look = await loadData("growing.json");
  const tell = tellLoading(element);
  const see = async (values) => {
    const pixels = drawObject(look, values);
    const { answer, classes } = await ask("shapes", pixels, tell);
    return { pixels, maps: averageMaps(answer), guesses: listGuesses(answer, classes) };
  };
  // one scale for each branch, so that maps of all sizes compare: it covers the largest circle
  const largest = await see({ shape: "circle", radius: MOST_RADIUS });
  const highest = Object.fromEntries(
    BRANCHES.map((branch) => [branch, 1.5 * Math.max(...largest.maps[branch])]),
  );
  panel(element, CONTROLS, async (values, room) => {
    const view = await see(values);
    return {
      picture: drawView(values, view, highest, room),
      words: describe(values, view.guesses),
    };
  });
}
