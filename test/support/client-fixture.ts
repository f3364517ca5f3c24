import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach } from "vitest";
import {
  type Collaboration,
  type CollaborationOptions,
  type Connection,
  createCollaboration,
  createConnection,
} from "../../client/index.ts";
import { type HoldingServer, plainText, startHoldingServer } from "./holding-server.ts";
import { until } from "./until.ts";

export const ID = "00000000-0000-4000-8000-000000000001";
export const NAME = `document:${ID}`;

const BACKOFF = { minMs: 5, firstMs: 20, maxMs: 40 };

export type ClientFixture = {
  /** The server of the running test. */
  readonly server: HoldingServer;
  /** A collaboration that is closed when the test ends. */
  collaborate(options?: Partial<CollaborationOptions>): Collaboration;
  /** A connection that is closed when the test ends. */
  share(): Connection;
};

/** One holding server per test; after it everything is closed, and the test fails if a socket was left. */
export function useClientFixture(): ClientFixture {
  let server: HoldingServer;
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.unshift(one);
    return one;
  };

  beforeEach(async () => {
    server = await startHoldingServer();
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    await until(() => server.sockets === 0, { describe: "every socket is closed" });
    await server.close();
  });

  return {
    get server() {
      return server;
    },
    collaborate: (options = {}) =>
      keep(
        createCollaboration({
          url: server.url,
          backoff: BACKOFF,
          documentId: ID,
          token: "token",
          ...options,
        }),
      ),
    share: () => keep(createConnection({ url: server.url, backoff: BACKOFF })),
  };
}

/** Writes at the start of the document. */
export const type = ({ document }: Collaboration, text: string): void =>
  document.getText("diagram").insert(0, text);

export const textOf = ({ document }: Collaboration): string => plainText(document);

export const untilStatus = async (collaboration: Collaboration, status: string): Promise<void> =>
  until(() => collaboration.status === status, { describe: `the status is ${status}` });

/** Whether a promise is settled by now. */
export async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await turn();
  return settled;
}
