import type { Logger } from "pino";
import type { ClosedBursts } from "../persistence/edit-bursts.ts";

/** Between two looks, ms, also when more is due than one look takes. */
const AT_LEAST_MS = 100;

/**
 * Looks for bursts of editing that are over when the first of them may be: after a projection that added to one, and
 * with every sweep, which finds what a crash or another server left.
 */
export class QuietBursts {
  readonly #closeQuiet: () => Promise<ClosedBursts>;
  readonly #quietMs: number;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: {
    closeQuiet: () => Promise<ClosedBursts>;
    /** How long an author is quiet before his burst is over, ms. */
    quietMs: number;
    logger: Logger;
  }) {
    this.#closeQuiet = options.closeQuiet;
    this.#quietMs = options.quietMs;
    this.#logger = options.logger;
  }

  /** Somebody's edits were added to his burst. */
  stirred(): void {
    this.#lookIn(this.#quietMs);
  }

  /** Ends what is over, and sets the clock for the next. */
  async sweep(): Promise<void> {
    const { nextInMs } = await this.#closeQuiet();
    if (nextInMs !== null) this.#lookIn(Math.min(nextInMs, this.#quietMs));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#look(), Math.max(AT_LEAST_MS, ms)).unref();
  }

  #look(): void {
    this.#timer = null;
    this.sweep().catch((error: unknown) => {
      if (!this.#closed) this.#logger.error({ err: error }, "the end of edits was not noted");
    });
  }
}
