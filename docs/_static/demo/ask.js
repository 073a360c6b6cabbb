// Asking the network, which computes in a thread of its own: worker.js.

let worker = null, asked = 0;
const waiting = new Map(); // questions that have no answer yet, by number

/**
 * Ask a network, "cifar10" or "shapes", what it makes of an image, 3 * size * size values of 0 to
 * 255.
 *
 * The first question loads its weights; `tell(share)` hears how much of them has come. Returns
 * { answer, classes, milliseconds, kernel }; without WebAssembly, `kernel` is false.
 */
export function ask(name, pixels, tell = () => {}) {
  worker ??= startWorker();
  const id = ++asked;
  const plain = new URLSearchParams(location.search).has("plain");
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, tell });
    worker.postMessage({ id, name, pixels, plain });
  });
}

function startWorker() {
  const made = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  made.onmessage = ({ data: { id, loading, error, ...answer } }) => {
    const { resolve, reject, tell } = waiting.get(id);
    if (loading !== undefined) return tell(loading);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(answer);
  };
  made.onerror = () => {
    for (const { reject } of waiting.values()) {
      reject(new Error("This browser could not start the network."));
    }
    waiting.clear();
    worker = null;
  };
  return made;
}
