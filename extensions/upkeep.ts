import type { Logger } from "pino";
import type { StoredDocument } from "../persistence/load-document.ts";
import type { ProjectionResult } from "../persistence/projection.ts";
import type { DocumentsToSweep } from "../persistence/sweep.ts";
import type { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import { documentName, type DocumentAddress } from "../schema/ids.ts";
import type { InboxKey } from "../schema/inbox-key.ts";
import { DocumentTimers } from "./document-timers.ts";
import { Projections } from "./projections.ts";
import type { QuietBursts } from "./quiet-bursts.ts";

/** Who does the work, and when it is due. */
export type UpkeepOptions = {
  readonly thread: Pick<UpkeepThread, "compact" | "project" | "close">;
  readonly logger: Logger;
  readonly sweep: (options: { minRows: number; limit: number }) => Promise<DocumentsToSweep>;
  /** Deletes rows that are over; belongs to each sweep. */
  readonly forget: () => Promise<unknown>;
  /** Turns bursts of editing that are over into activities. */
  readonly bursts: Pick<QuietBursts, "stirred" | "sweep" | "close">;
  /** Rows of a document were committed. */
  readonly onCommitted?: (address: DocumentAddress) => void;
  /** A projection has put something into these inboxes. */
  readonly onRung: (inboxes: readonly InboxKey[]) => void;
  /** A document's columns follow this long after its last commit, and at the latest that long after the first, ms. */
  readonly projectAfterMs: number;
  readonly projectAtLatestMs: number;
  /** An open document that is quiet for this long is compacted and gets a version, ms. */
  readonly idleAfterMs: number;
  /** While people type, a version at most this often, ms. */
  readonly versionIntervalMs: number;
  readonly sweepEveryMs: number;
};

/** Rows after the snapshot at which a document is compacted while it is edited (DESIGN 4). */
const MAX_TAIL_ROWS = 500;

/** The rows also outweigh the snapshot only from this size on: a new document is not worth a merge at every line. */
const MIN_TAIL_BYTES = 16 * 1024;

/** A document that was just left is compacted from this many rows on: fewer load as fast as a snapshot. */
const MIN_LEFT_ROWS = 20;

/** A document whose compaction failed is left alone for this long, ms: it stays heavy, and every commit would ask again. */
const AFTER_FAILURE_MS = 60_000;

/** The first sweep, ms after the start: the people who come back first need the processor more. */
const FIRST_SWEEP_MS = 5000;

/** Documents of one sweep; the next finds the rest. */
const SWEEP_LIMIT = 100;

/** What is known of an open document without asking the database. */
type Weight = {
  readonly address: DocumentAddress;
  readonly timers: DocumentTimers;
  tailRows: number;
  tailBytes: number;
  stateBytes: number;
  compacting: boolean;
  /** After a failure it is not tried again before this time (ms, monotonic). */
  notBeforeMs: number;
};

/**
 * Decides when a document is projected and compacted: by weight, when it falls quiet, when it is left, and by a
 * sweep that finds what a crash left behind. All of it is derived work: a failure is logged and met again later.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #weights = new Map<string, Weight>();
  readonly #projections: Projections;
  readonly #unopened = new Map<string, NodeJS.Timeout>();
  readonly #sweeper: NodeJS.Timeout;
  #sweeping = false;
  #closed = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#projections = new Projections({
      project: (documentId) => options.thread.project(documentId),
      onProjected: (result) => this.#projected(result),
      begin: (work) => this.#begin("projection", work),
    });
    this.#sweeper = setInterval(() => this.#begin("sweep", this.#sweep()), options.sweepEveryMs);
    this.#sweeper.unref();
    const first = Math.min(FIRST_SWEEP_MS, options.sweepEveryMs);
    setTimeout(() => this.#begin("sweep", this.#sweep()), first).unref();
  }

  /** A document was loaded: its weight is known from now on. */
  opened(address: DocumentAddress, stored: StoredDocument): void {
    const { projectAfterMs, projectAtLatestMs, idleAfterMs } = this.#options;
    const timers = new DocumentTimers({
      projectAfterMs,
      projectAtLatestMs,
      idleAfterMs,
      onProject: () => this.#project(address),
      onIdle: () => this.#begin("compaction", this.#compact(weight, 0)),
    });
    const { tailRows, tailBytes, stateBytes } = stored;
    const weight = {
      address,
      timers,
      tailRows,
      tailBytes,
      stateBytes,
      compacting: false,
      notBeforeMs: 0,
    };
    this.#weights.set(address.name, weight);
  }

  /** Rows of a document were committed. */
  committed(address: DocumentAddress, rows: number, bytes: number): void {
    const weight = this.#weights.get(address.name);
    if (this.#closed) return;
    this.#options.onCommitted?.(address);
    if (weight === undefined) {
      this.#projectUnopened(address);
      return;
    }
    weight.tailRows += rows;
    weight.tailBytes += bytes;
    weight.timers.touched();
    const isHeavy =
      weight.tailRows >= MAX_TAIL_ROWS ||
      weight.tailBytes > Math.max(weight.stateBytes, MIN_TAIL_BYTES);
    if (isHeavy && !weight.compacting) {
      this.#begin("compaction", this.#compact(weight, this.#options.versionIntervalMs));
    }
  }

  /** A command wrote in a document that nobody has open: its columns follow, once for several commands. */
  #projectUnopened(address: DocumentAddress): void {
    if (this.#unopened.has(address.name)) return;
    const due = (): void => {
      this.#unopened.delete(address.name);
      this.#project(address);
    };
    this.#unopened.set(address.name, setTimeout(due, this.#options.projectAfterMs).unref());
  }

  /** A document was unloaded: what is left to do for it is done now. */
  unloaded(name: string): void {
    const weight = this.#weights.get(name);
    if (weight === undefined) return;
    this.#weights.delete(name);
    const isBehind = weight.timers.isBehind;
    weight.timers.stop();
    if (isBehind) this.#project(weight.address);
    if (weight.tailRows >= MIN_LEFT_ROWS) this.#begin("compaction", this.#compact(weight, 0));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#projections.close();
    this.#options.bursts.close();
    for (const { timers } of this.#weights.values()) timers.stop();
    for (const timer of this.#unopened.values()) clearTimeout(timer);
    await this.#options.thread.close();
  }

  async #compact(weight: Weight, versionIntervalMs: number): Promise<void> {
    if (weight.compacting || this.#closed || performance.now() < weight.notBeforeMs) return;
    weight.compacting = true;
    const { documentId, part, name } = weight.address;
    const { tailRows, tailBytes } = weight;
    try {
      const result = await this.#options.thread.compact({ documentId, part, versionIntervalMs });
      weight.tailRows = Math.max(0, weight.tailRows - tailRows);
      weight.tailBytes = Math.max(0, weight.tailBytes - tailBytes);
      weight.stateBytes = result.afterBytes;
      this.#options.logger.debug({ documentName: name, ...result }, "compaction ended");
    } catch (error) {
      weight.notBeforeMs = performance.now() + AFTER_FAILURE_MS;
      throw error;
    } finally {
      weight.compacting = false;
    }
  }

  #project({ documentId, part }: DocumentAddress): void {
    if (part !== "content" || this.#closed) return;
    this.#begin("projection", this.#projections.project(documentId));
  }

  #projected({ hasEdits, rung }: ProjectionResult): void {
    if (hasEdits) this.#options.bursts.stirred();
    if (rung.length > 0) this.#options.onRung(rung);
  }

  /** Open documents are left to their own clocks. */
  async #sweep(): Promise<void> {
    if (this.#sweeping || this.#closed) return;
    this.#sweeping = true;
    try {
      await this.#guarded("forgetting", this.#options.forget());
      await this.#guarded("noting edits", this.#options.bursts.sweep());
      const { toProject, toCompact } = await this.#options.sweep({
        minRows: MAX_TAIL_ROWS,
        limit: SWEEP_LIMIT,
      });
      for (const documentId of toProject) {
        if (this.#weights.has(documentName(documentId, "content"))) continue;
        await this.#guarded("projection", this.#projections.project(documentId));
      }
      for (const { documentId, part } of toCompact) {
        if (this.#weights.has(documentName(documentId, part))) continue;
        const task = { documentId, part, versionIntervalMs: 0 };
        await this.#guarded("compaction", this.#options.thread.compact(task));
      }
    } finally {
      this.#sweeping = false;
    }
  }

  #begin(what: string, work: Promise<unknown>): void {
    this.#guarded(what, work).catch(() => {});
  }

  /** One document's trouble is logged; the next one's turn comes all the same. */
  #guarded(what: string, work: Promise<unknown>): Promise<unknown> {
    return work.catch((error: unknown) => {
      if (!this.#closed) this.#options.logger.error({ err: error }, `${what} failed`);
    });
  }
}
