import type { Connection, onAuthenticatePayload } from "@hocuspocus/server";
import type { Logger } from "pino";
import {
  addressOf,
  CollaborationSocket,
  nameIn,
  type SocketContext,
  type Transport,
} from "../extensions/collaboration-socket.ts";
import { tellFailure } from "../extensions/guarded-hooks.ts";
import { LiveDocuments, type LiveDocumentsOptions } from "../extensions/live-documents.ts";
import { codeOf, Refusal } from "../extensions/refusal.ts";
import type { SignIn } from "../extensions/sign-in.ts";
import { type GateOptions, UpdateGate } from "../extensions/update-gate.ts";
import { type ErrorCode, ScriptoriumError } from "../schema/errors.ts";
import { isDocumentName, parseDocumentName } from "../schema/ids.ts";

type SignInOptions = {
  readonly signIn: SignIn;
  readonly logger: Logger;
  readonly onRefused?: (code: ErrorCode) => void;
  readonly gate: Pick<GateOptions, "limits" | "check" | "onRefused">;
};

/** The live documents, and the way in for accepted websockets. */
export type Collaboration = {
  readonly documents: LiveDocuments;
  /** Takes over an accepted websocket. The caller feeds it frames and tells it when the other side is gone. */
  accept(
    transport: Transport,
    request: Request,
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
 * - beforeSync: the update gate, for what does not take the short way
 * - onDisconnect: the socket counts its documents
 * - beforeUnloadDocument: not before everybody who was handed the document has joined it
 * - afterUnloadDocument: a document that was left is projected and compacted
 *
 * Absent on purpose: onChange (runs after the acknowledgement), onStoreDocument (the log has taken its place),
 * beforeHandleMessage and afterHandleMessage (a promise chain each for every frame).
 */
export function createCollaboration(options: LiveDocumentsOptions & SignInOptions): Collaboration {
  const documents = new LiveDocuments(options);
  const gate = new UpdateGate(documents, { ...options.gate, logger: options.logger });
  documents.configure({
    ...withoutHooks,
    quiet: true,
    onAuthenticate: (payload) => authenticate(options, payload),
    onLoadDocument: ({ documentName, document }) => documents.load(documentName, document),
    afterLoadDocument: async ({ document }) => documents.loaded(document),
    beforeSync: async (message) => gate.receiveSync(message),
    connected: async ({ context, connection }) => joined(options.logger, context, connection),
    onDisconnect: async ({ context }) => context.socket.left(),
    beforeUnloadDocument: () => documents.mayUnload(),
    afterUnloadDocument: async ({ documentName }) => documents.unloaded(documentName),
  });
  return {
    documents,
    accept: (transport, request) => accept({ documents, gate }, transport, request),
  };
}

function accept(
  { documents, gate }: { readonly documents: LiveDocuments; readonly gate: UpdateGate },
  transport: Transport,
  request: Request,
): ReturnType<Collaboration["accept"]> {
  const socket = new CollaborationSocket({
    transport,
    liveDocument: (name) => documents.live(name),
    onClosed: (code, reason) => connection.handleClose({ code, reason }),
  });
  // The rest of the context is added by onAuthenticate, before any hook reads it.
  const context = { socket } as SocketContext;
  const connection = documents.handleConnection(socket, request, context);
  const receive = (frame: Uint8Array): void => {
    // Hocuspocus closes a socket it has not heard of for a minute.
    connection.lastMessageReceivedAt = Date.now();
    if (gate.receiveFrame(socket, frame)) return;
    // Looked at here: Hocuspocus keeps names in plain objects, which have a `constructor` (FIELD-NOTES 9).
    if (isDocumentName(nameIn(addressOf(frame)))) connection.handleMessage(frame);
    else socket.closeFor("bad_document_name");
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
  onStateless: undefined,
  onChange: undefined,
  onCreateDocument: undefined,
  onStoreDocument: undefined,
  afterStoreDocument: undefined,
  onAwarenessUpdate: undefined,
};

function joined(
  logger: Logger,
  { socket, principal }: SocketContext,
  connection: Connection,
): void {
  socket.joined(connection);
  const { connectionId } = socket;
  const { document, readOnly } = connection;
  logger.info(
    { connectionId, documentName: document.name, userId: principal.userId, readOnly },
    "document opened",
  );
}

async function authenticate(
  { signIn, logger, onRefused }: SignInOptions,
  { documentName, token, context, connectionConfig }: onAuthenticatePayload<SocketContext>,
): Promise<Partial<SocketContext>> {
  const { socket } = context;
  socket.opening();
  try {
    const address = parseDocumentName(documentName);
    const principal = await signIn.principal(token);
    const rights = await signIn.rightsOn(principal, address.documentId);
    if (!rights.includes("read")) {
      throw new ScriptoriumError("forbidden", "This key may not read documents");
    }
    // A discussion is written by commands alone (DESIGN 7): its sockets read.
    connectionConfig.readOnly = address.part === "comments" || !rights.includes("edit");
    const agentId = principal.kind === "key" ? principal.agentId : null;
    return { address, principal, author: { userId: principal.userId, agentId } };
  } catch (error) {
    const code = codeOf(error);
    logger.info(
      { connectionId: socket.connectionId, code, err: code === "internal" ? error : undefined },
      "sign-in refused",
    );
    onRefused?.(code);
    if (code === "storage_unavailable" || code === "internal") {
      socket.closeFor("storage_unavailable");
    } else socket.refused(code);
    throw new Refusal(code, error);
  }
}
