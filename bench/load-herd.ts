import * as Y from "yjs";
import { FIRST_CLIENT_ID, proseUpdate } from "./content.ts";
import { type LightClient, openLightClient } from "./light-client.ts";
import type { Address, OnPhase } from "./load-job.ts";
import { SYNC, syncFrame } from "./wire.ts";

/** Documents filled at the same time. */
const SEEDING = 25;

/**
 * Sockets in their TCP and HTTP handshake at the same time: below Node's listen backlog of 511, or a dropped SYN's
 * one-second retry is what the row would measure.
 */
const HANDSHAKES = 250;

export type SeedProseJob = Address & { names: string[]; bytes: number };

/** Fills every document with the same prose. */
export async function seedProse(job: SeedProseJob): Promise<void> {
  const update = proseUpdate(job.bytes);
  const waiting = [...job.names];
  const fill = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const stored = Promise.withResolvers<void>();
      const client = await openLightClient({
        ...job,
        name,
        clientId: FIRST_CLIENT_ID,
        onAcknowledged: stored.resolve,
        onClosed: (code) => stored.reject(new Error(`Closed with ${code} while it was filled`)),
      });
      client.send(syncFrame(name, SYNC.update, update));
      await stored.promise;
      await client.close();
    }
  };
  await Promise.all(Array.from({ length: SEEDING }, fill));
}

export type ReconnectHerdJob = Address & {
  names: string[];
  bytes: number;
  clientsPerDocument: number;
};

/** Everybody comes back at once with the document they had; seconds until the last one is synced. */
export async function reconnectHerd(
  job: ReconnectHerdJob,
  onPhase: OnPhase,
): Promise<{ seconds: number }> {
  const stateVector = Y.encodeStateVectorFromUpdate(proseUpdate(job.bytes));
  const waiting = Array.from({ length: job.clientsPerDocument }, (_, index) =>
    job.names.map((name) => ({ name, clientId: FIRST_CLIENT_ID + index })),
  ).flat();
  const clients: Promise<LightClient>[] = [];
  const connectNext = (): void => {
    const next = waiting.pop();
    if (next === undefined) return;
    clients.push(openLightClient({ ...job, ...next, stateVector, onOpen: connectNext }));
  };
  const total = waiting.length;
  onPhase("begin");
  const startedAt = performance.now();
  for (let handshake = 0; handshake < HANDSHAKES; handshake += 1) connectNext();
  let herd: LightClient[] = [];
  while (herd.length < total) herd = await Promise.all(clients);
  const seconds = (performance.now() - startedAt) / 1_000;
  onPhase("end");
  for (const { name, received } of herd) {
    // A client that has everything is sent a delete set at most.
    if (received.length > job.bytes) throw new Error(`${name} came back different`);
  }
  await Promise.all(herd.map((client) => client.close()));
  return { seconds };
}
