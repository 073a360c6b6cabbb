// An explorer of which every state was drawn beforehand, by docs/tools/explorers.py.
import { panel } from "./controls.js";

export async function build(element) {
  const folder = new URL(`${element.getAttribute("name")}/`, import.meta.url);
  const response = await fetch(new URL("states.json", folder));
  const { controls, first, size, states } = await response.json();
  const image = new Image(...size);
  image.className = "dark-light";
  panel(element, controls.map((control, i) => specify(control, first[i])), (values) => {
    const find = ({ kind, options }, i) =>
      kind === "select" ? options.indexOf(values[i]) : Number(values[i]);
    // the last control changes fastest
    const number = controls.reduce((n, one, i) => n * one.options.length + find(one, i), 0);
    const [file, words] = states[number];
    image.src = new URL(file, folder);
    return { picture: image, words };
  });
}

/** Say what makeControl is to make of a control whose values are known by number. */
function specify({ label, kind, options }, first) {
  if (kind === "check") return { label, kind, value: first === 1 };
  if (kind === "select") return { label, kind, options, value: options[first] };
  return { label, kind, min: 0, max: options.length - 1, value: first, format: (i) => options[i] };
}
