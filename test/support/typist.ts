import * as Y from "yjs";
import { openLightClient } from "../../bench/light-client.ts";
import { SYNC, syncFrame } from "../../bench/wire.ts";
import { documentName } from "../../schema/ids.ts";
import { type Edit, type Oracle, tokenOf } from "./oracle.ts";
import { TEXT } from "./replay.ts";

/** A client that writes and deletes tokens, and tells the oracle what it sent and what was acknowledged. It never reconnects. */
export type Typist = {
  readonly documentId: string;
  /** Makes an edit and sends it; the update that it sent. */
  edit(): Uint8Array;
  /** Sends bytes as an Update frame: one that was sent before, or somebody else's. */
  resend(update: Uint8Array): void;
  /** Acknowledgements it got. */
  readonly acknowledgements: number;
  readonly unacknowledged: number;
  /** The code its socket was closed with; null while it is open. */
  readonly closeCode: number | null;
  /** Ends the socket and forgets what it wrote. */
  destroy(): Promise<void>;
};

/** One edit in so many deletes a token instead of writing one. */
const DELETE_EVERY = 5;

let lastNumber = 0;

/** Connects a typist; resolves when it is synced. */
export async function openTypist(options: {
  url: string;
  documentId: string;
  token: string;
  oracle: Oracle;
  random: () => number;
}): Promise<Typist> {
  const { url, documentId, token, oracle, random } = options;
  const number = (lastNumber += 1);
  const name = documentName(documentId, "content");
  const pen = createPen(number, random);
  const unacknowledged: (Edit | null)[] = [];
  let acknowledgements = 0;
  let closeCode: number | null = null;
  const client = await openLightClient({
    url,
    name,
    token,
    clientId: pen.clientId,
    onAcknowledged: () => {
      const edit = unacknowledged.shift() ?? null;
      acknowledgements += 1;
      if (edit !== null) oracle.saved(documentId, edit);
    },
    onClosed: (code) => {
      closeCode = code;
    },
  });
  const send = (edit: Edit | null, update: Uint8Array): void => {
    if (edit !== null) oracle.sent(documentId, edit);
    unacknowledged.push(edit);
    client.send(syncFrame(name, SYNC.update, update));
  };
  return {
    documentId,
    edit() {
      const { edit, update } = pen.write();
      send(edit, update);
      return update;
    },
    resend: (update) => send(null, update),
    get acknowledgements() {
      return acknowledgements;
    },
    get unacknowledged() {
      return unacknowledged.length;
    },
    get closeCode() {
      return closeCode;
    },
    async destroy() {
      pen.destroy();
      if (closeCode === null) await client.close();
    },
  };
}

/** Makes the edits. Its document holds only what it wrote itself: everybody else's edits are concurrent to it. */
function createPen(number: number, random: () => number) {
  const doc = new Y.Doc();
  const text = doc.getText(TEXT);
  const tokens: string[] = [];
  let edits = 0;
  const change = (): Edit => {
    edits += 1;
    const index = Math.floor(random() * (tokens.length + 1));
    const at = tokens.slice(0, index).reduce((sum, token) => sum + token.length, 0);
    const old = tokens[index];
    if (edits % DELETE_EVERY === 0 && old !== undefined) {
      text.delete(at, old.length);
      tokens.splice(index, 1);
      return { kind: "delete", token: old };
    }
    const token = tokenOf(number, edits);
    text.insert(at, token);
    tokens.splice(index, 0, token);
    return { kind: "insert", token };
  };
  return {
    clientId: doc.clientID,
    write(): { edit: Edit; update: Uint8Array } {
      let update: Uint8Array = new Uint8Array();
      doc.once("update", (bytes: Uint8Array) => {
        update = bytes;
      });
      return { edit: change(), update };
    },
    destroy: () => doc.destroy(),
  };
}

/** Lets typists make edits at a steady rate, in all, until the answer is called. */
export function typeSteadily(
  typists: readonly Typist[],
  { perSecond, random }: { perSecond: number; random: () => number },
): () => void {
  const startedMs = performance.now();
  let made = 0;
  // 10 ms: a few edits at a time, as the sockets of many people bring them.
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) / 1000) * perSecond;
    for (; made < due; made += 1) {
      const typist = typists[Math.floor(random() * typists.length)];
      if (typist?.closeCode === null) typist.edit();
    }
  }, 10);
  return () => clearInterval(timer);
}
