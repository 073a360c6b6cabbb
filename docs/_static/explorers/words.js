// Numbers in words, as Python's f-strings write them: a half goes to the even digit.

const HALF = `5${"0".repeat(24)}`;

/** Choose between two texts of a number, of which `longer` has the 25 digits that tell a half. */
function settleHalf(rounded, longer) {
  const shorter = longer.slice(0, -HALF.length).replace(/\.$/, "");
  return longer.endsWith(HALF) && /[02468]$/.test(shorter) ? shorter : rounded;
}

/** Write so many digits after the point, `.2f` in Python. */
export const fixed = (number, digits = 0) =>
  settleHalf(number.toFixed(digits), number.toFixed(digits + HALF.length));

/** Write a share in percent, `.0%` in Python. */
export const percent = (share, digits = 0) => `${fixed(100 * share, digits)}%`;

/** Write a whole number with a comma after its thousands, `,` in Python. */
export const whole = (number) => number.toLocaleString("en-US");

/** Write a number by a power of ten, `.1e` in Python, whose exponents have two digits. */
export function scientific(number, digits) {
  const [rounded, power] = number.toExponential(digits).split("e");
  const [longer] = number.toExponential(digits + HALF.length).split("e");
  return `${settleHalf(rounded, longer)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** Write so many digits, without zeros at the end, `.2g` in Python. */
export function general(number, digits = 6) {
  const [rounded, power] = scientific(number, digits - 1).split("e");
  if (power < -4 || power >= digits) return `${Number(rounded)}e${power}`;
  return String(Number(`${rounded}e${power}`));
}
