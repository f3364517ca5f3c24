import type { Connection } from "@hocuspocus/server";
import type { Logger } from "pino";
import { messageYjsSyncStep2, messageYjsUpdate } from "y-protocols/sync";
import * as Y from "yjs";
import type { SocketContext } from "./collaboration-socket.ts";
import type { LiveDocument } from "./live-document.ts";
import type { LiveDocuments } from "./live-documents.ts";
import { NewClients } from "./new-clients.ts";
import { codeOf } from "./refusal.ts";
import { createBuckets, type TokenBucket } from "./token-bucket.ts";
import {
  type CheckedUpdate,
  type DecodedUpdate,
  UPDATE_FAULTS,
  type UpdateFault,
  type UpdateLimits,
} from "./update-check.ts";
import type { UpdateCheckThread } from "./update-check-thread.ts";
import type { SyncMessage } from "./update-gate.ts";

/**
 * What became of an update: it is in the document and the log; its socket is closed; it waits for another update,
 * and nothing has happened; or it is large, or much work, and it has to be tried apart first.
 */
export type Intake = "taken" | "refused" | "waits" | "apart";

/** What may come in at once. */
export type GateLimits = {
  readonly update: UpdateLimits & { readonly maxBytes: number };
  readonly firstSync: UpdateLimits & { readonly maxBytes: number };
  /** New Yjs client ids of one author in one document in an hour. */
  readonly maxNewClients: number;
  /** An update of more bytes or more parts is tried apart. */
  readonly apart: { readonly bytes: number; readonly structs: number };
};

/** What is needed to judge updates, and who is told. */
export type IntakeOptions = {
  readonly limits: GateLimits;
  readonly check: (update: DecodedUpdate, doc: Y.Doc, limits: UpdateLimits) => CheckedUpdate;
  readonly thread: Pick<UpdateCheckThread, "check">;
  readonly logger: Logger;
  readonly onRefused: (fault: UpdateFault) => void;
};

/**
 * Items that may be looked through for the updates of one author, on all his sockets: what may be for one update,
 * twice at once. Counted, not timed: a busy machine is nobody's fault.
 */
const PACE = { perSecond: 20_000, burst: 1_000_000 };

/** An update, and whether it has been tried apart. */
type Decoded = { readonly decoded: DecodedUpdate; readonly isTried: boolean };

/** Judges one update, applies it, and refuses what is not good: a reason for the log, a code for the socket. */
export class UpdateIntake {
  readonly #documents: LiveDocuments;
  readonly #options: IntakeOptions;
  readonly #newClients: NewClients;
  readonly #paces = createBuckets(PACE);

  constructor(documents: LiveDocuments, options: IntakeOptions) {
    this.#documents = documents;
    this.#options = options;
    this.#newClients = new NewClients(options.limits.maxNewClients);
  }

  /** True while so many bytes of a connection may wait for a missing update. */
  mayWait(bytes: number): boolean {
    return bytes <= this.#options.limits.update.maxBytes;
  }

