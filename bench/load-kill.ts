import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { FIRST_CLIENT_ID, SKELETON, typedUpdates } from "./content.ts";
import { openLightClient } from "./light-client.ts";
import type { Address, OnPhase } from "./load-job.ts";
import { SYNC, syncFrame } from "./wire.ts";

export type TypeUntilKilledJob = Address & {
  names: string[];
  clientsPerDocument: number;
  updatesPerSecondEach: number;
  /** The load ends by itself after this long, killed or not. */
  atMostSeconds: number;
};

/** How many of its characters each client of a document saw acknowledged. */
export type Acknowledged = { name: string; characters: number[] };

/** Types until the server is gone; every client is destroyed before this resolves, so none can heal the loss. */
export async function typeUntilKilled(
  job: TypeUntilKilledJob,
  onPhase: OnPhase,
): Promise<Acknowledged[]> {
  const most = job.updatesPerSecondEach * job.atMostSeconds;
  const updates = Array.from({ length: job.clientsPerDocument }, (_, index) =>
    typedUpdates(FIRST_CLIENT_ID + index, most),
  );
  const ready: Promise<void>[] = [];
  const typing = job.names.map(async (name) => {
    const stored = Promise.withResolvers<void>();
    ready.push(stored.promise);
    const characters = updates.map(() => 0);
    await Promise.all(
      updates.map((own, index) => typeOne(job, { name, index, own, characters, stored })),
    );
    return { name, characters };
  });
  const finished = Promise.all(typing);
  await Promise.race([Promise.all(ready), finished]);
  onPhase("begin");
  return finished;
}

async function typeOne(
  job: TypeUntilKilledJob,
  own: {
    name: string;
    index: number;
    own: Uint8Array[];
    characters: number[];
    stored: PromiseWithResolvers<void>;
  },
): Promise<void> {
  const { name, index, characters, stored } = own;
  let skeletonAcknowledged = index !== 0;
  const client = await openLightClient({
    ...job,
    name,
    clientId: FIRST_CLIENT_ID + index,
    onAcknowledged: () => {
      if (skeletonAcknowledged) characters[index] = (characters[index] ?? 0) + 1;
      else stored.resolve();
      skeletonAcknowledged = true;
    },
    // Killed before the document was there: nobody must wait for it.
    onClosed: () => stored.resolve(),
  });
  if (index === 0) client.send(syncFrame(name, SYNC.update, SKELETON));
  await stored.promise;
  for (const update of own.own) {
    if (!client.isOpen) break;
    client.send(syncFrame(name, SYNC.update, update));
    await sleep(1_000 / job.updatesPerSecondEach);
  }
  await client.close();
}

export type ReadBackJob = Address & { acknowledged: Acknowledged[] };

/** Opens every document with a new client and counts the acknowledged characters that are not there. */
export async function readBack(job: ReadBackJob): Promise<{ acknowledged: number; lost: number }> {
  let acknowledged = 0;
  let lost = 0;
  for (const { name, characters } of job.acknowledged) {
    const clientId = FIRST_CLIENT_ID + characters.length;
    const client = await openLightClient({ ...job, name, clientId });
    const document = new Y.Doc();
    Y.applyUpdate(document, client.received);
    await client.close();
    for (const [index, count] of characters.entries()) {
      acknowledged += count;
      lost += Math.max(0, count - Y.getState(document.store, FIRST_CLIENT_ID + index));
    }
    document.destroy();
  }
  return { acknowledged, lost };
}
