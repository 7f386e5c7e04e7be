const turnMs = 10;

/** Called between pieces of long work: every few milliseconds it lets the page draw and answer. */
export function createBreather(): () => Promise<void> {
  let begun = performance.now();
  return async () => {
    if (performance.now() - begun < turnMs) return;
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
    begun = performance.now();
  };
}
