/** A wait that can be ended early; one at a time. */
export class Pause {
  #end = (): void => {};

  /** Resolves after `ms`, or at the next `end`. */
  for(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  end(): void {
    this.#end();
  }
}
