import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { ScriptoriumError } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import { appendAgain, appendUpdates, type Author, type DocumentBatch } from "./append-updates.ts";
import {
  errorCode,
  FOREIGN_KEY_VIOLATION,
  isUnavailable,
  type Sql,
  wantsNewConnection,
} from "./database.ts";
import { Pause } from "./pause.ts";
import { withTimeout } from "./with-timeout.ts";
import {
  deleted,
  DocumentLog,
  repaired,
  type LoadedState,
  type SettledBatch,
} from "./document-log.ts";

/** What the log needs and whom it tells. */
export type UpdateLogOptions = {
  /** Opens the log's own connection; called again when one had to be cut. */
  readonly connect: () => Sql;
  readonly logger: Logger;
  /** How long a batch gathers after its first update, ms. Longer: fewer commits, later acknowledgements. */
  readonly windowMs: number;
  /** No reply to a commit for this long, ms: the connection is cut and the batch tried again. */
  readonly commitTimeoutMs: number;
  /** Uncommitted bytes at which writers are told, of one document and of all. */
  readonly documentBacklogBytes: number;
  readonly totalBacklogBytes: number;
  readonly onReceived?: (bytes: number) => void;
  readonly onCommitted?: (address: DocumentAddress, settled: SettledBatch) => void;
  readonly onStatement?: (outcome: "committed" | "failed", durationMs: number) => void;
  readonly onFailed?: (address: DocumentAddress, failure: ScriptoriumError) => void;
};

/** Wait between attempts while PostgreSQL is away, ms: 50, 100, 200, … 1000. */
const backoffMs = (attempts: number): number => Math.min(50 * 2 ** attempts, 1000);

/** Acknowledgements held for one document: updates that change nothing add to these, but not to the bytes. */
const MAX_WAITING = 100_000;

/** After so many attempts, about ten seconds, whoever holds a document does not seem to let go. */
const LONG_WAITS = 160;

/** One statement never carries more than this; what is left goes with the next. */
const STATEMENT_BYTES = 4 * 1024 * 1024;

/**
 * The log: every update of every live document on its way into PostgreSQL.
 *
 * Group commit: while one batch commits, the next gathers; all documents share one COMMIT. A document has at most
 * one batch in flight, so its order is the order in which it was received.
 */
export class UpdateLog {
  readonly #options: UpdateLogOptions;
  readonly #documents = new Map<string, DocumentLog>();
  readonly #dirty = new Set<DocumentLog>();
  readonly #stop = new AbortController();
  #sql: Sql;
  #running: Promise<void> | null = null;
  #backlogBytes = 0;
  #failingSinceMs: number | null = null;
  #attempts = 0;
  /** Before the next commit. */
  readonly #pause = new Pause();
  /** True while the pause is for documents that wait to be tried again, and for nothing else. */
  #onlyRetries = false;

  constructor(options: UpdateLogOptions) {
    this.#options = options;
    this.#sql = options.connect();
  }

  /** Starts to log a document that was loaded. */
  open(address: DocumentAddress, loaded: LoadedState): DocumentLog {
    const log = new DocumentLog(address, loaded);
    this.#documents.set(address.name, log);
    return log;
  }

