// The page around the network: an image that you choose or move, and what the network makes of it.
import { BRANCHES, MODULES, findReceptiveFields, softmax } from "./network.js";
import { SHAPES, drawShape, fitImage } from "./picture.js";

const SIZE = 32;
const COLOURS = { "1x1": "#0072B2", "3x3": "#E69F00", "5x5": "#009E73", pool: "#CC79A7" };
const PAPER = 252; // the grey of the figures' ground
const MOST_BYTES = 40e6, MOST_PIXELS = 67e6;
const find = (id) => document.getElementById(`demo-${id}`);

const state = {
  pixels: null, // of a picture; null: an object is drawn
  shape: "circle",
  radius: 8,
  at: [16, 16], // where the pointer is, in pixels of the image
  module: "3a",
  branch: "5x5", // whose channels are shown
};
let worker = null, answer = null, classes = [], busy = false, again = false, speaking = 0;

// ---- asking the network --------------------------------------------------------------------------

const waiting = new Map();

function ask(name, pixels) {
  worker ??= startWorker();
  const id = waiting.size ? Math.max(...waiting.keys()) + 1 : 1;
  const plain = new URLSearchParams(location.search).has("plain");
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, name, pixels, plain });
  });
}

function startWorker() {
  const made = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  made.onmessage = ({ data }) => {
    if ("loading" in data) {
      find("bar").hidden = false;
      find("bar").value = data.loading;
      return;
    }
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) reject(new Error(data.error));
    else resolve(data);
  };
  made.onerror = () => fail("This browser could not start the network.");
  return made;
}

async function update() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    do {
      again = false;
      const pixels = state.pixels ?? drawShape(state.shape, ...state.at, state.radius);
      showImage(pixels);
      const data = await ask(state.pixels ? "cifar10" : "shapes", pixels);
      ({ answer, classes } = data);
      showAnswer(data.milliseconds);
    } while (again);
  } catch (error) {
    fail(error.message);
  } finally {
    busy = false;
  }
}

function fail(message) {
  find("bar").hidden = true;
  find("status").textContent = message;
}

// ---- showing -------------------------------------------------------------------------------------

function showImage(pixels) {
  const image = new ImageData(SIZE, SIZE);
  for (let p = 0; p < SIZE * SIZE; p++) {
    for (let c = 0; c < 3; c++) image.data[4 * p + c] = pixels[c * SIZE * SIZE + p];
    image.data[4 * p + 3] = 255;
  }
  const small = document.createElement("canvas");
  small.width = small.height = SIZE;
  small.getContext("2d").putImageData(image, 0, 0);
  const canvas = find("image"), draw = canvas.getContext("2d"), scale = canvas.width / SIZE;
  draw.imageSmoothingEnabled = false;
  draw.drawImage(small, 0, 0, canvas.width, canvas.height);
  const fields = findReceptiveFields(state.module);
  for (const branch of BRANCHES) {
    const { field } = fields[branch];
    const [x, y] = findPosition(fields[branch]).map((i) => fields[branch].start + i * fields[branch].jump);
    const square = [(x + 0.5 - field / 2) * scale, (y + 0.5 - field / 2) * scale, field * scale, field * scale];
    draw.setLineDash(branch === "pool" ? [8, 8] : []); // the pool sees as far as the 3x3
    draw.strokeStyle = "#fff";
    draw.lineWidth = 5;
    if (branch !== "pool") draw.strokeRect(...square);
    draw.strokeStyle = COLOURS[branch];
    draw.lineWidth = 3;
    draw.strokeRect(...square);
  }
}

/** Find the position of the module's maps whose receptive field is centred nearest the pointer. */
function findPosition({ jump, start }) {
  const last = Math.floor((SIZE - 1) / jump);
  return state.at.map((at) => Math.min(last, Math.max(0, Math.round((at - 0.5 - start) / jump))));
}

