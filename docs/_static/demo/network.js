// GoogLeNet in the browser, from the committed safetensors file. Names as in googlenet_lib: the
// variant is "small", with a 3x3 stem and one pool in it, made for images of 32x32.
import { averagePool, concatenate, connect, convolve, maxPool, softmax } from "./tensor.js";

export const MODULES = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"];
export const BRANCHES = ["1x1", "3x3", "5x5", "pool"];

// ---- the file -----------------------------------------------------------------------------------

/** Read a safetensors file: its tensors, and what its header says of the network. */
export function parseWeights(buffer) {
  try {
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    const info = JSON.parse(header.__metadata__.googlenet);
    delete header.__metadata__;
    const tensors = {};
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
      if (8 + length + to > buffer.byteLength) throw new Error(`${name} lies beyond the file's end`);
      const raw = buffer.slice(8 + length + from, 8 + length + to);
      if (dtype === "F16") tensors[name] = { shape, data: toFloat32(new Uint16Array(raw)) };
      else if (dtype === "F32") tensors[name] = { shape, data: new Float32Array(raw) };
    }
    return { info, tensors, layers: foldBatchNorm(tensors, info.details?.eps ?? 1e-3) };
  } catch (error) {
    throw new Error(`The file of weights is damaged or was cut short (${error.message}).`);
  }
}

let table = null; // the float32 of each of the 65,536 float16 numbers

function toFloat32(halves) {
  table ??= Float32Array.from({ length: 65536 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
  });
  return Float32Array.from(halves, (half) => table[half]);
}

/** In evaluation BatchNorm is a factor and a summand for each channel: fold it into its layer. */
function foldBatchNorm(tensors, eps) {
  const layers = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (!name.endsWith(".conv.weight") || shape.length !== 4) continue;
    const layer = name.slice(0, -".conv.weight".length);
    const read = (part) => tensors[`${layer}.bn.${part}`].data;
    const [outputs, inputs, kernel] = shape;
    const per = inputs * kernel * kernel;
    const weight = new Float32Array(data.length), bias = new Float32Array(outputs);
    for (let o = 0; o < outputs; o++) {
      const factor = read("weight")[o] / Math.sqrt(read("running_var")[o] + eps);
      bias[o] = read("bias")[o] - read("running_mean")[o] * factor;
      for (let i = 0; i < per; i++) weight[o * per + i] = data[o * per + i] * factor;
    }
    layers[layer] = { outputs, inputs, kernel, weight, bias };
  }
  return layers;
}

// ---- the network --------------------------------------------------------------------------------

function runInception({ layers }, module, x) {
  const conv = (part, map) => convolve(layers[`inception${module}.${part}`], map);
  return [
    conv("branch1", x),
    conv("branch2.1", conv("branch2.0", x)),
    conv("branch3.1", conv("branch3.0", x)),
    conv("branch4.1", maxPool(x, 1)),
  ];
}

function runHead({ layers, tensors }, name, map) {
  const x = convolve(layers[`${name}.conv`], averagePool(map, 4)).data;
  const hidden = connect(tensors[`${name}.fc1.weight`], tensors[`${name}.fc1.bias`].data, x);
  const active = hidden.map((value) => Math.max(value, 0));
  return connect(tensors[`${name}.fc2.weight`], tensors[`${name}.fc2.bias`].data, active);
}

/**
 * Run the network on a square image: 3 * size * size values of 0 to 255, channel after channel.
 *
 * Returns the scores (logits), those of the heads after 4a and 4d where there are any, and the
 * outputs of the four branches of every module.
 */
export function runNetwork(network, pixels) {
  const { info, layers, tensors } = network;
  const area = pixels.length / 3, size = Math.sqrt(area);
  const channel = (i) => Math.floor(i / area);
  const data = Float32Array.from(
    pixels, (value, i) => (value / 255 - info.mean[channel(i)]) / info.std[channel(i)],
  );
  let x = { channels: 3, size, data };
  for (const name of ["conv1", "conv2", "conv3"]) x = convolve(layers[name], x);
  x = maxPool(x, 2);
  const branches = {}, heads = {};
  for (const module of MODULES) {
    branches[module] = runInception(network, module, x);
    x = concatenate(branches[module]);
    if (info.heads && module === "4a") heads.aux1 = runHead(network, "aux1", x);
    if (info.heads && module === "4d") heads.aux2 = runHead(network, "aux2", x);
    if (module === "3b" || module === "4e") x = maxPool(x, 2);
  }
  const logits = connect(tensors["fc.weight"], tensors["fc.bias"].data, averagePool(x, 1).data);
  return { logits, ...heads, branches };
}

/** Turn scores into guesses, { label, share }, the most probable first. */
export function rankGuesses(logits, classes) {
  const guesses = softmax(logits).map((share, i) => ({ label: classes[i], share }));
  return guesses.sort((a, b) => b.share - a.share);
}

/**
 * Work out what one position of each branch of a module sees, in pixels of the image.
 *
 * `field` pixels a side; the first position's centre is at `start`, neighbours are `jump` apart.
 */
export function findReceptiveFields(module) {
  let field = 1, jump = 1, start = 0;
  const add = (kernel, stride, padding) => {
    start += jump * ((kernel - 1) / 2 - padding);
    field += (kernel - 1) * jump;
    jump *= stride;
  };
  add(3, 1, 1); // conv1
  add(3, 1, 1); // conv3; the 1x1 conv2 between them changes nothing
  add(3, 2, 0); // the stem's pool
  for (const before of MODULES.slice(0, MODULES.indexOf(module))) {
    add(5, 1, 2); // the widest branch
    if (before === "3b" || before === "4e") add(3, 2, 0);
  }
  const widen = (kernel) => ({ field: field + (kernel - 1) * jump, jump, start });
  return { "1x1": widen(1), "3x3": widen(3), "5x5": widen(5), pool: widen(3) };
}
