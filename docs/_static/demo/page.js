// The page around the network: an image that you choose or move, and what the network makes of it.
import { oneAtATime } from "../explorers/turns.js";
import { ask } from "./ask.js";
import { BRANCHES, MODULES } from "./network.js";
import { openPhotograph, startCamera, stopCamera, takeFrame } from "./photograph.js";
import { SHAPES, drawShape } from "./picture.js";
import { listenToPointer } from "./pointer.js";
import {
  clearAnswer, fail, find, showAnswer, showBranches, showImage, showLoading,
} from "./show.js";

const SIZE = 32;

const state = {
  pixels: null, // of a picture; null: an object is drawn
  shape: "circle",
  radius: 8,
  place: [16, 16], // where the pointer is, in pixels of the image
  module: "3a",
  branch: "5x5", // whose channels are shown
};
let answer = null; // what the network that is asked said last

const pickNetwork = () => (state.pixels ? "cifar10" : "shapes");
const pickPixels = () => state.pixels ?? drawShape(state.shape, ...state.place, state.radius);

/** Show what a network says now; nothing, if meanwhile it is the other one that is asked. */
async function showAnswerOf(name) {
  const isAsked = () => name === pickNetwork();
  if (!isAsked()) return;
  try {
    const told = await ask(name, pickPixels(), (share) => isAsked() && showLoading(share));
    if (!isAsked()) return;
    ({ answer } = told);
    showAnswer(told);
    showBranches(answer, state);
  } catch (error) {
    if (isAsked()) fail(error.message);
  }
}

// each in turns of its own: while one is loaded, the other answers
const turns = {
  shapes: oneAtATime(() => showAnswerOf("shapes")),
  cifar10: oneAtATime(() => showAnswerOf("cifar10")),
};

function update() {
  showImage(pickPixels(), state.module, state.place);
  return turns[pickNetwork()]();
}

function change(changes) {
  const before = pickNetwork();
  Object.assign(state, changes);
  if (pickNetwork() !== before) {
    answer = null; // it is of another image
    clearAnswer();
  }
  return update();
}

// ---- pictures -----------------------------------------------------------------------------------

let choices = 0; // the last of them is shown, however long one before it takes to be read

/** Show the network a picture that `read()` gets, or say why there is none. */
async function take(read) {
  const mine = ++choices;
  try {
    const pixels = await read();
    if (mine === choices) await change({ pixels });
  } catch (error) {
    if (mine === choices) fail(error.message);
  }
}

const takeFile = ([file]) => file && take(() => openPhotograph(file));

function listenToFiles() {
  for (const button of document.querySelectorAll(".demo-samples button")) {
    const { src } = button.querySelector("img");
    const open = async () => openPhotograph(await (await fetch(src)).blob());
    button.addEventListener("click", () => take(open));
  }
  find("file").addEventListener("input", (event) => {
    takeFile([...event.target.files]);
    event.target.value = ""; // the same file may be chosen again
  });
  find("root").addEventListener("dragover", (event) => event.preventDefault());
  find("root").addEventListener("drop", (event) => {
    event.preventDefault();
    takeFile(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => takeFile(event.clipboardData?.files ?? []));
}

function listenToCamera() {
  const video = find("video");
  const show = (live) => {
    find("camera").hidden = live;
    find("camera-live").hidden = !live;
  };
  const end = () => {
    stopCamera(video);
    show(false);
    find("camera").focus();
  };
  if (navigator.mediaDevices) show(false); // where there can be no camera, there is no button
  find("camera").addEventListener("click", async () => {
    find("camera").disabled = true; // a second stream could not be stopped
    try {
      await startCamera(video);
      show(true);
      find("camera-take").focus();
    } catch (error) {
      fail(error.message);
    } finally {
      find("camera").disabled = false;
      if (!find("camera").hidden) find("camera").focus();
    }
  });
  find("camera-take").addEventListener("click", () => {
    take(() => takeFrame(video));
    end();
  });
  find("camera-stop").addEventListener("click", end);
}

// ---- controls -----------------------------------------------------------------------------------

function listenToControls() {
  for (const name of Object.keys(SHAPES)) find("shape").append(new Option(name, name));
  const drawObject = () => {
    choices++;
    change({ pixels: null, shape: find("shape").value, radius: Number(find("radius").value) });
  };
  find("shape").addEventListener("input", drawObject);
  find("radius").addEventListener("input", drawObject);
  for (const name of MODULES) find("module").append(new Option(name, name));
  find("module").addEventListener("input", () => change({ module: find("module").value }));
  const buttons = BRANCHES.map((branch) => find(`branch-${branch}`).parentElement);
  buttons.forEach((button, b) => {
    button.addEventListener("click", () => {
      state.branch = BRANCHES[b];
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      if (answer) showBranches(answer, state);
    });
  });
  listenToPointer(find("image"), SIZE, {
    place: () => state.place,
    move: (...place) => change({ place }),
    grow: (steps) => {
      if (steps > 0) find("radius").stepUp();
      else find("radius").stepDown();
      drawObject();
    },
  });
}

// ---- beginning ----------------------------------------------------------------------------------

function begin() {
  find("start").hidden = true;
  find("live").hidden = false;
  listenToControls();
  listenToFiles();
  listenToCamera();
  update();
}

if (find("root")) {
  find("start-button").addEventListener("click", () => {
    begin();
    find("image").focus(); // the button that had the focus is gone
  });
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
