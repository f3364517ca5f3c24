import { Agent, request, type IncomingMessage } from "node:http";

/** A request as it goes over the wire: nothing is added, nothing is put right. */
export type DoorRequest = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
};

/** What came back, all of it. */
export type DoorAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

/** The way to a server's HTTP port. */
export type Door = {
  send(request: DoorRequest): Promise<DoorAnswer>;
  close(): void;
};

/** A request that has no answer after this long is a fault of its own, ms. */
const ANSWER_WITHIN_MS = 20_000;

/** `fetch` mends paths and refuses some methods and headers; the tests need a door that does not. */
export function openDoor(port: number, { maxSockets = 16 } = {}): Door {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return {
    send: (sent) =>
      new Promise((resolve, reject) => {
        const { method, path, body } = sent;
        const headers = { ...sent.headers, ...lengthOf(body) };
        const options = { host: "127.0.0.1", port, method, path, headers, agent };
        const outgoing = request({ ...options, timeout: ANSWER_WITHIN_MS }, (incoming) => {
          const chunks: Buffer[] = [];
          const answer = (): void =>
            resolve({
              status: incoming.statusCode ?? 0,
              headers: Object.fromEntries(
                Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
              ),
              text: Buffer.concat(chunks).toString(),
            });
          incoming.on("data", (chunk: Buffer) => {
            chunks.push(chunk);
            if (!isStream(incoming)) return;
            answer();
            incoming.destroy();
          });
          incoming.once("error", reject);
          incoming.once("end", answer);
        });
        outgoing.once("timeout", () => outgoing.destroy(new Error(`no answer: ${method} ${path}`)));
        outgoing.once("error", reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** A stream has no end: how it begins is its answer. */
const isStream = ({ headers }: IncomingMessage): boolean =>
  headers["content-type"]?.startsWith("text/event-stream") === true;

const lengthOf = (body: string | Buffer | undefined): Record<string, string> =>
  body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
