import type { Connection, Document } from "@hocuspocus/server";
import type { SocketContext } from "./collaboration-socket.ts";

/**
 * Which connection writes under which Yjs client id in a live document.
 *
 * Yjs takes what comes first under an id and a clock, and drops what comes second as known. Whoever wrote under the
 * id of somebody who is typing would have the next words of that person acknowledged and lost.
 *
 * Maintained invariant: while a connection that has synced is open, only its author brings news under the ids it
 * types with, or has announced as its own presence.
 */
export class WritingClients {
  readonly #document: Document;
  readonly #writers = new Map<number, Connection>();
  readonly #synced = new WeakSet<Connection>();

  constructor(document: Document) {
    this.#document = document;
  }

  /**
   * The server has what this client had. Not before: until then others may bring what it wrote and the server
   * lost, because it was broadcast and not yet committed when the server died.
   */
  synced(connection: Connection): void {
    this.#synced.add(connection);
  }

  /** This connection brought an edit under the id. */
  wrote(client: number, connection: Connection): void {
    if (this.#writers.get(client) === connection) return;
    this.#writers.set(client, connection);
    if (this.#writers.size > 2 * this.#document.getConnectionsCount() + 100) this.#forgetClosed();
  }

  /** True when news under this id belong to another author, who is here. */
  isForeign(client: number, connection: Connection): boolean {
    const writer = this.#writers.get(client);
    if (writer === connection) return false;
    if (writer !== undefined && this.#document.hasConnection(writer)) {
      return !isOfSameAuthor(writer, connection);
    }
    for (const [other, { clients }] of this.#document.connections) {
      if (clients.has(client) && this.#synced.has(other) && !isOfSameAuthor(other, connection)) {
        return true;
      }
    }
    return false;
  }

  #forgetClosed(): void {
    for (const [client, writer] of this.#writers) {
      if (!this.#document.hasConnection(writer)) this.#writers.delete(client);
    }
  }
}

/** Several tabs, or an old socket that does not know yet that it is lost: one author. */
function isOfSameAuthor(one: Connection, other: Connection): boolean {
  const { author } = one.context as SocketContext;
  const { userId, agentId } = (other.context as SocketContext).author;
  return author.userId === userId && author.agentId === agentId;
}
