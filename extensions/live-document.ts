import type { Document } from "@hocuspocus/server";
import * as Y from "yjs";
import type { Author } from "../persistence/append-updates.ts";
import type { DocumentLog } from "../persistence/document-log.ts";
import { hasPending, LOADING, type StoredDocument } from "../persistence/load-document.ts";
import type { UpdateLog } from "../persistence/update-log.ts";
import type { DocumentAddress } from "../schema/ids.ts";

/** How an update got on: into the document and the log; into the document's waiting room [L6]; or it threw. */
export type Reception = "logged" | "pending" | "threw";

/** What our own transactions carry: Hocuspocus' store hooks stay out of it, the log has taken their place. */
type ReceivedOrigin = {
  readonly source: "local";
  readonly skipStoreHooks: true;
  readonly author: Author;
};

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
  #waitingForWhole: (() => void)[] = [];

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
  }

  /** A document that cannot be loaded whole is shown as it was before the bad row, and takes no edits. */
  get isReadOnly(): boolean {
    return this.stored.quarantine !== null;
  }

  get mustWait(): boolean {
    return this.#updateLog.isFull(this.log);
  }

  /**
   * Applies a client's update and appends what it changed.
   * What a throwing update had already changed is not appended: the caller discards the document.
   */
  receive(update: Uint8Array, author: Author): Reception {
    const before = this.#pending();
    const origin: ReceivedOrigin = { source: "local", skipStoreHooks: true, author };
    const staged: { update: Uint8Array; author: Author }[] = [];
    this.#staged = staged;
    try {
      Y.applyUpdate(this.document, update, origin);
    } catch {
      return "threw";
    } finally {
      this.#staged = null;
    }
    for (const each of staged) this.#updateLog.append(this.log, each.update, each.author);
    if (!hasPending(this.document)) {
      for (const release of this.#waitingForWhole.splice(0)) release();
      return "logged";
    }
    return this.#addedNothing(before) ? "logged" : "pending";
  }

  /** Calls `release` once no update waits for another any more. */
  whenWhole(release: () => void): void {
    this.#waitingForWhole.push(release);
  }

  close(): void {
    this.document.off("update", this.#capture);
    this.#waitingForWhole = [];
    this.#updateLog.forget(this.log);
  }

  readonly #capture = (update: Uint8Array, origin: unknown): void => {
    if (origin === LOADING || this.discarded) return;
    const author = (origin as Partial<ReceivedOrigin> | null)?.author ?? NOBODY;
    if (this.#staged === null) this.#updateLog.append(this.log, update, author);
    else this.#staged.push({ update, author });
  };

  #pending(): { structs: Uint8Array | null; deletes: Uint8Array | null } {
    const { pendingStructs, pendingDs } = this.document.store;
    return { structs: pendingStructs?.update ?? null, deletes: pendingDs };
  }

  #addedNothing(before: { structs: Uint8Array | null; deletes: Uint8Array | null }): boolean {
    const after = this.#pending();
    // Yjs writes the waiting structs anew only when it adds to them or takes from them; the waiting deletions at
    // every update, so only more of them tells something.
    return (
      after.structs === before.structs &&
      (after.deletes?.length ?? 0) <= (before.deletes?.length ?? 0)
    );
  }
}