function showAnswer(milliseconds) {
  find("bar").hidden = true;
  const shares = softmax(answer.logits);
  const best = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, 5);
  find("guesses").replaceChildren(...best.map((i) => makeBar(classes[i], shares[i])));
  showHeads();
  showBranches();
  find("speed").textContent = `${milliseconds.toFixed(0)} ms on your machine. Nothing leaves it.`;
  clearTimeout(speaking); // a screen reader hears where a movement ends, and no more
  speaking = setTimeout(() => {
    const words = best.map((i) => `${classes[i]} ${toPercent(shares[i])}`).join(", ");
    find("status").textContent = `The network says: ${words}.`;
  }, 600);
}

function makeBar(label, share) {
  const row = document.createElement("li");
  const bar = document.createElement("span"), name = document.createElement("span");
  const number = document.createElement("span");
  bar.className = "demo-bar";
  bar.style.setProperty("--share", share);
  bar.setAttribute("aria-hidden", "true");
  name.textContent = label;
  number.textContent = toPercent(share);
  row.append(name, bar, number);
  return row;
}

const toPercent = (share) => `${Math.round(100 * share)}%`;

function showHeads() {
  const say = (logits) => {
    const shares = softmax(logits), i = shares.indexOf(Math.max(...shares));
    return `${classes[i]} ${toPercent(shares[i])}`;
  };
  find("heads").textContent = answer.aux1
    ? `An early exit after 4a would say ${say(answer.aux1)}, after 4d ${say(answer.aux2)}. ` +
      `The end of the network says ${say(answer.logits)}.`
    : "";
}

function showBranches() {
  const fields = findReceptiveFields(state.module);
  answer.branches[state.module].forEach((map, b) => {
    const branch = BRANCHES[b], area = map.size * map.size;
    const mean = new Float32Array(area);
    for (let c = 0; c < map.channels; c++) {
      for (let i = 0; i < area; i++) mean[i] += map.data[c * area + i] / map.channels;
    }
    paint(find(`branch-${branch}`), [mean], map.size, COLOURS[branch], fields[branch]);
    const { field } = fields[branch];
    const whole = field >= 2 * SIZE ? ", the whole image" : "";
    find(`field-${branch}`).textContent = `sees ${field} px${whole}`;
    if (branch === state.branch) showChannels(map, branch);
  });
}

/** Show every channel of one branch as a small map. */
function showChannels(map, branch) {
  const area = map.size * map.size;
  const channels = Array.from(
    { length: map.channels }, (_, c) => map.data.subarray(c * area, (c + 1) * area),
  );
  paint(find("channels"), channels, map.size, COLOURS[branch]);
  find("channels-title").textContent =
    `The ${map.channels} channels of the ${branch.replace("x", "×")} branch of ${state.module}`;
  find("channels").setAttribute("aria-label", find("channels-title").textContent);
}

/** Paint maps side by side, from paper for 0 to the branch's colour for the largest value. */
function paint(canvas, maps, size, colour, field = null) {
  const columns = Math.ceil(Math.sqrt(maps.length * 2)) - (maps.length === 1 ? 1 : 0);
  const gap = maps.length === 1 ? 0 : Math.max(1, Math.round(size / 8));
  const rows = Math.ceil(maps.length / columns);
  const width = columns * (size + gap) - gap, height = rows * (size + gap) - gap;
  const full = colour.match(/\w\w/g).map((hex) => parseInt(hex, 16));
  const image = new ImageData(width, height); // transparent between the maps
  maps.forEach((map, m) => {
    const most = Math.max(...map) || 1;
    const left = (m % columns) * (size + gap), top = Math.floor(m / columns) * (size + gap);
    for (let i = 0; i < map.length; i++) {
      const at = 4 * ((top + Math.floor(i / size)) * width + left + (i % size));
      full.forEach((value, c) => (image.data[at + c] = PAPER + (value - PAPER) * (map[i] / most)));
      image.data[at + 3] = 255;
    }
  });
  canvas.width = width;
  canvas.height = height;
  const draw = canvas.getContext("2d");
  draw.putImageData(image, 0, 0);
  if (field) {
    const [x, y] = findPosition(field);
    draw.strokeStyle = "#222";
    draw.lineWidth = Math.max(size / 40, 0.3);
    draw.strokeRect(x, y, 1, 1);
  }
}

