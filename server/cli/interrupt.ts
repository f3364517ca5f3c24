/** 500 ms: under npm one Ctrl-C arrives twice, from the terminal and from npm. Later than that it is a second one. */
const TWICE_MS = 500;

/** From now on the first Ctrl-C (or SIGTERM) aborts the signal and a second one ends the process at once. */
export function onInterrupt(): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController();
  let firstMs = 0;
  const interrupted = (): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      controller.abort();
    } else if (performance.now() - firstMs > TWICE_MS) {
      process.exit(1);
    }
  };
  process.on("SIGINT", interrupted);
  process.on("SIGTERM", interrupted);
  return {
    signal: controller.signal,
    close: () => {
      process.off("SIGINT", interrupted);
      process.off("SIGTERM", interrupted);
    },
  };
}
