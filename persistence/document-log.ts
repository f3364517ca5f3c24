import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import type { DocumentAddress } from "../schema/ids.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Author, DocumentBatch, LogRow } from "./append-updates.ts";
import type { StoredDocument } from "./load-document.ts";
import { mergeUpdates } from "./merge-updates.ts";

/**
 * What an update in memory costs beyond its bytes: objects, buffers, array slots, the acknowledgement that is held for
 * it. On the safe side of what `test/durability-memory.test.ts` measures.
 */
const ENTRY_OVERHEAD_BYTES = 320;

/** Rows stay small enough that one never comes near the driver's limits; a larger update is a row of its own. */
const ROW_BYTES = 1024 * 1024;

/**
 * What one document puts into a statement, or one update if that is more: all documents wait for the same COMMIT, and
 * who writes megabytes a second into one must not decide how long.
 */
const BATCH_BYTES = 256 * 1024;

/** Wait while another transaction holds a document, ms: 2, 4, 8, … 64. Most are over within a commit's time. */
const busyMs = (waits: number): number => Math.min(2 * 2 ** waits, 64);

const sameAuthor = (one: Author | undefined, other: Author): boolean =>
  one?.userId === other.userId && one.agentId === other.agentId;

/** Should Yjs fail to merge what it wrote itself, the rows stay single: that must not end the log of everybody. */
function mergeIfPossible(updates: readonly Uint8Array[]): readonly Uint8Array[] {
  try {
    return [mergeUpdates(updates)];
  } catch {
    return updates;
  }
}

/** What the log has to know of how a document was loaded. */
export type LoadedState = Pick<StoredDocument, "headSeq" | "repairs">;

type Entry = {
  readonly update: Uint8Array;
  readonly author: Author;
  /** Of the backlog. */
  readonly cost: number;
  /** ms, monotonic. */
  readonly queuedAtMs: number;
};
type Waiter = { readonly position: number; readonly release: () => void };
type InFlight = {
  readonly batch: DocumentBatch;
  readonly count: number;
  readonly bytes: number;
  /** When the first of its updates was queued, ms, monotonic. */
  readonly queuedAtMs: number;
};

/** What of one document was committed together. */
export type SettledBatch = {
  readonly updates: number;
  readonly rows: number;
  readonly bytes: number;
  /** Since the first of its updates was queued. */
  readonly waitedMs: number;
  /** Of the backlog. */
  readonly freedBytes: number;
};

/**
 * One live document's place in the log: what it received and is not yet committed, and who waits for it.
 *
 * Positions count the updates received since the document was loaded: 1, 2, 3, …
 * `received` is the watermark an acknowledgement is bound to; it may leave when `committed` has reached it.
 */
export class DocumentLog {
  readonly address: DocumentAddress;
  received = 0;
  committed = 0;
  backlogBytes = 0;
  /** The last seq known to be in the database: of this process' appends, or of the load. */
  headSeq: number;
  readonly #repairs: number;
  inFlight: InFlight | null = null;
  /** True when an attempt at `inFlight` may have been committed: its reply was lost. */
  inDoubt = false;
  /** Not before this time (ms, monotonic) is a batch tried again that was refused, or found the document busy. */
  retryAtMs = 0;
  attempts = 0;
  #waits = 0;
  /** Set for good when the document's rows are gone: nothing of it can ever be committed. */
  failure: ScriptoriumError | null = null;
  #queue: Entry[] = [];
  #waiters: Waiter[] = [];
  #knownClients = new Set<number>();

  constructor(address: DocumentAddress, { headSeq, repairs }: LoadedState) {
    this.address = address;
    this.headSeq = headSeq;
    this.#repairs = repairs;
  }

  get isDrained(): boolean {
    return this.inFlight === null && this.#queue.length === 0;
  }

  enqueue(update: Uint8Array, author: Author): number {
    const cost = update.length + ENTRY_OVERHEAD_BYTES;
    this.#queue.push({ update, author, cost, queuedAtMs: performance.now() });
    this.received += 1;
    this.backlogBytes += cost;
    return cost;
  }

