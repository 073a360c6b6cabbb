// Work that takes longer than a movement.

/**
 * Make a function that works once at a time, however often it is called.
 *
 * Calls that come meanwhile are made up for by one more turn at the end: of a movement's places,
 * the last one is always shown, and none piles up.
 */
export function oneAtATime(work) {
  let busy = false, again = false;
  return async () => {
    again = true;
    if (busy) return;
    busy = true;
    try {
      while (again) {
        again = false;
        await work();
      }
    } finally {
      busy = false;
    }
  };
}
