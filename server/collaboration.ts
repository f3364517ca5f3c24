import type { Connection, onAuthenticatePayload } from "@hocuspocus/server";
import type { Logger } from "pino";
import {
  addressOf,
  type Allowance,
  CollaborationSocket,
  nameIn,
  type SocketContext,
  type Transport,
} from "../extensions/collaboration-socket.ts";
import { tellFailure } from "../extensions/guarded-hooks.ts";
import { deliverPresence, receiveFrame } from "../extensions/frame-gate.ts";
import { groundsFor } from "../extensions/grounds.ts";
import { LiveDocuments, type LiveDocumentsOptions } from "../extensions/live-documents.ts";
import { LiveRights } from "../extensions/live-rights.ts";
import { codeOf, Refusal } from "../extensions/refusal.ts";
import { renew } from "../extensions/renewal.ts";
import type { SignIn } from "../extensions/sign-in.ts";
import { createSignInsWaiting } from "../extensions/sign-ins-waiting.ts";
import { UpdateGate } from "../extensions/update-gate.ts";
import type { IntakeOptions } from "../extensions/update-intake.ts";
import { type ErrorCode, ScriptoriumError } from "../schema/errors.ts";
import { parseDocumentName } from "../schema/ids.ts";

type SignInOptions = {
  readonly signIn: SignIn;
  readonly logger: Logger;
  readonly onRefused: (code: ErrorCode) => void;
  /** A socket is closed for this reason. */
  readonly onCut: (code: ErrorCode) => void;
  readonly gate: Omit<IntakeOptions, "logger">;
  /** Takes a stateless message of an open document. Never rejects. */
  readonly onCall: (connection: Connection, payload: string) => Promise<void>;
};

/** The live documents, and the way in for accepted websockets. */
export type Collaboration = {
  readonly documents: LiveDocuments;
  /** Who may do what on the live documents, kept up to date. */
  readonly rights: LiveRights;
  /** Takes over an accepted websocket. The caller feeds it frames and tells it when the other side is gone. */
  accept(
    transport: Transport,
    request: Request,
    allowance: Allowance,
  ): {
    receive(frame: Uint8Array): void;
    lost(code: number, reason: string): void;
    socket: CollaborationSocket;
  };
};

/**
 * Hocuspocus as this server uses it. What a hook throws costs one socket (extensions/guarded-hooks.ts). The hooks, in
 * the order they run:
 *
 * - onAuthenticate: who is it, may he read this document, may he write
 * - onLoadDocument: the log is the storage; nothing else loads
 * - afterLoadDocument: registers the log's own listener, when what was loaded cannot be heard as an edit
 * - connected: the socket learns the address, for the short way of updates (extensions/update-gate.ts)
 * - onTokenSync: a newer token takes the place of the one that expires
 * - beforeSync: the update gate, for what does not take the short way
 * - onStateless: a command, such as a comment, from whoever has the document open (server/rest/socket-calls.ts)
 * - onDisconnect: the socket counts its documents
 * - beforeUnloadDocument: not before everybody who was handed the document has joined it
 * - afterUnloadDocument: a document that was left is projected and compacted
 *
 * Absent on purpose: onChange (runs after the acknowledgement), onStoreDocument (the log has taken its place),
 * beforeHandleMessage and afterHandleMessage (a promise chain each for every frame).
 */
export function createCollaboration(
  options: Omit<LiveDocumentsOptions, "isOutdated"> & SignInOptions,
): Collaboration {
  const rights = new LiveRights();
  const waiting = createSignInsWaiting();
  const documents = new LiveDocuments({
    ...options,
    isOutdated: ({ asOf, grounds, address }) => rights.isOutdated(asOf, grounds, address),
  });
  const gate = new UpdateGate(documents, { ...options.gate, logger: options.logger });
  documents.configure({
    ...withoutHooks,
    quiet: true,
    onAuthenticate: (payload) => authenticate({ ...options, rights, waiting }, payload),
    onLoadDocument: ({ documentName, document }) => documents.load(documentName, document),
    afterLoadDocument: async ({ document }) => documents.loaded(document),
    onTokenSync: ({ connection, token }) => renew({ ...options, rights }, connection, token),
    beforeSync: (message) => gate.receiveSync(message),
    connected: async ({ context, connection }) =>
      joined({ ...options, rights }, context, connection),
    onStateless: ({ connection, payload }) => options.onCall(connection, payload),
    onDisconnect: async ({ context }) => context.socket.left(),
    beforeUnloadDocument: () => documents.mayUnload(),
    afterUnloadDocument: async ({ documentName }) => documents.unloaded(documentName),
  });
  return {
    documents,
    rights,
    accept: (transport, request, allowance) =>
      accept({ documents, gate, onCut: options.onCut }, { transport, request, allowance }),
  };
}

