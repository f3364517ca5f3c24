import * as decoding from "lib0/decoding";
import { WebSocket } from "ws";
import {
  addressBytes,
  authFrame,
  EMPTY_STATE_VECTOR,
  EMPTY_UPDATE,
  FRAME,
  SYNC,
  syncFrame,
} from "../../bench/wire.ts";

/** What became of an update: acknowledged, or the code its socket was closed with. */
export type Outcome = "accepted" | number;

/** An editor's socket that sends whatever bytes it is given as Update frames. */
export type Attacker = {
  /** Resolves when everything sent is acknowledged, or the socket is closed. */
  send(update: Uint8Array): Promise<Outcome>;
  readonly isOpen: boolean;
  close(): Promise<void>;
};

/** Nothing may take this long, ms: neither an acknowledgement nor a refusal. */
const SILENCE_MS = 30_000;

/** Connects, signs in and syncs. It keeps no document, so it has nothing when it is asked for more. */
export async function openAttacker(options: {
  readonly url: string;
  readonly name: string;
  readonly token: string;
}): Promise<Attacker> {
  const { url, name, token } = options;
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const start = addressBytes(name);
  // The answer to the server's SyncStep1 is the first that is owed.
  let owed = 1;
  let asked = 0;
  let closed: number | null = null;
  let settle: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    socket.on("close", (code) => {
      closed = code;
      settle();
      resolve();
    });
  });
  const settled = async (): Promise<Outcome> => {
    const answered = Promise.withResolvers<void>();
    const timer = setTimeout(() => answered.reject(new Error(`${name}: no answer`)), SILENCE_MS);
    settle = answered.resolve;
    if (owed > 0 && closed === null) await answered.promise;
    clearTimeout(timer);
    return closed ?? "accepted";
  };
  socket.on("error", () => {});
  socket.on("open", () => {
    socket.send(authFrame(name, token));
    socket.send(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
  });
  socket.on("message", (message: Uint8Array) => {
    const type = message[start] ?? -1;
    if (type === FRAME.syncStatus) {
      owed -= 1;
      if (owed === 0) settle();
    } else if (type === FRAME.sync || type === FRAME.syncReply) {
      const kind = decoding.readVarUint(decoding.createDecoder(message.subarray(start + 1)));
      if (kind !== SYNC.step1) return;
      asked += 1;
      if (asked > 1) owed += 1;
      socket.send(syncFrame(name, SYNC.step2, EMPTY_UPDATE));
    }
  });
  if ((await settled()) !== "accepted") throw new Error(`${name}: not opened, ${String(closed)}`);
  return {
    send(update) {
      owed += 1;
      socket.send(syncFrame(name, SYNC.update, update));
      return settled();
    },
    get isOpen() {
      return closed === null;
    },
    async close() {
      socket.close();
      await gone;
    },
  };
}
