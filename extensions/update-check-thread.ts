import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { createTurns, type Turns } from "./turns.ts";
import type { UpdateFault, UpdateLimits } from "./update-check.ts";

/** To the thread: an update, and what the document holds. */
export type ApartRequest = {
  readonly id: number;
  readonly state: Uint8Array;
  readonly update: Uint8Array;
  readonly limits: UpdateLimits;
};

/** From the thread. `begun`: the copy is made, what comes now is the update's own cost. */
export type ApartReply =
  | { readonly id: number; readonly phase: "begun" }
  | { readonly id: number; readonly phase: "done"; readonly fault: UpdateFault | null };

/** Updates that wait for their turn, at most; and of one author. */
const MAX_WAITING = 100;
const MAX_WAITING_EACH = 20;

/** `state`: what the document holds, asked for when it is its turn; `who`: authors take turns. */
export type ApartCheck = {
  readonly state: () => Uint8Array;
  readonly limits: UpdateLimits;
  readonly who: string;
};

/** What the thread may take in memory, MiB: a document and an update of the largest size. */
const MAX_HEAP_MIB = 1024;

/** On a busy machine CPU time is slower than the clock: so many times the limit, and it is over all the same. */
const WALL_FACTOR = 20;

/** Making the copy takes as long as the document took to load, ms at most. */
const COPY_TIMEOUT_MS = 30_000;

/**
 * Tries large updates on a copy of their document in a worker thread, one at a time, with a limit of CPU time, authors
 * in turn.
 * A thread cannot be interrupted, only ended: the next update starts another.
 */
export class UpdateCheckThread {
  readonly #cpuMs: number;
  readonly #logger: Logger;
  readonly #turns: Turns = createTurns({
    atOnce: 1,
    maxWaiting: MAX_WAITING,
    maxWaitingEach: MAX_WAITING_EACH,
    refusal: "Too many updates wait for their check",
  });
  #worker: Worker | null = null;
  #lastId = 0;
  #closed = false;

  /** `cpuMs`: what an update may cost. */
  constructor({ cpuMs, logger }: { readonly cpuMs: number; readonly logger: Logger }) {
    this.#cpuMs = cpuMs;
    this.#logger = logger;
  }

  /**
   * Resolves with what is wrong with the update; `cost`: it takes too long.
   * @throws ScriptoriumError `too_many_requests` when too many wait.
   */
  check(update: Uint8Array, { state, limits, who }: ApartCheck): Promise<UpdateFault | null> {
    // A copy: what is handed over to the thread is gone here, and this may be part of a frame.
    const copy = update.slice();
    return this.#turns.take(() => this.#try(copy, state(), limits), who);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #try(update: Uint8Array, state: Uint8Array, limits: UpdateLimits): Promise<UpdateFault | null> {
    if (this.#closed) return Promise.resolve("cost");
    const worker = (this.#worker ??= this.#start());
    this.#lastId += 1;
    const id = this.#lastId;
    const verdict = Promise.withResolvers<UpdateFault | null>();
    const giveUp = (): void => {
      if (this.#worker === worker) this.#worker = null;
      worker.terminate().catch(() => {});
      verdict.resolve("cost");
    };
    let timer = setTimeout(giveUp, COPY_TIMEOUT_MS).unref();
    const settled = new AbortController();
    const onReply = (reply: ApartReply): void => {
      if (reply.id !== id) return;
      clearTimeout(timer);
      if (reply.phase === "done") verdict.resolve(reply.fault);
      else timer = this.#watch(worker, giveUp, settled.signal);
    };
    worker.on("message", onReply).once("exit", giveUp);
    worker.postMessage({ id, state, update, limits } satisfies ApartRequest, [
      state.buffer as ArrayBuffer,
      update.buffer as ArrayBuffer,
    ]);
    return verdict.promise.finally(() => {
      settled.abort();
      clearTimeout(timer);
      worker.off("message", onReply).off("exit", giveUp);
    });
  }

  /** Looks at the CPU time several times within the limit: nobody else's load is held against the update. */
  #watch(worker: Worker, giveUp: () => void, settled: AbortSignal): NodeJS.Timeout {
    const begunMs = performance.now();
    const before = worker.cpuUsage().catch(() => null);
    const look = async (): Promise<void> => {
      const begun = await before;
      const used = begun === null ? null : await worker.cpuUsage(begun).catch(() => null);
      const cpuMs = used === null ? Number.POSITIVE_INFINITY : (used.user + used.system) / 1000;
      if (settled.aborted) return;
      const isOver = performance.now() - begunMs > WALL_FACTOR * this.#cpuMs;
      if (cpuMs > this.#cpuMs || isOver) giveUp();
      else timer.refresh();
    };
    const timer = setTimeout(() => void look(), this.#cpuMs / 4).unref();
    return timer;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./update-check-worker.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
    });
    worker.on("error", (error) => this.#logger.warn({ err: error }, "update check thread failed"));
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = null;
    });
    worker.unref();
    return worker;
  }
}
