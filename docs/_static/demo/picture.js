// Images of 32x32: from a photograph, resized as Pillow does it, or drawn.

const ONE = 2 ** 22;

/**
 * Cut the middle square of an image and resize it, as Pillow's ImageOps.fit(..., BILINEAR) does.
 *
 * A canvas's own drawImage blurs less, and gives other labels. Each pixel is a weighted mean, by a
 * triangle as wide as the scale, first along the rows, then along the columns, and both times
 * rounded to a byte. Weights are whole numbers of 1 / ONE, as Pillow's are, so that halves round
 * alike. `image` is an ImageData; returns 3 * size * size values of 0 to 255.
 */
export function fitImage({ width, height, data }, size) {
  const side = Math.min(width, height);
  const across = makeTaps(width, (width - side) / 2, side, size);
  const down = makeTaps(height, (height - side) / 2, side, size);
  const rows = new Uint8ClampedArray(3 * size * height);
  const out = new Float32Array(3 * size * size);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < size; x++) {
      const { first, taps } = across[x];
      for (let c = 0; c < 3; c++) {
        let sum = ONE / 2;
        for (let k = 0; k < taps.length; k++) {
          sum += taps[k] * data[(y * width + first + k) * 4 + c];
        }
        rows[(c * height + y) * size + x] = Math.floor(sum / ONE);
      }
    }
  }
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      const { first, taps } = down[y];
      for (let x = 0; x < size; x++) {
        let sum = ONE / 2;
        for (let k = 0; k < taps.length; k++) {
          sum += taps[k] * rows[(c * height + first + k) * size + x];
        }
        out[(c * size + y) * size + x] = Math.min(255, Math.floor(sum / ONE));
      }
    }
  }
  return out;
}

function makeTaps(length, start, side, size) {
  const scale = side / size, support = Math.max(scale, 1);
  return Array.from({ length: size }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(length, Math.trunc(centre + support + 0.5));
    const taps = Array.from(
      { length: last - first },
      (_, k) => Math.max(0, 1 - Math.abs((first + k + 0.5 - centre) / support)),
    );
    const sum = taps.reduce((a, b) => a + b);
    return { first, taps: taps.map((tap) => Math.floor(0.5 + (tap / sum) * ONE)) };
  });
}

// ---- drawn objects ------------------------------------------------------------------------------

const { abs, max, min, hypot, PI } = Math;

/** Signed distances of a shape of radius 1, as googlenet_lib.data.shapes has them. */
export const SHAPES = {
  circle: (u, v) => hypot(u, v) - 1,
  ring: (u, v) => abs(hypot(u, v) - 0.75) - 0.25,
  square: (u, v) => max(abs(u), abs(v)) - 0.85,
  frame: (u, v) => abs(max(abs(u), abs(v)) - 0.65) - 0.2,
  triangle: (u, v) => max((Math.sqrt(3) / 2) * abs(u) - 0.5 * v, v) - 0.5,
  diamond: (u, v) => 0.5 * (abs(u) / 0.6 + abs(v) - 1),
  plus: (u, v) => min(max(abs(u) - 0.3, abs(v) - 1), max(abs(v) - 0.3, abs(u) - 1)),
  star: (u, v) => {
    const fifth = (2 * PI) / 5;
    const angle = ((Math.atan2(u, -v) % fifth) + fifth) % fifth;
    return 0.6 * (hypot(u, v) - (1 - (0.6 * min(angle, fifth - angle)) / (fifth / 2)));
  },
  crescent: (u, v) => max(hypot(u, v) - 1, 0.8 - hypot(u - 0.5, v)),
  hourglass: (u, v) => max(0.75 * (abs(u) - 0.9 * abs(v) - 0.05), abs(v) - 0.9),
};

const PLAIN = {
  object: [0.95, 0.75, 0.2],
  ground: [0.1, 0.2, 0.35],
  tilt: 0, // of the object; angles are in radians
  stripes: { angle: Math.atan2(0.6, 0.8), wavelength: 5, phase: 0 },
  noise: null, // or a value for each of the 3 * size * size
};

/** Draw a striped shape with its centre at (x, y): 3 * size * size values of 0 to 255. */
export function drawShape(name, x, y, radius, look = PLAIN, size = 32) {
  const { object, ground, tilt, stripes, noise } = look;
  const turn = ([u, v], angle) => [
    u * Math.cos(angle) - v * Math.sin(angle),
    u * Math.sin(angle) + v * Math.cos(angle),
  ];
  const out = new Float32Array(3 * size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const from = [column + 0.5 - x, row + 0.5 - y];
      const [u, v] = turn(from, tilt).map((length) => length / radius);
      const coverage = min(1, max(0, 0.5 - SHAPES[name](u, v) * radius));
      const along = turn(from, -stripes.angle)[0] / stripes.wavelength + stripes.phase;
      const stripe = 0.15 * Math.sin(2 * PI * along);
      for (let c = 0; c < 3; c++) {
        const at = (c * size + row) * size + column;
        const value = ground[c] + (object[c] + stripe - ground[c]) * coverage + (noise?.[at] ?? 0);
        out[at] = Math.round(255 * min(1, max(0, value)));
      }
    }
  }
  return out;
}
