import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { Hocuspocus, type Connection, type Document, type HookName } from "@hocuspocus/server";
import type { Logger } from "pino";
import type { Sql } from "../persistence/database.ts";
import { loadCommitted } from "../persistence/load-committed.ts";
import {
  loadDocument,
  type Quarantine,
  type StoredDocument,
} from "../persistence/load-document.ts";
import { markQuarantined } from "../persistence/quarantine.ts";
import type { UpdateLog } from "../persistence/update-log.ts";
import { ScriptoriumError, type ErrorCode } from "../schema/errors.ts";
import { documentName, parseDocumentName, type DocumentAddress } from "../schema/ids.ts";
import type { CollaborationSocket, SocketContext } from "./collaboration-socket.ts";
import { runHooks, tellFailure, type FailureReport } from "./guarded-hooks.ts";
import { LiveDocument } from "./live-document.ts";
import { QuarantineWatch } from "./quarantine-watch.ts";
import { codeOf, Refusal } from "./refusal.ts";
import type { Upkeep } from "./upkeep.ts";

/** What live documents are loaded from and written to. */
export type LiveDocumentsOptions = {
  readonly sql: Sql;
  readonly updateLog: UpdateLog;
  readonly upkeep: Upkeep;
  readonly logger: Logger;
  /** Counts hooks that threw. */
  readonly onHookFailed?: FailureReport["onFailed"];
  /** True when what somebody may do has changed since he was let in. */
  readonly isOutdated: (context: SocketContext) => boolean;
};

/** How long an opening waits for a discarded copy to be gone, ms: as long as its last updates take to commit. */
const DISCARD_TIMEOUT_MS = 5000;

type CreateArguments = Parameters<Hocuspocus<SocketContext>["createDocument"]>;

/**
 * Hocuspocus, with the two guards it lacks: a document is never handed out while it is being unloaded
 * (FIELD-NOTES 11), and a failed load is told apart from a refusal (5).
 */
export class LiveDocuments extends Hocuspocus<SocketContext> {
  readonly #options: LiveDocumentsOptions;
  readonly #live = new WeakMap<Document, LiveDocument>();
  readonly #loaded = new WeakMap<Document, StoredDocument>();
  readonly #quarantines = new Map<string, Quarantine>();
  readonly #watch: QuarantineWatch;
  /** What commands committed while a document was being loaded: its statement may have read before their COMMIT. */
  readonly #missed = new Map<string, Uint8Array[]>();
  /** Documents from the moment they are loaded, which is a little before Hocuspocus hands them out. */
  readonly #byName = new Map<string, LiveDocument>();
  #retries = new Set<string>();
  /** How what escapes from a hook is told. */
  readonly failureReport: FailureReport;

  constructor(options: LiveDocumentsOptions) {
    super();
    this.#options = options;
    const { sql, logger, onHookFailed } = options;
    const onMended = (live: LiveDocument): void => this.#sendAway(live);
    this.#watch = new QuarantineWatch({ sql, logger, onMended });
    this.failureReport = { logger, ...(onHookFailed && { onFailed: onHookFailed }) };
  }

  /** Every hook of every extension runs through here: none can be forgotten (extensions/guarded-hooks.ts). */
  override hooks(
    name: HookName,
    payload: unknown,
    callback: ((answer: unknown) => unknown) | null = null,
  ): Promise<unknown> {
    return runHooks(this.configuration.extensions, name, payload, callback, this.failureReport);
  }

  /** The document with this name that is in memory and loaded. */
  live(name: string): LiveDocument | undefined {
    const document = this.documents.get(name);
    return document === undefined ? undefined : this.#live.get(document);
  }

  override async createDocument(...args: CreateArguments): Promise<Document> {
    const [name, , , , context] = args;
    try {
      await this.#untilFree(name);
      const document = await super.createDocument(...args).catch((error: unknown) => {
        // The first attempt found the bad row; the second loads what is before it.
        if (codeOf(error) !== "document_quarantined") throw error;
        return super.createDocument(...args);
      });
      // The last moment: from here on he is on the document within this turn, and what he sent before is taken in.
      if (context !== undefined && this.#options.isOutdated(context)) {
        throw new Refusal("restarting", null);
      }
      return document;
    } catch (error) {
      this.#forgetHalfLoaded(name);
      this.#tellSocket(context?.socket, name, error);
      throw error instanceof Refusal ? error : new Refusal(codeOf(error), error);
    }
  }

