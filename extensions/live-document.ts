import type { Document } from "@hocuspocus/server";
import * as Y from "yjs";
import type { Author } from "../persistence/append-updates.ts";
import type { DocumentLog } from "../persistence/document-log.ts";
import { hasPending, LOADING, type StoredDocument } from "../persistence/load-document.ts";
import type { UpdateLog } from "../persistence/update-log.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import { WritingClients } from "./writing-clients.ts";

/** What our own transactions carry: Hocuspocus' store hooks stay out of it, the log has taken their place. */
type ReceivedOrigin = {
  readonly source: "local";
  readonly skipStoreHooks: true;
  readonly author: Author;
};

/** The origin of an update that a command has committed: it is in the log already. */
const COMMITTED = { source: "local", skipStoreHooks: true } as const;

const NOBODY: Author = { userId: null, agentId: null };

/**
 * A document in memory, with its place in the log.
 *
 * Maintained invariant: every `update` event of a loaded document is either appended to the log or its document
 * is discarded. The listener is synchronous and registered when loading is done (DESIGN 3, FIELD-NOTES 1).
 */
export class LiveDocument {
  readonly document: Document;
  readonly log: DocumentLog;
  readonly stored: StoredDocument;
  /** True once the copy in memory can no longer be trusted: it is thrown away and loaded again, never repaired. */
  discarded = false;
  readonly writers: WritingClients;
  readonly #updateLog: UpdateLog;
  #staged: { update: Uint8Array; author: Author }[] | null = null;

  constructor(
    document: Document,
    address: DocumentAddress,
    stored: StoredDocument,
    updateLog: UpdateLog,
  ) {
    this.document = document;
    this.writers = new WritingClients(document);
    this.stored = stored;
    this.#updateLog = updateLog;
    this.log = updateLog.open(address, stored);
    document.on("update", this.#capture);
    // Hocuspocus' own listener would build the arguments of onChange and onStoreDocument, which nobody here hears.
    document.onUpdate(() => {});
  }

  /** A document that cannot be loaded whole is shown as it was before the bad row, and takes no edits. */
  get isReadOnly(): boolean {
    return this.stored.quarantine !== null;
  }

  get mustWait(): boolean {
    return this.#updateLog.isFull(this.log);
  }

  /**
   * Applies a client's update, which was found to be whole, and appends what it changed. False: it threw, or Yjs
   * still waits for something. What of it is in the document then is not appended: the caller discards the document.
   */
  receive(update: Uint8Array, author: Author): boolean {
    const origin: ReceivedOrigin = { source: "local", skipStoreHooks: true, author };
    const staged: { update: Uint8Array; author: Author }[] = [];
    this.#staged = staged;
    try {
      Y.applyUpdate(this.document, update, origin);
    } catch {
      return false;
    } finally {
      this.#staged = null;
    }
    if (hasPending(this.document)) return false;
    for (const each of staged) this.#updateLog.append(this.log, each.update, each.author);
    return true;
  }

  /** Takes in what is in the log already. Answers false when it threw: the copy cannot be trusted any more. */
  applyCommitted(update: Uint8Array): boolean {
    try {
      Y.applyUpdate(this.document, update, COMMITTED);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.document.off("update", this.#capture);
    this.#updateLog.forget(this.log);
  }

  readonly #capture = (update: Uint8Array, origin: unknown): void => {
    if (origin === LOADING || origin === COMMITTED || this.discarded) return;
    const author = (origin as Partial<ReceivedOrigin> | null)?.author ?? NOBODY;
    if (this.#staged === null) this.#updateLog.append(this.log, update, author);
    else this.#staged.push({ update, author });
  };
}
