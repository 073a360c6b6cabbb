// Runs the demo's network on images that come as JSON, and prints how far it is from PyTorch.
//   node engine.mjs DEMO_FOLDER WEIGHTS IMAGES.json [plain]
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, weights, images, plain] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const { useKernel } = await load("tensor.js");
const { parseWeights, runNetwork, findReceptiveFields, BRANCHES } = await load("network.js");
if (!plain && !(await useKernel(readFileSync(`${folder}/kernel.wasm`)))) throw new Error("no kernel");

const file = readFileSync(weights);
const network = parseWeights(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
let furthest = 0;
for (const { pixels, outputs, branches } of JSON.parse(readFileSync(images))) {
  const answer = runNetwork(network, Float32Array.from(pixels));
  const pairs = Object.entries(outputs).map(([name, expected]) => [answer[name], expected]);
  for (const [module, maps] of Object.entries(branches)) {
    BRANCHES.forEach((branch, b) => pairs.push([answer.branches[module][b].data, maps[branch]]));
  }
  for (const [got, expected] of pairs) {
    if (got.length !== expected.length) throw new Error(`${got.length} values for ${expected.length}`);
    expected.forEach((value, i) => (furthest = Math.max(furthest, Math.abs(value - got[i]))));
  }
}
const fields = Object.fromEntries(["3a", "4c", "5b"].map((m) => [m, findReceptiveFields(m)]));
console.log(JSON.stringify({ furthest, fields }));