  /** Calls `release` when everything received so far is committed; at once if it is. Never after a failure. */
  whenCommitted(release: () => void): void {
    if (this.failure !== null) return;
    if (this.committed >= this.received) release();
    else this.#waiters.push({ position: this.received, release });
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Moves the oldest of what is queued into a batch with an id of its own, merged by author; null: nothing is queued. */
  takeBatch(): InFlight | null {
    if (this.inFlight !== null) return this.inFlight;
    const [first] = this.#queue;
    if (first === undefined) return null;
    let bytes = first.cost;
    let count = 1;
    for (; count < this.#queue.length; count += 1) {
      const { cost } = this.#queue[count] as Entry;
      if (bytes + cost > BATCH_BYTES) break;
      bytes += cost;
    }
    const entries = this.#queue.splice(0, count);
    const batch = {
      documentId: this.address.documentId,
      part: this.address.part,
      batchId: randomUUID(),
      rows: this.#toRows(entries),
      knownHeadSeq: this.headSeq,
      repairs: this.#repairs,
    };
    this.inFlight = { batch, count, bytes, queuedAtMs: first.queuedAtMs };
    return this.inFlight;
  }

  /** The batch is in the database: releases everybody whose watermark is reached. Null when nothing was in flight. */
  settle(headSeq: number): SettledBatch | null {
    const settled = this.inFlight;
    if (settled === null) return null;
    this.inFlight = null;
    this.inDoubt = false;
    this.attempts = 0;
    this.#waits = 0;
    this.headSeq = headSeq;
    this.committed += settled.count;
    this.backlogBytes -= settled.bytes;
    const { rows } = settled.batch;
    for (const { newClients } of rows) {
      for (const client of newClients) this.#knownClients.add(client);
    }
    this.#release();
    return {
      updates: settled.count,
      rows: rows.length,
      bytes: rows.reduce((sum, row) => sum + row.update.length, 0),
      waitedMs: performance.now() - settled.queuedAtMs,
      freedBytes: settled.bytes,
    };
  }

  /** Somebody else is writing in it: its batch is tried again soon, and the others go on. Answers how often by now. */
  wait(): number {
    this.retryAtMs = performance.now() + busyMs(this.#waits);
    this.#waits += 1;
    return this.#waits;
  }

  /** Nothing of this document can be committed any more: forgets the backlog and everybody who waited for it. */
  fail(failure: ScriptoriumError): number {
    const bytes = this.backlogBytes;
    this.failure = failure;
    this.inFlight = null;
    this.#queue = [];
    this.#waiters = [];
    this.backlogBytes = 0;
    return bytes;
  }

  #release(): void {
    let reached = 0;
    for (const { position } of this.#waiters) {
      if (position > this.committed) break;
      reached += 1;
    }
    for (const { release } of this.#waiters.splice(0, reached)) release();
  }

  #toRows(entries: readonly Entry[]): LogRow[] {
    const rows: LogRow[] = [];
    let start = 0;
    while (start < entries.length) {
      const { author } = entries[start] as Entry;
      let end = start;
      let bytes = 0;
      while (
        end < entries.length &&
        sameAuthor(entries[end]?.author, author) &&
        bytes < ROW_BYTES
      ) {
        bytes += (entries[end] as Entry).update.length;
        end += 1;
      }
      const updates = entries.slice(start, end).map((entry) => entry.update);
      for (const update of mergeIfPossible(updates)) {
        rows.push({ update, author, newClients: this.#newClients(update) });
      }
      start = end;
    }
    return rows;
  }

  #newClients(update: Uint8Array): number[] {
    return [...Y.parseUpdateMeta(update).to.keys()].filter(
      (client) => !this.#knownClients.has(client),
    );
  }
}

/** Why nothing of a log can be committed any more. */
export const deleted = ({ address }: DocumentLog): ScriptoriumError =>
  new ScriptoriumError("document_not_found", `${address.name} was deleted`);

/** The same; its clients come back, and bring what the repaired document lacks. */
export const repaired = ({ address }: DocumentLog): ScriptoriumError =>
  new ScriptoriumError("restarting", `${address.name} was repaired`);
