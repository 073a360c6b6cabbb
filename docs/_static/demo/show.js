// What the page shows of an image and of the network's answer.
import { percent } from "../explorers/words.js";
import {
  averageChannels, copyTo, outlineFields, paintChannels, paintImage, paintMap,
} from "./maps.js";
import { BRANCHES, findReceptiveFields, rankGuesses } from "./network.js";

const SIZE = 32;
const QUIET = 600; // milliseconds after which a movement has ended

export const find = (id) => document.getElementById(`demo-${id}`);

/** Say what went wrong. */
export function fail(message) {
  clearTimeout(speaking);
  find("bar").hidden = true;
  find("status").textContent = message;
}

export function showLoading(share) {
  find("bar").hidden = false;
  find("bar").value = share;
}

// ---- the image ----------------------------------------------------------------------------------

/** Show the image, and on it what each branch of a module sees near a place. */
export function showImage(pixels, module, place) {
  const canvas = find("image"), draw = canvas.getContext("2d"), scale = canvas.width / SIZE;
  draw.imageSmoothingEnabled = false;
  draw.drawImage(paintImage(pixels, SIZE), 0, 0, canvas.width, canvas.height);
  const squares = {};
  for (const [branch, window] of Object.entries(findReceptiveFields(module))) {
    const { field, jump, start } = window;
    const corner = findPosition(window, place).map((i) => start + i * jump + 0.5 - field / 2);
    squares[branch] = [...corner, field, field].map((length) => length * scale);
  }
  outlineFields(draw, squares);
}

/** Find the position of the module's maps whose receptive field is centred nearest a place. */
function findPosition({ jump, start }, place) {
  const last = Math.floor((SIZE - 1) / jump);
  return place.map((at) => Math.min(last, Math.max(0, Math.round((at - 0.5 - start) / jump))));
}

// ---- what the network says ----------------------------------------------------------------------

const GUESSES = 5; // shown

const nameGuess = ({ label, share }) => `${label} ${percent(share)}`;

let speaking = 0;

export function showAnswer({ answer, classes, milliseconds, kernel }) {
  find("bar").hidden = true;
  const best = rankGuesses(answer.logits, classes).slice(0, GUESSES);
  find("guesses").replaceChildren(...best.map(makeBar));
  showHeads(answer, classes);
  const plainly = kernel ? "" : ", in plain JavaScript because there is no WebAssembly";
  find("speed").textContent =
    `${milliseconds.toFixed(0)} ms on your machine${plainly}. Nothing leaves it.`;
  clearTimeout(speaking); // a screen reader hears where a movement ends, and no more
  speaking = setTimeout(() => {
    find("status").textContent = `The network says: ${best.map(nameGuess).join(", ")}.`;
  }, QUIET);
}

/** Take away what was said of another image. */
export function clearAnswer() {
  clearTimeout(speaking);
  find("bar").hidden = true;
  for (const name of ["guesses", "heads", "speed", "status"]) find(name).replaceChildren();
}

function makeBar({ label, share }) {
  const row = document.createElement("li");
  const [name, bar, number] = ["span", "span", "span"].map((tag) => document.createElement(tag));
  bar.className = "demo-bar";
  bar.style.setProperty("--share", share);
  bar.setAttribute("aria-hidden", "true");
  name.textContent = label;
  number.textContent = percent(share);
  row.append(name, bar, number);
  return row;
}

function showHeads({ aux1, aux2, logits }, classes) {
  const say = (scores) => nameGuess(rankGuesses(scores, classes)[0]);
  find("heads").textContent = aux1
    ? `An early exit after 4a would say ${say(aux1)}, after 4d ${say(aux2)}. ` +
      `The end of the network says ${say(logits)}.`
    : "";
}

// ---- the branches -------------------------------------------------------------------------------

/** Show the map of each branch of a module, and every channel of the one that is chosen. */
export function showBranches({ branches }, { module, branch: chosen, place }) {
  const fields = findReceptiveFields(module);
  branches[module].forEach((map, b) => {
    const branch = BRANCHES[b], mean = averageChannels(map), canvas = find(`branch-${branch}`);
    copyTo(canvas, paintMap(mean, map.size, branch));
    markPosition(canvas, findPosition(fields[branch], place));
    const { field } = fields[branch];
    const whole = field >= 2 * SIZE ? ", the whole image" : "";
    find(`field-${branch}`).textContent = `sees ${field} px${whole}`;
    if (branch === chosen) showChannels(map, branch, module);
  });
}

function markPosition(canvas, [x, y]) {
  const draw = canvas.getContext("2d");
  draw.strokeStyle = "#222";
  draw.lineWidth = Math.max(canvas.width / 40, 0.3);
  draw.strokeRect(x, y, 1, 1);
}

function showChannels({ channels, size, data }, branch, module) {
  const area = size * size;
  const each = Array.from({ length: channels }, (_, c) => data.subarray(c * area, (c + 1) * area));
  const title = `The ${channels} channels of the ${branch.replace("x", "×")} branch of ${module}`;
  copyTo(find("channels"), paintChannels(each, size, branch));
  find("channels-title").textContent = title;
  find("channels").setAttribute("aria-label", title);
}
