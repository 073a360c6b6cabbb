// Pictures on a canvas, for explorers that ask the network: images, maps, guesses.
import { COLOURS, GREY, INK, PAPER } from "./controls.js";

/** Make a canvas with the figures' ground, sharp on any screen: [the canvas, what draws on it]. */
export function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  canvas.style.width = `${width}px`;
  const draw = canvas.getContext("2d");
  draw.scale(devicePixelRatio, devicePixelRatio);
  draw.fillStyle = PAPER;
  draw.fillRect(0, 0, width, height);
  return [canvas, draw];
}

/** Write text, its baseline beginning at (x, y). */
export function write(draw, x, y, text, { colour = INK, bold = false, size = 13, align } = {}) {
  draw.font = `${bold ? "bold " : ""}${size}px system-ui, sans-serif`;
  draw.fillStyle = colour;
  draw.textAlign = align ?? "left";
  draw.fillText(text, x, y);
}

/** Draw an image or a map that maps.js has painted, pixel by pixel, in a thin frame. */
export function drawPainted(draw, painted, { x, y, side }) {
  draw.imageSmoothingEnabled = false;
  draw.drawImage(painted, x, y, side, side);
  draw.strokeStyle = GREY;
  draw.lineWidth = 1;
  draw.strokeRect(x, y, side, side);
}

/** Draw the map of a branch, and above it a title in the branch's colour. */
export function drawMap(draw, painted, box, branch, title) {
  drawPainted(draw, painted, box);
  write(draw, box.x, box.y - 7, title, { colour: COLOURS[branch], bold: true });
}

/** Tell in `element` how much of the network has come: by the function that this returns. */
export function tellLoading(element) {
  const line = document.createElement("p"), bar = document.createElement("progress");
  bar.setAttribute("aria-label", "Loading the network");
  line.append("Loading the network ", bar);
  element.replaceChildren(line);
  return (share) => (bar.value = share);
}