  /** Checks and applies one update. What waits for another has changed nothing, nor has what was refused. */
  take(live: LiveDocument, message: SyncMessage): Intake {
    const { payload, connection } = message;
    const { apart } = this.#options.limits;
    // Before it costs anything. Whoever waits gets what was refused last.
    if (this.#paceOf(connection).isShort) return this.refuse(live, connection, "pace");
    if (payload.length > this.#limitsOf(message).maxBytes) {
      return this.refuse(live, connection, "size");
    }
    if (payload.length > apart.bytes) return "apart";
    const decoded = decode(payload);
    if (decoded === null) return this.refuse(live, connection, "unreadable");
    if (decoded.structs.length > apart.structs) return "apart";
    return this.#takeDecoded(live, message, { decoded, isTried: false });
  }

  /** Tries an update on a copy of the document, in a thread. */
  async tryApart(live: LiveDocument, message: SyncMessage): Promise<"fine" | "refused"> {
    const { connection, payload } = message;
    const { thread } = this.#options;
    const { socket, author } = connection.context as SocketContext;
    const state = (): Uint8Array => {
      const begunMs = performance.now();
      const bytes = Y.encodeStateAsUpdate(live.document);
      socket.allowance.busyFor(performance.now() - begunMs);
      return bytes;
    };
    try {
      const who = keyOf(author);
      const fault = await thread.check(payload, { state, limits: this.#limitsOf(message), who });
      return fault === null ? "fine" : this.refuse(live, connection, fault);
    } catch (error) {
      socket.closeFor(codeOf(error));
      return "refused";
    }
  }

  /** Takes what was tried: once more from the start, because the document has changed meanwhile. */
  takeTried(live: LiveDocument, message: SyncMessage): Intake {
    const decoded = decode(message.payload);
    if (decoded === null) return this.refuse(live, message.connection, "unreadable");
    return this.#takeDecoded(live, message, { decoded, isTried: true });
  }

  /** Closes the socket; the reason goes to the log and the metrics. */
  refuse(live: LiveDocument, connection: Connection, fault: UpdateFault): "refused" {
    const { socket, author } = connection.context as SocketContext;
    const { logger, onRefused } = this.#options;
    const { connectionId } = socket;
    const documentName = live.document.name;
    const reason = UPDATE_FAULTS[fault];
    onRefused(fault);
    logger.warn({ connectionId, documentName, ...author, fault, reason }, "update refused");
    if (fault === "threw") this.#documents.discard(live, socket);
    else if (fault === "pace") socket.closeFor("too_many_requests");
    else socket.closeFor(fault === "size" ? "too_large" : "bad_update");
    return "refused";
  }

  #limitsOf({ type }: SyncMessage): GateLimits["update"] {
    const { update, firstSync } = this.#options.limits;
    return type === messageYjsSyncStep2 ? firstSync : update;
  }

  /** What it costs to judge an update counts as its author's, also when it is refused. */
  #takeDecoded(live: LiveDocument, message: SyncMessage, update: Decoded): Intake {
    const { socket } = message.connection.context as SocketContext;
    const begunMs = performance.now();
    const outcome = this.#judge(live, message, update);
    // In Yjs the price of an insertion grows with what others inserted at the same place: no count of bytes bounds it.
    socket.allowance.busyFor(performance.now() - begunMs);
    return outcome;
  }

  #judge(live: LiveDocument, message: SyncMessage, { decoded, isTried }: Decoded): Intake {
    const { connection, type, payload } = message;
    const { author } = connection.context as SocketContext;
    const checked = this.#options.check(decoded, live.document, this.#limitsOf(message));
    const isInPace = checked.looked === 0 || this.#paceOf(connection).tryTake(checked.looked);
    const fault = checked.fault ?? this.#clientFault(live, connection, checked);
    if (fault !== null) return this.refuse(live, connection, fault);
    if (!isInPace) return this.refuse(live, connection, "pace");
    if (checked.isIncomplete) return "waits";
    if (checked.isLarge && !isTried) return "apart";
    if (!live.receive(payload, author)) return this.refuse(live, connection, "threw");
    const [client] = checked.news;
    // An edit is of one client; what brings several is a copy that somebody kept, and they may come back.
    if (type === messageYjsUpdate && client !== undefined && checked.news.length === 1) {
      live.writers.wrote(client, connection);
    }
    return "taken";
  }

  #paceOf(connection: Connection): TokenBucket {
    return this.#paces(keyOf((connection.context as SocketContext).author));
  }

  #clientFault(
    live: LiveDocument,
    connection: Connection,
    { news, newcomers, isIncomplete }: CheckedUpdate,
  ): UpdateFault | null {
    for (const client of news) {
      if (live.writers.isForeign(client, connection)) return "foreign_client";
    }
    if (newcomers === 0 || isIncomplete) return null;
    const { author } = connection.context as SocketContext;
    const who = `${live.document.name} ${keyOf(author)}`;
    return this.#newClients.take(who, newcomers) ? null : "clients";
  }
}

const keyOf = ({ userId, agentId }: SocketContext["author"]): string => `${userId} ${agentId}`;

function decode(update: Uint8Array): DecodedUpdate | null {
  try {
    return Y.decodeUpdate(update);
  } catch {
    return null;
  }
}
