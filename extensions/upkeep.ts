import type { Logger } from "pino";
import type { DocumentAddress } from "../schema/ids.ts";
import { documentName, parseDocumentName } from "../schema/ids.ts";
import type { StoredDocument } from "../persistence/load-document.ts";
import type { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import type { DocumentsToSweep } from "../persistence/sweep.ts";

export type UpkeepOptions = {
  readonly thread: UpkeepThread;
  readonly logger: Logger;
  readonly sweep: (options: { minRows: number; limit: number }) => Promise<DocumentsToSweep>;
  /** Project when nothing was committed for `projectAfterMs`, and at the latest this long after the first commit. */
  readonly projectAfterMs: number;
  readonly projectAtLatestMs: number;
  /** Compact and write a version when an open document was quiet for this long. */
  readonly idleAfterMs: number;
  /** While people type, a version at most this often. */
  readonly versionIntervalMs: number;
  readonly sweepEveryMs: number;
};

/** Rows after the snapshot at which a document is compacted while it is edited (DESIGN 4). */
const MAX_TAIL_ROWS = 500;

/** The rows also outweigh the snapshot only from this size on: a new document is not worth a merge at every line. */
const MIN_TAIL_BYTES = 16 * 1024;

/** A document that was just left is compacted from this many rows on: fewer load as fast as a snapshot. */
const MIN_IDLE_ROWS = 20;

/** What is known of an open document without asking the database. */
type Weight = {
  address: DocumentAddress;
  tailRows: number;
  tailBytes: number;
  stateBytes: number;
  compacting: boolean;
  projectTimer: NodeJS.Timeout | null;
  firstUnprojectedMs: number;
  idleTimer: NodeJS.Timeout | null;
};

/**
 * Decides when a document is projected and compacted: by weight, when it falls quiet, when it is left, and by a
 * sweep that finds what a crash left behind. All of it is derived work: a failure is logged and met again later.
 */
export function createUpkeep(options: UpkeepOptions) {
  const weights = new Map<string, Weight>();
  let closed = false;

  const guarded = (what: string, name: string, work: Promise<unknown>): void => {
    work.catch((error: unknown) => {
      if (!closed) options.logger.error({ err: error, documentName: name }, `${what} failed`);
    });
  };

  const compact = async (weight: Weight, versionIntervalMs: number): Promise<void> => {
    if (weight.compacting || closed) return;
    weight.compacting = true;
    const { tailRows, tailBytes } = weight;
    const { documentId, part } = weight.address;
    try {
      const result = await options.thread.compact({ documentId, part, versionIntervalMs });
      weight.tailRows = Math.max(0, weight.tailRows - tailRows);
      weight.tailBytes = Math.max(0, weight.tailBytes - tailBytes);
      weight.stateBytes = result.afterBytes;
      options.logger.info({ documentName: weight.address.name, ...result }, "compacted");
    } finally {
      weight.compacting = false;
    }
  };

  const project = (weight: Weight): void => {
    if (weight.projectTimer !== null) clearTimeout(weight.projectTimer);
    weight.projectTimer = null;
    weight.firstUnprojectedMs = 0;
    if (weight.address.part !== "content" || closed) return;
    guarded("projection", weight.address.name, options.thread.project(weight.address.documentId));
  };

  const scheduleProjection = (weight: Weight): void => {
    const now = performance.now();
    if (weight.firstUnprojectedMs === 0) weight.firstUnprojectedMs = now;
    const latest = weight.firstUnprojectedMs + options.projectAtLatestMs - now;
    const wait = Math.max(0, Math.min(options.projectAfterMs, latest));
    if (weight.projectTimer !== null && wait > 0) {
      weight.projectTimer.refresh();
      return;
    }
    if (weight.projectTimer !== null) clearTimeout(weight.projectTimer);
    weight.projectTimer = setTimeout(() => project(weight), wait).unref();
  };

  const scheduleIdle = (weight: Weight): void => {
    if (weight.idleTimer !== null) {
      weight.idleTimer.refresh();
      return;
    }
    const idle = (): void => {
      weight.idleTimer = null;
      guarded("compaction", weight.address.name, compact(weight, 0));
    };
    weight.idleTimer = setTimeout(idle, options.idleAfterMs).unref();
  };

  const sweep = async (): Promise<void> => {
    const due = await options.sweep({ minRows: MAX_TAIL_ROWS, limit: 100 });
    for (const documentId of due.toProject) {
      if (closed) return;
      if (weights.has(documentName(documentId, "content"))) continue;
      await options.thread.project(documentId);
    }
    for (const { documentId, part } of due.toCompact) {
      if (closed) return;
      if (weights.has(documentName(documentId, part))) continue;
      await options.thread.compact({ documentId, part, versionIntervalMs: 0 });
    }
  };

  const sweeper = setInterval(
    () => guarded("sweep", "", sweep()),
    options.sweepEveryMs,
  ).unref();
  guarded("sweep", "", sweep());

  return {
    /** A document was loaded: its weight is known from now on. */
    opened(address: DocumentAddress, stored: StoredDocument): void {
      weights.set(address.name, {
        address,
        tailRows: stored.tailRows,
        tailBytes: stored.tailBytes,
        stateBytes: stored.stateBytes,
        compacting: false,
        projectTimer: null,
        firstUnprojectedMs: 0,
        idleTimer: null,
      });
    },
    /** Updates of a document were committed. */
    committed(address: DocumentAddress, rows: number, bytes: number): void {
      const weight = weights.get(address.name);
      if (weight === undefined) return;
      weight.tailRows += rows;
      weight.tailBytes += bytes;
      scheduleProjection(weight);
      scheduleIdle(weight);
      const heavy =
        weight.tailRows >= MAX_TAIL_ROWS ||
        weight.tailBytes > Math.max(weight.stateBytes, MIN_TAIL_BYTES);
      if (heavy && !weight.compacting) {
        guarded("compaction", address.name, compact(weight, options.versionIntervalMs));
      }
    },
    /** A document was unloaded: what is left to do for it is done now. */
    unloaded(name: string): void {
      const weight = weights.get(name);
      if (weight === undefined) return;
      weights.delete(name);
      if (weight.idleTimer !== null) clearTimeout(weight.idleTimer);
      if (weight.projectTimer !== null) project(weight);
      if (weight.tailRows >= MIN_IDLE_ROWS) {
        guarded("compaction", parseDocumentName(name).name, compact(weight, 0));
      }
    },
    async close(): Promise<void> {
      closed = true;
      clearInterval(sweeper);
      for (const weight of weights.values()) {
        if (weight.idleTimer !== null) clearTimeout(weight.idleTimer);
        if (weight.projectTimer !== null) clearTimeout(weight.projectTimer);
      }
      await options.thread.close();
    },
  };
}

export type Upkeep = ReturnType<typeof createUpkeep>;
