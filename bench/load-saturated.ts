import { FIRST_CLIENT_ID, SKELETON, typedUpdates } from "./content.ts";
import { type LightClient, openLightClient } from "./light-client.ts";
import type { Address, OnPhase } from "./load-job.ts";
import { SYNC, syncFrame } from "./wire.ts";

export type SaturateJob = Address & {
  /** One connection for each document. */
  names: string[];
  /** How many updates each connection keeps unacknowledged. */
  window: number;
  seconds: number;
};

/** What one of eight connections can send at most: 96,000/s in all is twice what plain Hocuspocus acknowledged anywhere. */
const MOST_PER_SECOND = 12_000;

/** The longest recording so far; a shorter run takes its beginning. */
let recorded: Uint8Array[] = [];

type Typist = { client: LightClient; frames: Uint8Array[]; acknowledged: number; sent: number };

async function openTypist(
  job: SaturateJob,
  name: string,
  over: PromiseWithResolvers<void>,
): Promise<Typist> {
  const most = Math.ceil(job.seconds * MOST_PER_SECOND);
  if (recorded.length < most) recorded = typedUpdates(FIRST_CLIENT_ID, most);
  const frames = [SKELETON, ...recorded.slice(0, most)].map((update) =>
    syncFrame(name, SYNC.update, update),
  );
  const client = await openLightClient({
    url: job.url,
    token: job.token,
    name,
    clientId: FIRST_CLIENT_ID,
    onAcknowledged: () => {
      typist.acknowledged += 1;
      if (typist.acknowledged === frames.length) over.resolve();
      sendNext(typist);
    },
    onClosed: (code) => over.reject(new Error(`Closed with ${code} under full load`)),
  });
  const typist: Typist = { client, frames, acknowledged: 0, sent: 0 };
  return typist;
}

function sendNext(typist: Typist): void {
  const frame = typist.frames[typist.sent];
  if (frame === undefined) return;
  typist.sent += 1;
  typist.client.send(frame);
}

/** Acknowledged updates per second with every connection's window always full. */
export async function saturate(job: SaturateJob, onPhase: OnPhase): Promise<{ perSecond: number }> {
  const over = Promise.withResolvers<void>();
  const typists = await Promise.all(job.names.map((name) => openTypist(job, name, over)));
  onPhase("begin");
  const startedAt = performance.now();
  for (const typist of typists) {
    for (let slot = 0; slot < job.window; slot += 1) sendNext(typist);
  }
  const timer = setTimeout(over.resolve, job.seconds * 1_000);
  await over.promise;
  const acknowledged = typists.reduce((sum, typist) => sum + typist.acknowledged, 0);
  const seconds = (performance.now() - startedAt) / 1_000;
  onPhase("end");
  clearTimeout(timer);
  for (const typist of typists) typist.frames.length = 0;
  await Promise.all(typists.map(({ client }) => client.close()));
  return { perSecond: acknowledged / seconds };
}
