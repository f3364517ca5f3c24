import * as encoding from "lib0/encoding";

/** Frame types of the Hocuspocus protocol (source: `@hocuspocus/provider` 4.7, `types.ts`). All fit in one byte. */
export const FRAME = {
  sync: 0,
  awareness: 1,
  auth: 2,
  syncReply: 4,
  close: 7,
  syncStatus: 8,
  ping: 9,
  pong: 10,
} as const;

/** Kinds of sync frame (source: y-protocols `sync.js`). */
export const SYNC = { step1: 0, step2: 1, update: 2 } as const;

/** What the stock provider writes after its token; servers record it, none decides by it. */
const PROVIDER_VERSION = "4.7.0";

/** An update that changes nothing: no structs, no deletions. */
export const EMPTY_UPDATE = Uint8Array.of(0, 0);

/** The state vector of a document nobody has written in. */
export const EMPTY_STATE_VECTOR = Uint8Array.of(0);

function frame(name: string, type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarString(encoder, name);
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

export const authFrame = (name: string, token: string): Uint8Array =>
  frame(name, FRAME.auth, (encoder) => {
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarString(encoder, token);
    encoding.writeVarString(encoder, PROVIDER_VERSION);
  });

export const syncFrame = (
  name: string,
  kind: (typeof SYNC)[keyof typeof SYNC],
  body: Uint8Array,
): Uint8Array =>
  frame(name, FRAME.sync, (encoder) => {
    encoding.writeVarUint(encoder, kind);
    encoding.writeVarUint8Array(encoder, body);
  });

/** The empty presence that every stock provider announces when it starts to sync. */
export const awarenessFrame = (name: string, clientId: number): Uint8Array =>
  frame(name, FRAME.awareness, (encoder) => {
    const states = encoding.createEncoder();
    encoding.writeVarUint(states, 1);
    encoding.writeVarUint(states, clientId);
    encoding.writeVarUint(states, 0);
    encoding.writeVarString(states, "{}");
    encoding.writeVarUint8Array(encoder, encoding.toUint8Array(states));
  });

export const pongFrame = (name: string): Uint8Array => frame(name, FRAME.pong, () => {});

/** How many bytes of a frame are its address, so that a reader can step over them without decoding text. */
export function addressBytes(name: string): number {
  const encoder = encoding.createEncoder();
  encoding.writeVarString(encoder, name);
  return encoding.length(encoder);
}