// ---- pictures ------------------------------------------------------------------------------------

async function take(file) {
  const name = file.name ?? "This picture";
  if (file.size > MOST_BYTES) return fail(`${name} has ${Math.round(file.size / 1e6)} MB; choose one below 40 MB.`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    const apple = /\.hei[cf]$/i.test(name) ? " Photographs in HEIC must be saved as JPEG first." : "";
    return fail(`${name} is no picture that this browser can read.${apple}`);
  }
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) return fail(`${name} has ${width} × ${height} pixels; that is too large.`);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const draw = canvas.getContext("2d", { willReadFrequently: true });
  draw.fillStyle = "#fff"; // below transparent pixels
  draw.fillRect(0, 0, width, height);
  draw.drawImage(bitmap, 0, 0);
  state.pixels = fitImage(draw.getImageData(0, 0, width, height), SIZE);
  return update();
}

async function takeSample(button) {
  const response = await fetch(button.querySelector("img").src);
  await take(await response.blob());
}

// ---- controls ------------------------------------------------------------------------------------

function listen() {
  for (const name of Object.keys(SHAPES)) find("shape").append(new Option(name, name));
  const drawObject = () => {
    Object.assign(state, { pixels: null, shape: find("shape").value, radius: Number(find("radius").value) });
    update();
  };
  find("shape").addEventListener("input", drawObject);
  find("radius").addEventListener("input", drawObject);
  for (const name of MODULES) find("module").append(new Option(name, name));
  find("module").addEventListener("input", () => {
    state.module = find("module").value;
    update();
  });
  for (const branch of BRANCHES) {
    find(`branch-${branch}`).parentElement.addEventListener("click", () => {
      state.branch = branch;
      for (const other of BRANCHES) {
        find(`branch-${other}`).parentElement.setAttribute("aria-pressed", String(other === branch));
      }
      if (answer) showBranches();
    });
  }
  for (const button of document.querySelectorAll(".demo-samples button")) {
    button.addEventListener("click", () => takeSample(button));
  }
  find("file").addEventListener("input", (event) => {
    const [file] = event.target.files;
    if (file) take(file);
    event.target.value = ""; // the same file may be chosen again
  });
  const demo = find("root");
  demo.addEventListener("dragover", (event) => event.preventDefault());
  demo.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (file) take(file);
  });
  listenToPointer();
}

function listenToPointer() {
  const canvas = find("image");
  const move = (x, y) => {
    state.at = [x, y].map((value) => Math.min(SIZE, Math.max(0, value)));
    update();
  };
  const follow = (event) => {
    const box = canvas.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) follow(event);
  });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key in steps) {
      event.preventDefault();
      move(state.at[0] + steps[event.key][0], state.at[1] + steps[event.key][1]);
    } else if (event.key === "+" || event.key === "-") {
      const radius = find("radius");
      if (event.key === "+") radius.stepUp();
      else radius.stepDown();
      radius.dispatchEvent(new Event("input"));
    }
  });
}

// ---- beginning -----------------------------------------------------------------------------------

function begin() {
  find("start").hidden = true;
  find("live").hidden = false;
  listen();
  update();
}

if (find("root")) {
  find("start-button").addEventListener("click", begin);
  const saves = navigator.connection?.saveData;
  if (!saves && "IntersectionObserver" in window) {
    // the network is loaded when the demo comes into view, and not before
    const watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watcher.disconnect();
        if (!find("start").hidden) begin();
      }
    });
    watcher.observe(find("root"));
  }
}