  /** Forgets an unloaded document. @throws ScriptoriumError when it still has something to commit. */
  forget(log: DocumentLog): void {
    if (!log.isDrained && log.failure === null) {
      throw new ScriptoriumError("internal", `${log.address.name} is not drained`);
    }
    if (this.#documents.get(log.address.name) === log) this.#documents.delete(log.address.name);
  }

  /** Queues an update the document has just applied. Synchronous: nothing can come between the two. */
  append(log: DocumentLog, update: Uint8Array, author: Author): void {
    if (log.failure !== null) throw log.failure;
    this.#backlogBytes += log.enqueue(update, author);
    this.#options.onReceived?.(update.length);
    if (this.#onlyRetries && log.inFlight === null) this.#pause.end();
    this.#dirty.add(log);
    this.#running ??= this.#run();
  }

  /** True when no more may be taken in for this document until something was committed [L7]. */
  isFull(log: DocumentLog): boolean {
    return (
      log.backlogBytes >= this.#options.documentBacklogBytes ||
      log.waiting >= MAX_WAITING ||
      this.#backlogBytes >= this.#options.totalBacklogBytes
    );
  }

  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Since when commits fail, ms since 1970; null while they succeed. */
  get failingSinceMs(): number | null {
    return this.#failingSinceMs;
  }

  get openDocuments(): number {
    return this.#documents.size;
  }

  get heldAcknowledgements(): number {
    return [...this.#documents.values()].reduce((sum, log) => sum + log.waiting, 0);
  }

  /** Resolves when the document has nothing left to commit; rejects when it never will or `signal` fires. */
  async drained(log: DocumentLog, signal?: AbortSignal): Promise<void> {
    let committed = new Promise<"committed">((resolve) =>
      log.whenCommitted(() => resolve("committed")),
    );
    while (!log.isDrained) {
      if (log.failure !== null) throw log.failure;
      signal?.throwIfAborted();
      // 100 ms: a failure or the signal is noticed even when no commit ever comes.
      const first = await Promise.race([committed, delay(100, "waited" as const, { ref: false })]);
      if (first === "committed" && !log.isDrained) {
        committed = new Promise((resolve) => log.whenCommitted(() => resolve("committed")));
      }
    }
  }

  /** Tries to commit everything within `timeoutMs`, then lets go. What is left was never acknowledged. */
  async close(timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    const drains = [...this.#dirty].map((log) => this.drained(log, signal).catch(() => {}));
    await Promise.all(drains);
    const documents = this.#dirty.size;
    const bytes = this.#backlogBytes;
    if (documents > 0) this.#options.logger.error({ documents, bytes }, "stopped uncommitted");
    this.#stop.abort();
    this.#pause.end();
    await this.#sql.end({ timeout: 0 });
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (this.#dirty.size > 0 && !signal.aborted) {
        await this.#pause.for(this.#pauseMs());
        this.#onlyRetries = false;
        if (signal.aborted) return;
        await this.#commit(this.#gather());
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#running = null;
      if (this.#dirty.size > 0 && !signal.aborted) this.#running = this.#run();
    }
  }

  #pauseMs(): number {
    if (this.#attempts > 0) return backoffMs(this.#attempts);
    const now = performance.now();
    const untilRetryMs = Math.min(...[...this.#dirty].map((log) => log.retryAtMs)) - now;
    this.#onlyRetries = untilRetryMs > this.#options.windowMs;
    return Math.max(this.#options.windowMs, untilRetryMs);
  }

  #gather(): DocumentLog[] {
    const now = performance.now();
    const logs: DocumentLog[] = [];
    let bytes = 0;
    for (const log of this.#dirty) {
      if (log.retryAtMs > now) continue;
      bytes += log.takeBatch()?.bytes ?? 0;
      // What was taken and does not fit stays as it is, and is the first of the next.
      if (logs.length > 0 && bytes > STATEMENT_BYTES) break;
      logs.push(log);
    }
    return logs;
  }

  /** One bad document must not fail its neighbours: what is in doubt or was refused goes alone. */
  async #commit(logs: readonly DocumentLog[]): Promise<void> {
    const alone = logs.filter((log) => log.inDoubt || log.attempts > 0);
    const together = logs.filter((log) => !alone.includes(log));
    if (together.length > 0 && !(await this.#attempt(together))) {
      if (together.length > 1 && this.#attempts === 0) alone.push(...together);
    }
    for (const log of alone) {
      if (this.#stop.signal.aborted) return;
      if (!(await this.#attempt([log])) && this.#attempts > 0) return;
    }
  }

  async #attempt(logs: readonly DocumentLog[]): Promise<boolean> {
    const batches = logs.flatMap((log) => log.inFlight?.batch ?? []);
    const sentMs = performance.now();
    try {
      const answers = await withTimeout(this.#append(logs, batches), this.#options.commitTimeoutMs);
      this.#options.onStatement?.("committed", performance.now() - sentMs);
      for (const log of logs) {
        const { documentId, part } = log.address;
        const found = answers.find((each) => each.documentId === documentId && each.part === part);
        if (found === undefined) this.#fail(log, deleted(log));
        else if (found.outcome === "appended") this.#settle(log, found.headSeq);
        else if (found.outcome === "repaired") this.#fail(log, repaired(log));
        else if (log.wait() === LONG_WAITS) {
          this.#options.logger.warn({ documentId }, "another transaction holds this document");
        }
      }
      this.#recovered();
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      this.#options.onStatement?.("failed", performance.now() - sentMs);
      this.#failed(logs, error);
      return false;
    }
  }

  async #append(logs: readonly DocumentLog[], batches: readonly DocumentBatch[]) {
    const [log] = logs;
    const [batch] = batches;
    if (logs.length === 1 && log?.inDoubt === true && batch !== undefined) {
      const appended = await appendAgain(this.#sql, batch);
      return appended === null ? [] : [appended];
    }
    return appendUpdates(this.#sql, batches);
  }

  #settle(log: DocumentLog, headSeq: number): void {
    const settled = log.settle(headSeq);
    // Who has more to commit stands behind everybody who waits.
    this.#dirty.delete(log);
    if (!log.isDrained) this.#dirty.add(log);
    if (settled === null) return;
    this.#backlogBytes -= settled.freedBytes;
    this.#options.onCommitted?.(log.address, settled);
  }

  #fail(log: DocumentLog, failure: ScriptoriumError): void {
    this.#backlogBytes -= log.fail(failure);
    this.#dirty.delete(log);
    this.#options.onFailed?.(log.address, failure);
  }

  #failed(logs: readonly DocumentLog[], error: unknown): void {
    const lost = isUnavailable(error);
    const code = errorCode(error);
    this.#failingSinceMs ??= Date.now();
    this.#options.logger.error({ err: error, code, documents: logs.length }, "commit failed");
    if (lost) {
      this.#attempts += 1;
      for (const log of logs) log.inDoubt = true;
      if (wantsNewConnection(error)) this.#reconnect();
      return;
    }
    const [log] = logs;
    if (logs.length > 1 || log === undefined) return;
    if (code === FOREIGN_KEY_VIOLATION) return this.#fail(log, deleted(log));
    // Refused, so rolled back: this document waits its turn while the others go on.
    log.attempts += 1;
    log.retryAtMs = performance.now() + backoffMs(log.attempts);
  }

  #recovered(): void {
    this.#attempts = 0;
    if (this.#failingSinceMs === null) return;
    if ([...this.#dirty].some((log) => log.attempts > 0 || log.inDoubt)) return;
    this.#options.logger.info(
      { afterMs: Date.now() - this.#failingSinceMs },
      "commits succeed again",
    );
    this.#failingSinceMs = null;
  }

  /** The old connection hangs, or leads to what is not the primary: cut it. Its backend may still hold locks: those documents are busy. */
  #reconnect(): void {
    const hung = this.#sql;
    this.#sql = this.#options.connect();
    hung.end({ timeout: 0 }).catch(() => {});
  }
}
