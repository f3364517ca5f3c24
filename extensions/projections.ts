import type { ProjectionResult } from "../persistence/projection.ts";

/** A projection rests this many times as long as it took: of a large document no more than a quarter of the thread. */
const REST_FACTOR = 3;

type Run = { again: boolean; rest: NodeJS.Timeout | null };

/**
 * Asks for projections. Of one document at most one waits or runs; what is committed meanwhile is projected by the
 * next, once, after a rest. So people who type in a large document do not make it wait for itself in the queue.
 */
export class Projections {
  readonly #project: (documentId: string) => Promise<ProjectionResult>;
  readonly #begin: (work: Promise<unknown>) => void;
  readonly #onProjected: (result: ProjectionResult) => void;
  readonly #runs = new Map<string, Run>();
  #closed = false;

  constructor(options: {
    project: (documentId: string) => Promise<ProjectionResult>;
    onProjected: (result: ProjectionResult) => void;
    /** Takes the work that nobody waits for, which may fail. */
    begin: (work: Promise<unknown>) => void;
  }) {
    this.#project = options.project;
    this.#onProjected = options.onProjected;
    this.#begin = options.begin;
  }

  /** Resolves when the document has been projected, at once when that is on its way already. */
  async project(documentId: string): Promise<void> {
    if (this.#closed) return;
    const known = this.#runs.get(documentId);
    if (known !== undefined) {
      known.again = true;
      return;
    }
    const run: Run = { again: false, rest: null };
    this.#runs.set(documentId, run);
    let restMs = 0;
    try {
      const result = await this.#project(documentId);
      restMs = result.tookMs * REST_FACTOR;
      if (!this.#closed) this.#onProjected(result);
    } finally {
      if (!this.#closed) {
        run.rest = setTimeout(() => this.#rested(documentId, run), restMs).unref();
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const { rest } of this.#runs.values()) if (rest !== null) clearTimeout(rest);
    this.#runs.clear();
  }

  #rested(documentId: string, { again }: Run): void {
    this.#runs.delete(documentId);
    if (again) this.#begin(this.project(documentId));
  }
}
