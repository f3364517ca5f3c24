import type { Document } from "@hocuspocus/server";
import * as Y from "yjs";
import type { Author } from "../persistence/append-updates.ts";
import type { DocumentLog } from "../persistence/document-log.ts";
import { LOADING, type StoredDocument } from "../persistence/load-document.ts";
import type { UpdateLog } from "../persistence/update-log.ts";
import type { DocumentAddress } from "../schema/ids.ts";

/**
 * How an update got on: into the document and the log; or it could not be read, and nothing happened; or it threw on
 * its way in; or this of it waits for an update that is missing [L6].
 */
export type Reception = "logged" | "unreadable" | "threw" | { readonly waiting: Uint8Array };

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
  readonly #updateLog: UpdateLog;
  #staged: { update: Uint8Array; author: Author }[] | null = null;

  constructor(
    document: Document,
    address: DocumentAddress,
    stored: StoredDocument,
    updateLog: UpdateLog,
  ) {
    this.document = document;
    this.stored = stored;
    this.#updateLog = updateLog;
    this.log = updateLog.open(address, stored.headSeq);
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
   * Applies a client's update, and what of his still waited (Yjs v2), and appends what they changed.
   * What a throwing update had already changed is not appended: the caller discards the document.
   */
  receive(update: Uint8Array, author: Author, waiting: Uint8Array | null): Reception {
    if (!isDecodable(update)) return "unreadable";
    const origin: ReceivedOrigin = { source: "local", skipStoreHooks: true, author };
    const staged: { update: Uint8Array; author: Author }[] = [];
    this.#staged = staged;
    try {
      Y.applyUpdate(this.document, update, origin);
      if (waiting !== null) Y.applyUpdateV2(this.document, waiting, origin);
    } catch {
      return "threw";
    } finally {
      this.#staged = null;
    }
    for (const each of staged) this.#updateLog.append(this.log, each.update, each.author);
    const rest = this.#takePending();
    return rest === null ? "logged" : { waiting: rest };
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

  /**
   * Takes out what waits for a missing update. Left in the document, Yjs would hand it to everybody who opens it, and
   * each of them would bring it back when he reconnects, for ever.
   */
  #takePending(): Uint8Array | null {
    const { store } = this.document;
    const { pendingStructs, pendingDs } = store;
    if (pendingStructs === null && pendingDs === null) return null;
    store.pendingStructs = null;
    store.pendingDs = null;
    const parts = [pendingStructs?.update, pendingDs].filter((part) => part instanceof Uint8Array);
    return Y.mergeUpdatesV2(parts);
  }
}

/** A microsecond, against the sockets of a whole document: what cannot be read costs only its sender his. */
function isDecodable(update: Uint8Array): boolean {
  try {
    Y.decodeUpdate(update);
    return true;
  } catch {
    return false;
  }
}
