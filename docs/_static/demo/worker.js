// The network's own thread: the page stays quick while it computes.
import { parseWeights, runNetwork } from "./network.js";
import { useKernel } from "./tensor.js";

const networks = {};
let kernel = null;

/** Fetch a file, and tell the page how much of it has come. */
async function download(name, tell) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} could not be loaded (${response.status}).`);
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
    await kernel;
    const start = performance.now();
    const answer = runNetwork(network, pixels);
    const milliseconds = performance.now() - start;
    self.postMessage({ id, answer, milliseconds, classes: network.info.classes });
  } catch (error) {
    delete networks[name]; // another try loads it anew
    self.postMessage({ id, error: error.message });
  }
};
