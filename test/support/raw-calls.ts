import * as encoding from "lib0/encoding";
import * as decoding from "lib0/decoding";
import type { SocketAnswer } from "./socket-call.ts";
import { openRaw, rawFrame } from "./raw-socket.ts";

/** What became of a frame: the one answer to it, or the code that its socket was closed with. */
export type CallOutcome = { readonly answer: SocketAnswer } | { readonly closeCode: number };

/** A socket that has a document open and says whatever bytes a test likes, as calls. */
export type RawCaller = {
  /** One at a time. @throws Error when the frame before got more than one answer. */
  say(bytes: Uint8Array): Promise<CallOutcome>;
  /** Resolves when the server has worked through everything. @throws Error when the last frame got more than one answer. */
  close(): Promise<void>;
};

const STATELESS = 5;

/** Opens a document for calls. */
export async function openCaller(url: string, name: string, token: string): Promise<RawCaller> {
  const socket = await openRaw(url);
  await socket.open(name, token);
  const answers: SocketAnswer[] = [];
  let said = 0;
  let wake = (): void => undefined;
  socket.ws.on("message", (frame: Buffer) => {
    const typeAt = 1 + (frame[0] ?? 0);
    if (frame[typeAt] !== STATELESS) return;
    const told = decoding.readVarString(decoding.createDecoder(frame.subarray(typeAt + 1)));
    const message = JSON.parse(told) as SocketAnswer | { readonly event: string };
    // What everybody is told is no answer.
    if (!("event" in message)) answers.push(message);
    wake();
  });
  socket.ws.on("close", () => wake());
  const check = (): void => {
    if (answers.length > said) throw new Error(`${answers.length} answers to ${said} calls`);
  };
  return {
    async say(bytes) {
      check();
      said += 1;
      socket.send(statelessFrame(name, bytes));
      while (socket.closed === null && answers.length < said) {
        await new Promise<void>((resolve, reject) => {
          const timeout = setTimeout(() => reject(new Error(`call ${said} got no answer`)), 30_000);
          wake = () => {
            clearTimeout(timeout);
            resolve();
          };
        });
      }
      const answer = answers[said - 1];
      return answer === undefined ? { closeCode: socket.closed?.code ?? 0 } : { answer };
    },
    async close() {
      await socket.settled(name);
      check();
      socket.ws.terminate();
    },
  };
}

/** The text is written as bytes, so that it need not be UTF-8. */
function statelessFrame(name: string, bytes: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint8Array(encoder, bytes);
  return rawFrame(name, STATELESS, encoding.toUint8Array(encoder));
}
