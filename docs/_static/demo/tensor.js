// Feature maps and the layers that work on them. A map is { channels, size, data }: its numbers
// stand channel after channel, row after row, in one Float32Array.

// ---- the multiplication, in WebAssembly where there is it ---------------------------------------

let kernel = null; // the compiled kernel.wat; null: plain JavaScript does the work

/** Compile the kernel. Without WebAssembly, or without SIMD, everything still works, more slowly. */
export async function useKernel(bytes) {
  try {
    kernel = (await WebAssembly.instantiate(bytes)).instance.exports;
  } catch {
    kernel = null;
  }
  return kernel !== null;
}

// The kernel's memory: first the weights of all layers, then room for one layer's input and output.
let end = 1024;

function makeRoom(bytes) {
  const missing = end + bytes - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / 65536));
  return end;
}

/** Store a layer's weights in the kernel's memory, those of four output channels side by side. */
function storeWeights({ outputs, inputs, kernel: side, weight, bias }) {
  const per = inputs * side * side;
  const blocks = Math.ceil(outputs / 4);
  const at = makeRoom(blocks * (per + 1) * 16);
  const biases = at + blocks * per * 16;
  const stored = new Float32Array(kernel.memory.buffer, at, blocks * per * 4);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < per; i++) stored[((o >> 2) * per + i) * 4 + (o & 3)] = weight[o * per + i];
  }
  new Float32Array(kernel.memory.buffer, biases, blocks * 4).set(bias);
  end = biases + blocks * 16;
  return { at, biases, blocks, per };
}

/** Write what the kernel reads: for eight positions side by side, the numbers under the window. */
function writeColumns(map, side, out) {
  const { size, channels } = map;
  const { data, size: wide } = pad(map, side >> 1);
  const leap = channels * side * side * 8; // from one group of eight positions to the next
  let number = 0; // which number of the window, times eight
  for (let c = 0; c < channels; c++) {
    for (let v = 0; v < side; v++) {
      for (let u = 0; u < side; u++, number += 8) {
        for (let y = 0, p = 0; y < size; y++) {
          let from = (c * wide + y + v) * wide + u;
          for (let x = 0; x < size; x++, from++, p++) {
            out[(p >> 3) * leap + number + (p & 7)] = data[from];
          }
        }
      }
    }
  }
}

function convolveByKernel(layer, map) {
  const { outputs, kernel: side } = layer;
  const area = map.size * map.size;
  layer.stored ??= storeWeights(layer);
  const { at, biases, blocks, per } = layer.stored;
  const input = makeRoom((per + blocks * 4) * area * 4);
  const output = input + per * area * 4;
  writeColumns(map, side, new Float32Array(kernel.memory.buffer, input, per * area));
  kernel.multiply(at, input, biases, output, blocks, per, area);
  return new Float32Array(kernel.memory.buffer, output, outputs * area).slice();
}

function convolvePlainly({ outputs, inputs, kernel: side, weight, bias }, map) {
  const { size } = map;
  const { data, size: wide } = pad(map, side >> 1);
  const out = new Float32Array(outputs * size * size);
  for (let o = 0; o < outputs; o++) {
    const channel = out.subarray(o * size * size, (o + 1) * size * size).fill(bias[o]);
    for (let c = 0, i = o * inputs * side * side; c < inputs; c++) {
      for (let v = 0; v < side; v++) {
        for (let u = 0; u < side; u++, i++) {
          const w = weight[i];
          for (let y = 0, p = 0; y < size; y++) {
            let from = (c * wide + y + v) * wide + u;
            for (let x = 0; x < size; x++, p++, from++) channel[p] += w * data[from];
          }
        }
      }
    }
  }
  return out.map((value) => Math.max(value, 0));
}

// ---- the layers ---------------------------------------------------------------------------------

/** A convolution of stride 1 whose padding keeps the size, and a ReLU after it. */
export function convolve(layer, map) {
  const fits = kernel && (map.size * map.size) % 8 === 0; // it takes eight positions at a time
  const data = fits ? convolveByKernel(layer, map) : convolvePlainly(layer, map);
  return { channels: layer.outputs, size: map.size, data };
}

/** A border of `by` positions around every channel, filled with one number. */
function pad(map, by, fill = 0) {
  if (by === 0) return map;
  const { channels, size, data } = map;
  const wide = size + 2 * by;
  const out = new Float32Array(channels * wide * wide).fill(fill);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < size; y++) {
      const row = data.subarray((c * size + y) * size, (c * size + y + 1) * size);
      out.set(row, (c * wide + y + by) * wide + by);
    }
  }
  return { channels, size: wide, data: out };
}

/** A 3x3 max pool. With stride 2, its last window may hang over the end (ceil mode). */
export function maxPool(map, stride) {
  const { channels, size } = map;
  const padding = stride === 1 ? 1 : 0;
  const to = stride === 1 ? size : Math.ceil((size - 3) / stride) + 1;
  const { data, size: wide } = pad(map, 1, -Infinity);
  const out = new Float32Array(channels * to * to);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < to; y++) {
      for (let x = 0; x < to; x++) {
        const corner = (c * wide + y * stride + 1 - padding) * wide + x * stride + 1 - padding;
        let most = data[corner];
        for (let row = corner; row <= corner + 2 * wide; row += wide) {
          if (data[row] > most) most = data[row];
          if (data[row + 1] > most) most = data[row + 1];
          if (data[row + 2] > most) most = data[row + 2];
        }
        out[at++] = most;
      }
    }
  }
  return { channels, size: to, data: out };
}

/** Stack maps along the channels. */
export function concatenate(maps) {
  const { size } = maps[0];
  const channels = maps.reduce((sum, map) => sum + map.channels, 0);
  const data = new Float32Array(channels * size * size);
  let at = 0;
  for (const map of maps) {
    data.set(map.data, at);
    at += map.data.length;
  }
  return { channels, size, data };
}

/** Average each channel down to `side` by `side` positions. */
export function averagePool({ channels, size, data }, side) {
  const out = new Float32Array(channels * side * side);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const y0 = Math.floor((y * size) / side), y1 = Math.ceil(((y + 1) * size) / side);
        const x0 = Math.floor((x * size) / side), x1 = Math.ceil(((x + 1) * size) / side);
        let sum = 0;
        for (let v = y0; v < y1; v++) {
          for (let u = x0; u < x1; u++) sum += data[(c * size + v) * size + u];
        }
        out[(c * side + y) * side + x] = sum / ((y1 - y0) * (x1 - x0));
      }
    }
  }
  return { channels, size: side, data: out };
}

/** A fully connected layer: every input value goes to every output value. */
export function connect({ shape: [outputs, inputs], data }, bias, x) {
  return Float32Array.from({ length: outputs }, (_, o) => {
    let sum = bias[o];
    for (let i = 0; i < inputs; i++) sum += data[o * inputs + i] * x[i];
    return sum;
  });
}

/** Turn scores into shares that sum to 1. */
export function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
