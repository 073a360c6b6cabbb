// Images, maps and receptive fields as pictures.
import { COLOURS, PAPER } from "../explorers/controls.js";
import { BRANCHES } from "./network.js";

const readColour = (hex) => hex.match(/\w\w/g).map((part) => parseInt(part, 16));

function putOnCanvas(pixels) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: pixels.width, height: pixels.height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** Paint an image, 3 * size * size values of 0 to 255, one pixel a pixel. */
export function paintImage(values, size) {
  const pixels = new ImageData(size, size), area = size * size;
  for (let p = 0; p < area; p++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * p + c] = values[c * area + p];
    pixels.data[4 * p + 3] = 255;
  }
  return putOnCanvas(pixels);
}

/** Average a map over its channels. */
export function averageChannels({ channels, size, data }) {
  const area = size * size, mean = new Float32Array(area);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) mean[i] += data[c * area + i] / channels;
  }
  return mean;
}

/** Paint one channel, from paper for 0 to the branch's colour for `most`. */
export const paintMap = (channel, size, branch, most) =>
  paintChannels([channel], size, branch, most);

/** Paint channels side by side, each up to `most` or else to its own largest value. */
export function paintChannels(channels, size, branch, most = null) {
  const alone = channels.length === 1;
  const columns = alone ? 1 : Math.ceil(Math.sqrt(channels.length * 2));
  const gap = alone ? 0 : Math.max(1, Math.round(size / 8));
  const rows = Math.ceil(channels.length / columns);
  const none = readColour(PAPER), full = readColour(COLOURS[branch]);
  const width = columns * (size + gap) - gap;
  const pixels = new ImageData(width, rows * (size + gap) - gap); // transparent between them
  channels.forEach((channel, number) => {
    const largest = most ?? (Math.max(...channel) || 1);
    const left = (number % columns) * (size + gap);
    const top = Math.floor(number / columns) * (size + gap);
    for (let i = 0; i < channel.length; i++) {
      const at = 4 * ((top + Math.floor(i / size)) * width + left + (i % size));
      const share = Math.min(1, channel[i] / largest);
      full.forEach((value, c) => (pixels.data[at + c] = none[c] + (value - none[c]) * share));
      pixels.data[at + 3] = 255;
    }
  });
  return putOnCanvas(pixels);
}

/** Show a painted canvas in one of the page, which gets its size. */
export function copyTo(canvas, painted) {
  canvas.width = painted.width;
  canvas.height = painted.height;
  canvas.getContext("2d").drawImage(painted, 0, 0);
}

/**
 * Outline receptive fields in their branches' colours.
 *
 * `squares` has [x, y, width, height] by branch. The pool sees as far as the 3x3: its dashes lie on
 * the 3x3's square.
 */
export function outlineFields(draw, squares) {
  for (const branch of BRANCHES) {
    const dashed = branch === "pool";
    draw.setLineDash(dashed ? [8, 8] : []);
    draw.strokeStyle = "#fff";
    draw.lineWidth = 5;
    if (!dashed) draw.strokeRect(...squares[branch]);
    draw.strokeStyle = COLOURS[branch];
    draw.lineWidth = 3;
    draw.strokeRect(...squares[branch]);
  }
  draw.setLineDash([]);
}
