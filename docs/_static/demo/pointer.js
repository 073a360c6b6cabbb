// Moving a place in an image with a mouse, a finger or keys.

/**
 * Call `move(x, y)`, in pixels of an image of `size`, while a pointer is dragged over its canvas.
 *
 * Arrow keys move on by a pixel from where `place()` says; plus and minus call `grow(1)` and
 * `grow(-1)`.
 */
export function listenToPointer(canvas, size, { place, move, grow }) {
  const moveWithin = (x, y) => move(...[x, y].map((value) => Math.min(size, Math.max(0, value))));
  const follow = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    moveWithin(x * size, y * size);
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
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    if (event.key in steps) {
      event.preventDefault();
      moveWithin(place()[0] + steps[event.key][0], place()[1] + steps[event.key][1]);
    } else if (event.key === "+" || event.key === "-") {
      grow(event.key === "+" ? 1 : -1);
    }
  });
}
