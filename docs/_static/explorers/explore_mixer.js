// Lesson 02: one output channel of a 1x1 convolution, as a mix of red, green and blue.
// In Python: nb02/mixer.py.
import { INK, PAPER, panel } from "./controls.js";
import { fixed, percent } from "./words.js";

const weight = (label, value, most) =>
  ({ kind: "range", label, min: -most, max: most, step: 0.1, value });

export const CONTROLS = {
  red: weight("red", 2, 2),
  green: weight("green", -2, 2),
  blue: weight("blue", 0, 2),
  bias: weight("bias", 0, 1),
  relu: { kind: "check", label: "ReLU", value: false },
};
const CHANNELS = ["red", "green", "blue"];
const AT = [50, 30]; // column and row of the pixel whose arithmetic is shown

// ---- the convolution ----------------------------------------------------------------------------

/**
 * Mix the channels at every position: the weighted sums, before the ReLU.
 *
 * An image is { width, height, pixels }: red, green and blue of each pixel in turn, 0 to 255.
 * Float32Array keeps numbers as PyTorch does, so that a sum just below zero is so in both.
 */
export function mix({ width, height, pixels }, { red, green, blue, bias }) {
  const weights = Float32Array.of(red, green, blue), { fround } = Math;
  const sums = new Float32Array(width * height);
  for (let p = 0; p < sums.length; p++) {
    for (let c = 0; c < 3; c++) {
      sums[p] += fround(weights[c] * fround(pixels[3 * p + c] / 255));
    }
    sums[p] += fround(bias);
  }
  return sums;
}

const rectify = (sum) => Math.max(sum, 0);

const shareBelowZero = (sums) => sums.filter((sum) => sum < 0).length / sums.length;

// ---- in words -----------------------------------------------------------------------------------

/** Write two digits with a true minus sign, and none in front of a zero. */
function signed(number) {
  const text = fixed(number, 2);
  return text === "-0.00" ? "0.00" : text.replace("-", "−");
}

/** Write out what happens at the pixel that is shown. */
function writeArithmetic({ width, pixels }, values, sums) {
  const p = AT[1] * width + AT[0];
  const terms = CHANNELS.map((name, c) => {
    const value = Math.fround(pixels[3 * p + c] / 255);
    return `${signed(values[name])} × ${fixed(value, 2)}`;
  });
  const sum = [...terms, signed(values.bias)].join(" + ").replaceAll("+ −", "− ");
  const text = `${sum} = ${signed(sums[p])}`;
  return values.relu ? `${text}, ReLU: ${signed(rectify(sums[p]))}` : text;
}

/** Say what the picture shows. */
export function describe(image, values) {
  const sums = mix(image, values), below = percent(shareBelowZero(sums));
  return (
    `One output channel of a 1×1 convolution over an image of ${image.width} × ${image.height} ` +
    `pixels. At column ${AT[0]}, row ${AT[1]}: ${writeArithmetic(image, values, sums)}. The sum ` +
    `is below zero at ${below} of the pixels${values.relu ? ", where the ReLU makes it 0." : "."}`
  );
}

// ---- as a picture -------------------------------------------------------------------------------

// The colours of matplotlib's RdBu_r, from -1 to 1: blue below zero, white at zero, red above.
const SHADES = [
  [5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247],
  [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31],
];

/** Find the colour of a number of -1 to 1; what lies beyond has the colour of the end. */
export function shade(number) {
  const place = (Math.min(1, Math.max(-1, number)) + 1) * 5;
  const below = Math.min(9, Math.floor(place)), share = place - below;
  return SHADES[below].map((low, c) => low + (SHADES[below + 1][c] - low) * share);
}

const ZOOM = 4; // pixels on the screen for one of the image

const makePixels = (width, height) =>
  Object.assign(document.createElement("canvas"), { width, height });

/** Paint an image, `colour(p)` being that of pixel number p, and frame the pixel that is shown. */
function paint(canvas, { width, height }, colour) {
  const small = makePixels(width, height), data = new ImageData(width, height);
  for (let p = 0; p < width * height; p++) data.data.set([...colour(p), 255], 4 * p);
  small.getContext("2d").putImageData(data, 0, 0);
  Object.assign(canvas, { width: ZOOM * width, height: ZOOM * height });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  const [left, top] = AT.map((place) => ZOOM * (place - 1.5));
  for (const [look, thick] of [[PAPER, 8], [INK, 3]]) {
    context.strokeStyle = look;
    context.lineWidth = thick;
    context.strokeRect(left, top, 4 * ZOOM, 4 * ZOOM);
  }
}

/** Make a picture of parts, each a canvas with a title above it and a line below it. */
function makePicture() {
  const picture = document.createElement("div");
  picture.className = "explorer-mixer";
  const parts = Object.fromEntries(["image", ...CHANNELS, "result"].map((name) => {
    const [part, title, canvas, below] = ["div", "strong", "canvas", "span"]
      .map((tag) => document.createElement(tag));
    part.className = `explorer-mixer-${name}`;
    part.append(title, canvas, below);
    picture.append(part);
    return [name, { title, canvas, below }];
  }));
  const arithmetic = document.createElement("div");
  arithmetic.className = "explorer-mixer-arithmetic";
  picture.append(arithmetic);
  return { picture, parts, arithmetic };
}

/** Draw what stays: the image, and its channels in grey. */
function drawImage({ parts }, image) {
  const { pixels } = image;
  parts.image.title.textContent = "the image";
  paint(parts.image.canvas, image, (p) => pixels.slice(3 * p, 3 * p + 3));
  CHANNELS.forEach((name, c) => {
    paint(parts[name].canvas, image, (p) => Array(3).fill(pixels[3 * p + c]));
  });
}

/** Draw what the controls change: the weights, and the channel that the image is mixed to. */
function drawMix({ parts, arithmetic }, image, values) {
  const sums = mix(image, values), { relu } = values;
  for (const name of CHANNELS) parts[name].title.textContent = `${name} × ${signed(values[name])}`;
  parts.result.title.textContent = relu ? "after the ReLU" : "the sum";
  paint(parts.result.canvas, image, (p) => shade(relu ? rectify(sums[p]) : sums[p]));
  const below = percent(shareBelowZero(sums));
  parts.result.below.textContent = `below zero at ${below}${relu ? ", now 0" : ""}`;
  arithmetic.textContent = `the framed pixel: ${writeArithmetic(image, values, sums)}`;
}

// ---- on the page --------------------------------------------------------------------------------

async function loadImage(name) {
  const image = new Image();
  image.src = new URL(`data/${name}`, import.meta.url);
  await image.decode();
  const { width, height } = image;
  const context = makePixels(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height); // with a fourth number, the opacity
  return { width, height, pixels: data.filter((_, i) => i % 4 !== 3) };
}

export async function build(element) {
  const image = await loadImage("flower.png");
  const made = makePicture();
  drawImage(made, image);
  panel(element, CONTROLS, (values) => {
    drawMix(made, image, values);
    return { picture: made.picture, words: describe(image, values) };
  });
}
