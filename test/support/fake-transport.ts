import * as decoding from "lib0/decoding";
import { authFrame, EMPTY_STATE_VECTOR, FRAME, SYNC, syncFrame } from "../../bench/wire.ts";
import type { Collaboration } from "../../server/collaboration.ts";

/** A client without a network: frames are handed to the server's collaboration in the same turn. */
export type FakePeer = {
  /** SyncStatus frames that said "applied", and "refused". */
  accepted: number;
  refused: number;
  denied: string | null;
  /** The document was sent in full. */
  synced: boolean;
  closed: { code: number; reason: string } | null;
  /** Says goodbye to the document, and keeps the socket. */
  leave(): void;
  signIn(): void;
  update(bytes: Uint8Array): void;
  /** The other side is gone without a word. */
  lose(): void;
};

/** What is tested with it is hardly ever how much a socket may. */
const UNLIMITED = {
  documents: 1000,
  socketsPerDocument: 10_000,
  signInWithinMs: 60_000,
  asking: { perSecond: 1000, burst: 1000 },
  maySignIn: () => true,
  signedIn: () => true,
  busyFor: () => {},
  onLimit: () => {},
};

const OPEN = 1;
const CLOSED = 3;

/** Opens a socket without signing in. */
export function connectFake(
  { accept }: Pick<Collaboration, "accept">,
  { name, token, ...limits }: { name: string; token: string; busyFor?: (ms: number) => void },
): FakePeer {
  let readyState = OPEN;
  const transport = {
    get readyState() {
      return readyState;
    },
    network: "127.0.0.1",
    send: (frame: Uint8Array) => read(peer, frame),
    close: (code: number, reason: string) => {
      readyState = CLOSED;
      peer.closed = { code, reason };
    },
  };
  const allowance = { ...UNLIMITED, ...limits };
  const connection = accept(transport, new Request("http://localhost/collaboration"), allowance);
  const peer: FakePeer = {
    accepted: 0,
    refused: 0,
    denied: null,
    synced: false,
    closed: null,
    signIn() {
      connection.receive(authFrame(name, token));
      connection.receive(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
    },
    update: (bytes) => connection.receive(syncFrame(name, SYNC.update, bytes)),
    leave: () => connection.receive(closeFrame(name)),
    lose() {
      readyState = CLOSED;
      peer.closed ??= { code: 1006, reason: "" };
      connection.lost(1006, "");
    },
  };
  return peer;
}

const closeFrame = (name: string): Uint8Array =>
  Buffer.concat([Uint8Array.of(name.length), Buffer.from(name), Uint8Array.of(FRAME.close)]);

function read(peer: FakePeer, frame: Uint8Array): void {
  const decoder = decoding.createDecoder(frame);
  decoding.readVarString(decoder);
  const type = decoding.readVarUint(decoder);
  if (type === FRAME.syncStatus) {
    if (decoding.readVarUint(decoder) === 1) peer.accepted += 1;
    else peer.refused += 1;
  } else if (type === FRAME.auth) {
    if (decoding.readVarUint(decoder) === 1) peer.denied = decoding.readVarString(decoder);
  } else if (type === FRAME.sync && decoding.readVarUint(decoder) === SYNC.step2) {
    peer.synced = true;
  }
}