type Receivers = Pick<SignInOptions, "onCut"> & {
  readonly documents: LiveDocuments;
  readonly gate: UpdateGate;
};

function accept(
  { documents, gate, onCut }: Receivers,
  accepted: { transport: Transport; request: Request; allowance: Allowance },
): ReturnType<Collaboration["accept"]> {
  const socket = new CollaborationSocket({
    ...accepted,
    liveDocument: (name) => documents.live(name),
    onClosed: (code, reason) => connection.handleClose({ code, reason }),
    onCut,
  });
  // The rest of the context is added by onAuthenticate, before any hook reads it.
  const context = { socket } as SocketContext;
  const connection = documents.handleConnection(socket, accepted.request, context);
  const receive = (frame: Uint8Array): void => {
    // The other side goes on sending until it has heard.
    if (socket.isClosed) return;
    // Hocuspocus closes a socket it has not heard of for a minute.
    connection.lastMessageReceivedAt = Date.now();
    if (!gate.receiveFrame(socket, frame)) receiveFrame(socket, frame, connection.handleMessage);
  };
  return {
    socket,
    receive: (frame) => {
      try {
        receive(frame);
      } catch (error) {
        // Past ws' emitter it would end the process.
        const documentName = nameIn(addressOf(frame));
        tellFailure(
          documents.failureReport,
          "receiveUpdateFrame",
          { documentName, context },
          error,
        );
      }
    },
    lost: (code, reason) => socket.lost(code, reason),
  };
}

/** Hocuspocus fills these with hooks that do nothing, each a promise for every frame (FIELD-NOTES 11a). */
const withoutHooks: object = {
  onConnect: undefined,
  beforeHandleMessage: undefined,
  afterHandleMessage: undefined,
  beforeHandleAwareness: undefined,
  beforeBroadcastStateless: undefined,
  onChange: undefined,
  onCreateDocument: undefined,
  onStoreDocument: undefined,
  afterStoreDocument: undefined,
  onAwarenessUpdate: undefined,
};

function joined(
  { logger, rights }: { readonly logger: Logger; readonly rights: LiveRights },
  { socket, author, grounds }: SocketContext,
  connection: Connection,
): void {
  socket.joined(connection);
  rights.admit(connection, grounds);
  deliverPresence(socket, connection.messageAddress);
  if (connection.document.getConnectionsCount() > socket.allowance.socketsPerDocument) {
    socket.allowance.onLimit("sockets_per_document");
    socket.closeFor("too_many_requests");
  }
  const { connectionId } = socket;
  const { document, readOnly } = connection;
  logger.info(
    { connectionId, documentName: document.name, userId: author.userId, readOnly },
    "document opened",
  );
}

type Admission = {
  readonly rights: LiveRights;
  readonly waiting: ReturnType<typeof createSignInsWaiting>;
};

async function authenticate(
  { signIn, rights, waiting, logger, onRefused }: SignInOptions & Admission,
  { documentName, token, context, connectionConfig }: onAuthenticatePayload<SocketContext>,
): Promise<Partial<SocketContext>> {
  const { socket } = context;
  socket.opening();
  const asOf = rights.moment;
  try {
    const address = parseDocumentName(documentName);
    const { network } = socket;
    const grounds = await waiting(() => groundsFor(signIn, { token, network }, address));
    connectionConfig.readOnly = grounds.admission === "read";
    const { principal } = grounds;
    if (!socket.allowance.signedIn(principal)) {
      socket.allowance.onLimit("sockets_per_principal");
      throw new ScriptoriumError("too_many_requests", "Too many sockets of yours are open");
    }
    const agentId = principal.kind === "key" ? principal.agentId : null;
    return { address, grounds, asOf, author: { userId: principal.userId, agentId } };
  } catch (error) {
    const code = codeOf(error);
    logger.info(
      { connectionId: socket.connectionId, code, err: code === "internal" ? error : undefined },
      "sign-in refused",
    );
    onRefused(code);
    if (code === "storage_unavailable" || code === "internal") {
      socket.closeFor("storage_unavailable");
    } else socket.refused(code);
    throw new Refusal(code, error);
  }
}
