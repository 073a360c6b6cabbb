// The network's own thread: the page stays quick while it computes.
import { parseWeights, runNetwork } from "./network.js";
import { useKernel } from "./tensor.js";

const networks = {};
let kernel = null;

/** Fetch a file, and tell the page how much of it has come. */
async function download(name, tell) {
  try {
    const response = await fetch(new URL(name, import.meta.url));
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await readAll(response, tell);
  } catch (error) {
    throw new Error(`${name} could not be loaded (${error.message}).`);
  }
}

async function readAll(response, tell) {
  const total = Number(response.headers.get("content-length")) || 0;
  const parts = [];
  let bytes = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
    tell(total ? bytes / total : 0);
  }
  return new Blob(parts).arrayBuffer();
}

self.onmessage = async ({ data: { id, name, pixels, plain } }) => {
  try {
    const tell = (share) => self.postMessage({ id, loading: share });
    if (!plain) kernel ??= download("kernel.wasm", () => {}).then(useKernel).catch(() => false);
    networks[name] ??= download(`${name}.safetensors`, tell).then(parseWeights);
    const network = await networks[name];
    const compiled = (await kernel) ?? false;
    const start = performance.now();
    const answer = runNetwork(network, pixels);
    const milliseconds = performance.now() - start;
    const { classes } = network.info;
    self.postMessage({ id, answer, classes, milliseconds, kernel: compiled });
  } catch (error) {
    delete networks[name]; // another try loads it anew
    self.postMessage({ id, error: error.message });
  }
};
