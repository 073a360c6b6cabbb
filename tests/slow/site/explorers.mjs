// Prints the words of an explorer that asks the network, for states that come as JSON.
//   node explorers.mjs STATIC_FOLDER WEIGHTS_FOLDER NAME STATES.json
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, weights, name, states] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${folder}/${path}`));
const { useKernel } = await load("demo/tensor.js");
const { parseWeights, runNetwork } = await load("demo/network.js");
const explorer = await load(`explorers/${name}.js`);

function makeGrowing() {
  const file = readFileSync(`${weights}/shapes.safetensors`);
  const network = parseWeights(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
  const look = JSON.parse(readFileSync(`${folder}/explorers/data/growing.json`));
  return (values) => {
    const answer = runNetwork(network, explorer.drawObject(look, values));
    return explorer.describe(values, explorer.listGuesses(answer, network.info.classes));
  };
}

await useKernel(readFileSync(`${folder}/demo/kernel.wasm`));
const describe = name === "explore_growing" ? makeGrowing() : explorer.describe;
console.log(JSON.stringify(JSON.parse(readFileSync(states)).map(describe)));
