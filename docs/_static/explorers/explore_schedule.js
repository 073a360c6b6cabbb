// Lesson 07: the learning rate over a training. In Python: nb07/charts.py and training/optim.py.
import { TITLE, drawDot, drawLine, makeAxes, makePage, pickTicks, write } from "./chart.js";
import { loadData, panel } from "./controls.js";
import { fixed, general, percent } from "./words.js";

export const CONTROLS = {
  schedule: {
    kind: "select", label: "schedule", value: "restarts",
    options: ["constant", "triangle", "one_cycle", "restarts", "stairs"],
  },
  warmup: { kind: "range", label: "warm-up", min: 0, max: 1, step: 0.05, value: 0.2 },
  cycles: { kind: "range", label: "cycles", min: 1, max: 8, value: 4 },
  floor: { kind: "range", label: "floor", min: 0, max: 0.5, step: 0.05, value: 0.0005 },
};
const STEPS = 400;

// What each schedule goes by, beside the number of steps.
const USED = {
  constant: [],
  triangle: ["warm-up"],
  one_cycle: ["warm-up"],
  restarts: ["cycles", "floor"],
  stairs: [],
};

// ---- the schedules: what the highest learning rate is multiplied by at a step -------------------

const { cos, floor, max, min, PI } = Math;

const halfCosine = (start, end, share) => end + ((start - end) * (1 + cos(PI * share))) / 2;

const SCHEDULES = {
  constant: () => 1,
  triangle(step, steps, { warmup }) {
    const peak = warmup * steps;
    const rising = (step + 1) / max(peak, 1), falling = (steps - step) / max(steps - peak, 1);
    return max(0, min(rising, falling, 1));
  },
  one_cycle(step, steps, { warmup }) {
    const start = 1 / 25, end = 1 / 250_000, peak = warmup * steps - 1;
    if (step < peak) return halfCosine(start, 1, step / peak);
    return halfCosine(1, end, min(1, (step - peak) / max(steps - 1 - peak, 1)));
  },
  restarts(step, steps, { cycles, floor }) {
    const length = steps / cycles;
    return halfCosine(1, floor, (step % length) / length);
  },
  stairs(step, steps, { epochs, drop, drop_every }) {
    const epoch = floor((step * epochs) / steps);
    return drop ** floor(epoch / drop_every);
  },
};

/** List the learning rate at each step. */
function listRates(recipe) {
  const factor = SCHEDULES[recipe.schedule];
  return Array.from({ length: STEPS }, (_, step) => recipe.lr * factor(step, STEPS, recipe));
}

// ---- in words -----------------------------------------------------------------------------------

/** Say what the picture shows of the recipe with the schedule that was chosen. */
export function describe(recipe, values) {
  const { lr } = recipe, { warmup, cycles, floor } = values;
  const rates = listRates({ ...recipe, ...values });
  const highest = max(...rates), last = rates.at(-1);
  const mean = rates.reduce((a, b) => a + b) / STEPS / lr;
  const given = { "warm-up": fixed(warmup, 2), cycles, floor: fixed(floor, 2) };
  const unused = Object.keys(given).filter((name) => !USED[values.schedule].includes(name));
  const words = [
    `${values.schedule} over ${STEPS} steps: begins at ${general(rates[0], 2)}, ` +
      `highest ${general(highest, 2)} at step ${rates.indexOf(highest) + 1}, ` +
      `last ${general(last, 2)}; on average ${percent(mean)} of ${general(lr)}.`,
  ];
  if (values.schedule === "restarts") {
    const jumps = rates.filter((rate, step) => step > 0 && rate > rates[step - 1]).length;
    words.push(`It jumps back up ${["never", "once"][jumps] ?? `${jumps} times`}.`);
  } else if (last > 0.5 * highest) {
    words.push("It never falls far, so the weights keep moving to the end.");
  }
  const told = unused.map((name) => `${name} ${given[name]}`);
  return [...words, `Makes no difference to it: ${told.join(", ")}.`].join(" ");
}

// ---- as a picture -------------------------------------------------------------------------------

/** Draw the learning rate over the steps; dots mark its highest and its last. */
function draw(recipe, room) {
  const rates = listRates(recipe), highest = rates.indexOf(max(...rates)), last = STEPS - 1;
  const top = 1.08 * recipe.lr;
  const box = { left: 60, top: 65, width: room - 85, height: 200 };
  const { axes, at } = makeAxes(
    box,
    { from: 0, to: last, ticks: pickTicks(0, last, room / 60), format: String, label: "step" },
    { from: 0, to: top, ticks: pickTicks(0, top, 7), format: (rate) => rate.toFixed(2) },
  );
  return makePage(
    room, 315,
    write(10, 24, recipe.schedule, TITLE),
    write(10, 48, "learning rate"),
    axes,
    drawLine(rates.map((rate, step) => at(step, rate))),
    ...[highest, last].map((step) => drawDot(at(step, rates[step]))),
  );
}

// ---- on the page --------------------------------------------------------------------------------

export async function build(element) {
  const recipe = await loadData("schedule.json");
  panel(element, CONTROLS, (values, room) => ({
    picture: draw({ ...recipe, ...values }, room),
    words: describe(recipe, values),
  }));
}
