/**
 * The two clocks of an open document that is edited: until its columns follow, and until it counts as idle.
 * Timers do not keep the process alive.
 */
export class DocumentTimers {
  readonly #afterMs: number;
  readonly #atLatestMs: number;
  readonly #idleMs: number;
  readonly #onProject: () => void;
  readonly #onIdle: () => void;
  #project: NodeJS.Timeout | null = null;
  #firstMs = 0;
  #idle: NodeJS.Timeout | null = null;

  constructor(options: {
    /** Project this long after the last commit, but at the latest that long after the first one, ms. */
    projectAfterMs: number;
    projectAtLatestMs: number;
    idleAfterMs: number;
    onProject: () => void;
    onIdle: () => void;
  }) {
    this.#afterMs = options.projectAfterMs;
    this.#atLatestMs = options.projectAtLatestMs;
    this.#idleMs = options.idleAfterMs;
    this.#onProject = options.onProject;
    this.#onIdle = options.onIdle;
  }

  /** True from a commit until the projection that follows it was asked for. */
  get isBehind(): boolean {
    return this.#project !== null;
  }

  /** Something was committed: starts the clocks, or puts them back. */
  touched(): void {
    const now = performance.now();
    if (this.#project === null) {
      this.#firstMs = now;
      this.#project = setTimeout(() => this.#due(), this.#afterMs).unref();
    } else if (now - this.#firstMs >= this.#atLatestMs) this.#due();
    else this.#project.refresh();
    if (this.#idle === null) this.#idle = setTimeout(() => this.#onQuiet(), this.#idleMs).unref();
    else this.#idle.refresh();
  }

  stop(): void {
    if (this.#project !== null) clearTimeout(this.#project);
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#project = null;
    this.#idle = null;
  }

  #due(): void {
    if (this.#project !== null) clearTimeout(this.#project);
    this.#project = null;
    this.#onProject();
  }

  #onQuiet(): void {
    this.#idle = null;
    this.#onIdle();
  }
}
