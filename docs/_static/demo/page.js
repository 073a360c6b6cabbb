// The page around the network: an image that you choose or move, and what the network makes of it.
import { oneAtATime } from "../explorers/turns.js";
import { ask } from "./ask.js";
import { BRANCHES, MODULES } from "./network.js";
import { openPhotograph, startCamera, stopCamera, takeFrame } from "./photograph.js";
import { SHAPES, drawShape } from "./picture.js";
import { listenToPointer } from "./pointer.js";
import { fail, find, showAnswer, showBranches, showImage, showLoading } from "./show.js";

const SIZE = 32;

const state = {
  pixels: null, // of a picture; null: an object is drawn
  shape: "circle",
  radius: 8,
  place: [16, 16], // where the pointer is, in pixels of the image
  module: "3a",
  branch: "5x5", // whose channels are shown
};
let answer = null; // the network's last one

const update = oneAtATime(async () => {
  const pixels = state.pixels ?? drawShape(state.shape, ...state.place, state.radius);
  showImage(pixels, state.module, state.place);
  try {
    const told = await ask(state.pixels ? "cifar10" : "shapes", pixels, showLoading);
    ({ answer } = told);
    showAnswer(told);
    showBranches(answer, state);
  } catch (error) {
    fail(error.message);
  }
});

function change(changes) {
  Object.assign(state, changes);
  return update();
}

// ---- pictures -----------------------------------------------------------------------------------

/** Show the network a picture that `read()` gets, or say why there is none. */
async function take(read) {
  try {
    await change({ pixels: await read() });
  } catch (error) {
    fail(error.message);
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
    try {
      await startCamera(video);
      show(true);
      find("camera-take").focus();
    } catch (error) {
      fail(error.message);
    }
  });
  find("camera-take").addEventListener("click", () => {
    const pixels = takeFrame(video);
    end();
    change({ pixels });
  });
  find("camera-stop").addEventListener("click", end);
}

// ---- controls -----------------------------------------------------------------------------------

function listenToControls() {
  for (const name of Object.keys(SHAPES)) find("shape").append(new Option(name, name));
  const drawObject = () =>
    change({ pixels: null, shape: find("shape").value, radius: Number(find("radius").value) });
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
