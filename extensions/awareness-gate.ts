import type { Connection, Document } from "@hocuspocus/server";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { SocketContext } from "./collaboration-socket.ts";

/** A name, a colour, where the carets are: some hundred bytes. */
const MAX_STATE_BYTES = 16 * 1024;

/** Deeper is nothing that an editor shows, and all who compare two states walk through them. */
const MAX_STATE_DEPTH = 16;

/** Client ids that one connection may show; a provider has one, and Yjs gives it another when two had the same. */
const MAX_CLIENTS = 8;

/** A frame may tell of everybody who has not been heard of. */
const MAX_ENTRIES = 2000;

/** What an awareness frame says of one client (source: y-protocols `awareness.js`). `state` null: he has left. */
type Entry = { readonly client: number; readonly clock: number; readonly state: string };

/**
 * Whose presence is whose, for as long as a document is in memory. Whoever came with a client id first keeps it, also
 * while he is away: else another could take it meanwhile, and he would be refused when he comes back.
 */
const ownersOf = new WeakMap<Document, Map<number, string>>();

const shownBy = new WeakMap<Connection, Set<number>>();

/**
 * Takes in an awareness frame and lets it be told to the others. False when it is refused: a state that is too large,
 * too deep or no object, too many clients, or somebody else's client id. Then nothing of it was taken in.
 *
 * That somebody else has left is passed over: an honest provider says so of everybody it has not heard of for 30 s.
 * Hocuspocus' own way makes a document with a timer for each frame, and forgets that somebody has left.
 */
export function receiveAwareness(connection: Connection, body: Uint8Array): boolean {
  const { document } = connection;
  if (!document.hasConnection(connection)) return true;
  const author = authorOf(connection);
  const owners = ownersOf.get(document) ?? new Map<number, string>();
  ownersOf.set(document, owners);
  let entries: Entry[];
  try {
    entries = readEntries(body);
  } catch {
    return false;
  }
  const isOwn = ({ client }: Entry): boolean => owners.get(client) === author;
  const present = entries.filter(({ state }) => state !== "null");
  if (present.some(({ client }) => (owners.get(client) ?? author) !== author)) return false;
  const shown = new Set(shownBy.get(connection));
  for (const { client } of present) shown.add(client);
  if (shown.size > MAX_CLIENTS) return false;
  shownBy.set(connection, shown);
  for (const { client } of present) owners.set(client, author);
  const accepted = entries.filter(isOwn);
  if (accepted.length === 0) return true;
  document.applyAwarenessUpdate(connection, writeEntries(accepted));
  // Yjs calls a client that comes back "updated", and Hocuspocus would not know whose he is when the socket ends.
  for (const { client } of present) settle(connection, client);
  return true;
}

/** A client id belongs to one connection: its newest. */
function settle(connection: Connection, client: number): void {
  const { connections } = connection.document;
  const clients = connections.get(connection)?.clients;
  if (clients === undefined || clients.has(client)) return;
  for (const each of connections.values()) each.clients.delete(client);
  clients.add(client);
}

const authorOf = ({ context }: Connection): string => {
  const { userId, agentId } = (context as SocketContext).author;
  return `${userId ?? ""} ${agentId ?? ""}`;
};

/** Throws for what is no awareness update, or none that is let in. */
function readEntries(body: Uint8Array): Entry[] {
  const update = decoding.createDecoder(
    decoding.readVarUint8Array(decoding.createDecoder(body.subarray(1))),
  );
  const entries: Entry[] = [];
  const count = decoding.readVarUint(update);
  if (count > MAX_ENTRIES) throw new RangeError("too many");
  while (entries.length < count) {
    const client = decoding.readVarUint(update);
    const clock = decoding.readVarUint(update);
    const state = decoding.readVarString(update);
    if (state.length > MAX_STATE_BYTES) throw new RangeError("too large");
    const value: unknown = JSON.parse(state);
    if (typeof value !== "object" || Array.isArray(value) || !isShallow(value, MAX_STATE_DEPTH)) {
      throw new TypeError("not a state");
    }
    entries.push({ client, clock, state: JSON.stringify(value) });
  }
  return entries;
}

const isShallow = (value: unknown, depth: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (depth > 0 && Object.values(value).every((each) => isShallow(each, depth - 1)));

function writeEntries(entries: readonly Entry[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, entries.length);
  for (const { client, clock, state } of entries) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, state);
  }
  return encoding.toUint8Array(encoder);
}
