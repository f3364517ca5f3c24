import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { FIRST_CLIENT_ID, SKELETON, typedUpdates } from "./content.ts";
import { type LightClient, openLightClient } from "./light-client.ts";
import type { Address, OnPhase } from "./load-job.ts";
import type { Acknowledged } from "./load-kill.ts";
import { Samples, seededRandom } from "./statistics.ts";
import { SYNC, syncFrame } from "./wire.ts";

export type FanOutJob = Address & {
  names: string[];
  clientsPerDocument: number;
  /** In all, over every client of every document. */
  updatesPerSecond: number;
  seconds: number;
};

export type FanOutResult = {
  delivered: { count: number; p50: number; p99: number };
  acknowledged: { count: number; p50: number; p99: number };
  typed: Acknowledged[];
};

/** 5 s: what has not arrived by then after the last send is counted as lost, and the row fails. */
const STRAGGLERS_MS = 5_000;

/** One client of one document. `sentAt[clock]` is when its character with that clock left. */
type Typist = {
  client: LightClient;
  frames: Uint8Array[];
  sentAt: Float64Array;
  sent: number;
  acknowledged: number;
};

type Latencies = { delivered: Samples; acknowledged: Samples };

/** The document's first client writes the skeleton before the others come. */
async function openDocument(
  job: FanOutJob,
  name: string,
  updates: Uint8Array[][],
  latencies: Latencies,
): Promise<Typist[]> {
  const typists: Typist[] = [];
  const skeletonStored = Promise.withResolvers<void>();
  for (const [index, own] of updates.entries()) {
    const client = await openLightClient({
      ...job,
      name,
      clientId: FIRST_CLIENT_ID + index,
      onUpdate: (update) => recordDelivery(update, index, typists, latencies.delivered),
      onAcknowledged: () => {
        const typist = typists[index];
        if (typist === undefined || typist.sent === 0) return skeletonStored.resolve();
        const sentAt = typist.sentAt[typist.acknowledged] ?? Number.NaN;
        latencies.acknowledged.add(performance.now() - sentAt);
        typist.acknowledged += 1;
      },
    });
    const frames = own.map((update) => syncFrame(name, SYNC.update, update));
    const sentAt = new Float64Array(own.length);
    typists.push({ client, frames, sentAt, sent: 0, acknowledged: 0 });
    if (index === 0) {
      client.send(syncFrame(name, SYNC.update, SKELETON));
      await skeletonStored.promise;
    }
  }
  return typists;
}

/** A broadcast may join several characters of several clients: each is a delivery of its own. */
function recordDelivery(
  update: Uint8Array,
  receiver: number,
  typists: Typist[],
  delivered: Samples,
): void {
  const now = performance.now();
  const { from, to } = Y.parseUpdateMeta(update);
  for (const [clientId, end] of to) {
    const sender = clientId - FIRST_CLIENT_ID;
    const sentAt = typists[sender]?.sentAt;
    if (sentAt === undefined || sender === receiver) continue;
    for (let clock = from.get(clientId) ?? end; clock < end; clock += 1) {
      delivered.add(now - (sentAt[clock] ?? Number.NaN));
    }
  }
}

function typeNext(typist: Typist): void {
  const frame = typist.frames[typist.sent];
  if (frame === undefined) return;
  typist.sentAt[typist.sent] = performance.now();
  typist.sent += 1;
  typist.client.send(frame);
}

function shuffled<T>(values: readonly T[]): T[] {
  const random = seededRandom(12);
  return values
    .map((value) => ({ value, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

/** Sends at an even pace whatever the answers: a slow server does not get a lighter load. */
async function typeEvenly(typists: readonly Typist[], job: FanOutJob): Promise<number> {
  const total = Math.floor(job.updatesPerSecond * job.seconds);
  const startedAt = performance.now();
  let sent = 0;
  while (sent < total) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * job.updatesPerSecond);
    for (; sent < Math.min(due, total); sent += 1) {
      const typist = typists[sent % typists.length];
      if (typist !== undefined) typeNext(typist);
    }
    await sleep(1);
  }
  return total;
}

/** Latency from send to each other client of the document, and from send to acknowledgement. */
export async function fanOut(job: FanOutJob, onPhase: OnPhase): Promise<FanOutResult> {
  const clients = job.names.length * job.clientsPerDocument;
  const each = Math.ceil((job.updatesPerSecond * job.seconds) / clients);
  const updates = Array.from({ length: job.clientsPerDocument }, (_, index) =>
    typedUpdates(FIRST_CLIENT_ID + index, each),
  );
  const latencies = { delivered: new Samples(), acknowledged: new Samples() };
  const documents = await Promise.all(
    job.names.map((name) => openDocument(job, name, updates, latencies)),
  );
  const typists = shuffled(documents.flat());
  await nextTurn();
  onPhase("begin");
  const sent = await typeEvenly(typists, job);
  onPhase("end");
  const expected = sent * (job.clientsPerDocument - 1);
  const giveUpAt = performance.now() + STRAGGLERS_MS;
  const complete = (): boolean =>
    latencies.delivered.count >= expected && latencies.acknowledged.count >= sent;
  while (!complete() && performance.now() < giveUpAt) await sleep(10);
  await Promise.all(typists.map(({ client }) => client.close()));
  if (!complete()) {
    throw new Error(
      `${latencies.delivered.count} of ${expected} deliveries and ${latencies.acknowledged.count} of ${sent} acknowledgements arrived`,
    );
  }
  return {
    delivered: latencies.delivered.summary(),
    acknowledged: latencies.acknowledged.summary(),
    typed: job.names.map((name, index) => ({
      name,
      characters: (documents[index] ?? []).map((typist) => typist.acknowledged),
    })),
  };
}