  /** A copy that failed between its loading and its handing out: nobody will ever unload it. */
  #forgetHalfLoaded(name: string): void {
    const live = this.#byName.get(name);
    if (live === undefined || this.loadingDocuments.has(name) || this.documents.has(name)) return;
    this.#missed.delete(name);
    live.document.destroy();
    this.#forget(live);
    this.#options.upkeep.unloaded(name);
  }

  #forget(live: LiveDocument): void {
    const { name } = live.document;
    if (this.#byName.get(name) === live) this.#byName.delete(name);
    live.close();
  }

  /** onLoadDocument: fills the document from the log; up to the last good row when a row is bad. */
  async load(name: string, document: Document): Promise<void> {
    this.#missed.set(name, []);
    try {
      this.#loaded.set(document, await this.#read(parseDocumentName(name), document));
    } catch (error) {
      this.#missed.delete(name);
      // Hocuspocus forgets a copy whose loading failed; its presence would keep a timer for ever.
      document.destroy();
      throw new Refusal(codeOf(error), error);
    }
  }

  async #read(address: DocumentAddress, document: Document): Promise<StoredDocument> {
    const { sql, logger } = this.#options;
    const known = this.#quarantines.get(address.name);
    if (known !== undefined) {
      this.#quarantines.delete(address.name);
      const stored = await loadDocument(sql, address, document, known.seq - 1);
      return { ...stored, quarantine: known };
    }
    const stored = await loadCommitted(sql, address, document);
    if (stored.quarantine === null) return stored;
    logger.error({ documentName: address.name, ...stored.quarantine }, "document quarantined");
    this.#quarantines.set(address.name, stored.quarantine);
    await markQuarantined(sql, address, stored.quarantine);
    throw new Refusal("document_quarantined", null);
  }

  /** afterLoadDocument: from here on its updates are logged. */
  loaded(document: Document): void {
    const stored = this.#loaded.get(document);
    if (stored === undefined) throw new ScriptoriumError("internal", "Not loaded");
    const address = parseDocumentName(document.name);
    // Hocuspocus took what loading applied for news, and would send it to the first who opens the document.
    document.flush();
    const live = new LiveDocument(document, address, stored, this.#options.updateLog);
    this.#live.set(document, live);
    this.#byName.set(document.name, live);
    this.#options.upkeep.opened(address, stored);
    if (live.isReadOnly) this.#watch.add(live);
    const missed = this.#missed.get(document.name) ?? [];
    this.#missed.delete(document.name);
    for (const update of missed) this.#apply(live, update);
  }

  /**
   * A command committed this update: the live copy follows, if there is one on this node, and its sockets hear of it.
   * Maintained invariant: a copy holds all that was committed before it was loaded and all that is told here. What
   * it already holds changes nothing.
   */
  committed(name: string, update: Uint8Array): void {
    // Both: a copy that is on its way out may still be known while the next is being loaded.
    this.#missed.get(name)?.push(update);
    const live = this.#byName.get(name);
    if (live !== undefined) this.#apply(live, update);
  }

  #apply(live: LiveDocument, update: Uint8Array): void {
    // Before the bad row of a quarantined document there is no place for what comes after it.
    if (live.discarded || live.isReadOnly || live.document.isDestroyed) return;
    if (live.applyCommitted(update)) return;
    this.#options.logger.error({ documentName: live.document.name }, "a committed update threw");
    this.#sendAway(live);
  }

  /** The copy in memory is not the document any more: its sockets come back to the next one. */
  #sendAway(live: LiveDocument): void {
    live.discarded = true;
    for (const socket of socketsOf(live.document)) socket.closeFor("restarting");
  }

  /** beforeUnloadDocument: whoever was handed this document joins it first. */
  async mayUnload(): Promise<void> {
    // One turn of the event loop: whoever was handed this document before now has joined it by then, and whoever
    // asks from now on waits in #untilFree. So no socket is ever left on a document that is gone.
    await nextTurn();
  }

  /** Asked again in the very turn in which it goes: a document leaves memory only when it is in the database whole. */
  override shouldUnloadDocument(document: Document): boolean {
    const live = this.#live.get(document);
    return super.shouldUnloadDocument(document) && (live === undefined || isSettled(live));
  }

  /** afterUnloadDocument's part, called before it: Hocuspocus gives that hook only the name. */
  unloaded(name: string): void {
    this.#options.upkeep.unloaded(name);
  }

  /** Never rejects: Hocuspocus waits for none of its unloadings. */
  override async unloadDocument(document: Document): Promise<void> {
    try {
      await this.#unload(document);
    } catch (error) {
      tellFailure(this.failureReport, "unloadDocument", { documentName: document.name }, error);
    }
  }

  async #unload(document: Document): Promise<void> {
    await super.unloadDocument(document);
    const live = this.#live.get(document);
    if (live === undefined) return;
    if (document.isDestroyed) this.#forget(live);
    // Not yet written; or its last socket left just after an unloading had found somebody here and given up.
    else if (document.getConnectionsCount() === 0) this.#retryUnload(document, live);
  }

  /** Throws the copy in memory away: its sockets go, the next opening loads it from the log. */
  discard(live: LiveDocument, offender: CollaborationSocket): void {
    if (live.discarded) return;
    live.discarded = true;
    this.#options.logger.error(
      { documentName: live.document.name },
      "document discarded from memory",
    );
    for (const socket of socketsOf(live.document)) {
      socket.closeFor(socket === offender ? "bad_update" : "restarting");
    }
  }

  /** Nothing of this document can be written any more (it was deleted): everybody on it is told. */
  failed(name: string, code: ErrorCode): void {
    const live = this.live(name);
    if (live === undefined) return;
    live.discarded = true;
    for (const socket of socketsOf(live.document)) socket.closeFor(code);
  }

  /** The sockets that have the text of a document open here. */
  connectionsOf(documentId: string): Connection[] {
    return this.live(documentName(documentId, "content"))?.document.getConnections() ?? [];
  }

  async #untilFree(name: string): Promise<void> {
    const deadlineMs = performance.now() + DISCARD_TIMEOUT_MS;
    while (this.unloadingDocuments.has(name) || this.live(name)?.discarded === true) {
      if (performance.now() > deadlineMs) {
        throw new ScriptoriumError("storage_unavailable", `${name} is still being written`);
      }
      await this.unloadingDocuments.get(name);
      if (this.live(name)?.discarded === true) await delay(10);
    }
  }

  /** Nothing in Hocuspocus tries an unload again (FIELD-NOTES 3). */
  #retryUnload(document: Document, live: LiveDocument): void {
    if (this.#retries.has(document.name)) return;
    this.#retries.add(document.name);
    const retry = (): Promise<void> => {
      this.#retries.delete(document.name);
      return this.unloadDocument(document);
    };
    const { updateLog } = this.#options;
    updateLog
      .drained(live.log)
      .catch(() => {})
      .then(() => nextTurn())
      .then(retry, retry);
  }

  #tellSocket(socket: CollaborationSocket | undefined, name: string, error: unknown): void {
    const code = codeOf(error);
    const connectionId = socket?.connectionId;
    this.#options.logger.warn(
      { connectionId, documentName: name, code, err: error },
      "document not opened",
    );
    // Told in a frame, the stock provider would take it for a refusal and never come back (FIELD-NOTES 5).
    if (code === "storage_unavailable" || code === "internal") {
      socket?.closeFor("storage_unavailable");
    } else if (code === "restarting") socket?.closeFor(code);
    else socket?.refused(code);
  }
}

/** True when nothing of it is still on its way to the database, or nothing of it can ever get there. */
const isSettled = ({ log }: LiveDocument): boolean => log.isDrained || log.failure !== null;

const socketsOf = (document: Document): CollaborationSocket[] =>
  document.getConnections().map((connection) => (connection.context as SocketContext).socket);
