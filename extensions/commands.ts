import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { appendUpdates, type Author } from "../persistence/append-updates.ts";
import { buildUpdate, type BuiltUpdate } from "../persistence/built-update.ts";
import { lockHead, type WritableHead } from "../persistence/content-state.ts";
import type { Sql, SqlOrTransaction } from "../persistence/database.ts";
import { documentName, type DocumentAddress } from "../schema/ids.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import type { LiveDocuments } from "./live-documents.ts";
import type { Upkeep } from "./upkeep.ts";

type Address = Pick<DocumentAddress, "documentId" | "part">;

/** Makes the update of a command on a fork of the committed state; it may take its time, nobody waits for a lock. */
export type Builder = (tx: SqlOrTransaction, address: Address) => Promise<BuiltUpdate>;

/** One change of a document that does not come from its editors' sockets, but from REST, MCP or the script. */
export type Command = {
  readonly address: Address;
  /** Stands in the log beside the update; the fork's Yjs client id is bound to him. */
  readonly author: Author;
  readonly build: Builder;
  /** Refuses by throwing. Called when nobody else can append any more; `headSeq`: the last committed position. */
  readonly check?: (headSeq: number) => void;
  /** Writes the rows that belong to the change; `seq`: where in the log it is. */
  readonly rows?: (tx: SqlOrTransaction, seq: number) => Promise<void>;
};

/** What a command writes in: a transaction, and what follows its COMMIT. */
export type CommandScope = {
  readonly tx: SqlOrTransaction;
  readonly afterCommit: (effect: () => void) => void;
};

/** `seq`: where the change is, or, where nothing had to be changed, the last committed position. */
export type CommandResult = { readonly seq: number; readonly changed: boolean };

/** The way of a command into the log. */
export type Commands = {
  /**
   * Performs a command inside a transaction of the caller's: nothing of it is there before that commits.
   * @throws ScriptoriumError `document_not_found`, `document_quarantined`; what `build`, `check` and `rows` throw.
   */
  perform(scope: CommandScope, command: Command): Promise<CommandResult>;
  /** The same in a transaction of its own; resolves when it is committed. */
  commit(command: Command): Promise<CommandResult>;
};

/** A builder for what takes a millisecond: `change` writes on the fork right here. What takes longer goes to a thread. */
export const changing =
  (change: (doc: Y.Doc) => void): Builder =>
  (tx, address) =>
    buildUpdate(tx, address, change);

/**
 * The command path (DESIGN 1): fork, one transaction, COMMIT, then the live copy.
 *
 * Maintained invariant: the fork holds committed state only, so its update depends on nothing that the log lacks, and
 * may be appended however far the log has come meanwhile [L6]. A process that dies after COMMIT has lost nothing: the
 * next load finds the update in the log.
 */
export function createCommands({
  sql,
  live,
  upkeep,
}: {
  sql: Sql;
  live: Pick<LiveDocuments, "committed">;
  upkeep: Pick<Upkeep, "committed">;
}): Commands {
  const perform = async (
    { tx, afterCommit }: CommandScope,
    { address, author, build, check, rows }: Command,
  ): Promise<CommandResult> => {
    const { update, repairs } = await build(tx, address);
    const { headSeq } = await lockHead(tx, address);
    check?.(headSeq);
    const made = { author, headSeq, repairs };
    const seq = update === null ? headSeq : await append(tx, address, { ...made, update });
    await rows?.(tx, seq);
    if (update === null) return { seq, changed: false };
    const name = documentName(address.documentId, address.part);
    afterCommit(() => {
      live.committed(name, update);
      upkeep.committed({ ...address, name }, 1, update.length);
    });
    return { seq, changed: true };
  };
  return {
    perform,
    async commit(command) {
      const effects: (() => void)[] = [];
      const afterCommit = (effect: () => void): unknown => effects.push(effect);
      const result = await sql.begin((tx) => perform({ tx, afterCommit }, command));
      for (const effect of effects) effect();
      return result;
    },
  };
}

type MadeUpdate = { readonly update: Uint8Array; readonly repairs: number };

async function append(
  tx: SqlOrTransaction,
  address: Address,
  { author, update, headSeq, repairs }: Pick<Command, "author"> & WritableHead & MadeUpdate,
): Promise<number> {
  const newClients = [...Y.parseUpdateMeta(update).to.keys()];
  const rows = [{ update, author, newClients }];
  const batch = { ...address, batchId: randomUUID(), knownHeadSeq: headSeq, repairs, rows };
  // Never busy: the head is locked by this transaction.
  const [appended] = await appendUpdates(tx, [batch]);
  if (appended?.outcome === "appended") return appended.headSeq;
  if (appended?.outcome === "repaired") {
    throw new ScriptoriumError("conflict", "The document was repaired meanwhile; send it again");
  }
  throw new ScriptoriumError("document_not_found", "There is no such document");
}
