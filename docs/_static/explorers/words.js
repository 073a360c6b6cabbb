// Numbers in words, as Python's f-strings write them.

/** Write so many digits after the point: a half goes to the even digit, as in Python. */
export function fixed(number, digits = 0) {
  const longer = number.toFixed(digits + 25); // long enough to tell a half from what is near it
  const shorter = longer.slice(0, -25).replace(/\.$/, "");
  const half = longer.endsWith("5" + "0".repeat(24));
  return half && /[02468]$/.test(shorter) ? shorter : number.toFixed(digits);
}

/** Write a share in percent. */
export const percent = (share, digits = 0) => `${fixed(100 * share, digits)}%`;

/** Write a whole number with a comma after its thousands. */
export const whole = (number) => number.toLocaleString("en-US");
