import * as Y from "yjs";
import { FIRST_CLIENT_ID, firstText, SKELETON } from "./content.ts";
import { openLightClient } from "./light-client.ts";
import type { Address, OnPhase } from "./load-job.ts";
import { readTrace } from "./trace.ts";
import { SYNC, syncFrame } from "./wire.ts";

/**
 * Updates in flight. Fewer (64) measure the wait for a commit, which a typist never does. More bring plain down:
 * Hocuspocus merges what one turn of the event loop brought with `Y.mergeUpdates`, which is quadratic (FIELD-NOTES 18);
 * `seph-blog1` took plain 4 s with 64 and 256 in flight, 5 s with 512, 33 s with 2,000. A ratio to that would flatter us.
 */
const WINDOW = 256;

export type ReplayJob = Address & { name: string; trace: string };

/** Sends a whole editing history through one socket; seconds from the first frame to the last acknowledgement. */
export async function replay(job: ReplayJob, onPhase: OnPhase): Promise<{ seconds: number }> {
  const { updates } = readTrace(job.trace);
  const frames = [SKELETON, ...updates].map((update) => syncFrame(job.name, SYNC.update, update));
  const finished = Promise.withResolvers<void>();
  let sent = 0;
  let acknowledged = 0;
  const pump = (): void => {
    for (; sent < frames.length && sent - acknowledged < WINDOW; sent += 1) {
      const frame = frames[sent];
      if (frame !== undefined) client.send(frame);
    }
  };
  const client = await openLightClient({
    ...job,
    clientId: FIRST_CLIENT_ID,
    onAcknowledged: () => {
      acknowledged += 1;
      if (acknowledged === frames.length) finished.resolve();
      else pump();
    },
    onClosed: (code) =>
      finished.reject(new Error(`Closed with ${code} after ${acknowledged} of ${frames.length}`)),
  });
  onPhase("begin");
  const startedAt = performance.now();
  pump();
  await finished.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  onPhase("end");
  await client.close();
  return { seconds };
}

/** Milliseconds from opening the socket to having the document; then checks that it is the trace's end. */
export async function coldOpen(job: ReplayJob): Promise<{ milliseconds: number }> {
  const { endContent } = readTrace(job.trace);
  const startedAt = performance.now();
  const client = await openLightClient({ ...job, clientId: FIRST_CLIENT_ID + 1 });
  const milliseconds = performance.now() - startedAt;
  const document = new Y.Doc();
  Y.applyUpdate(document, client.received);
  await client.close();
  if (firstText(document).toString() !== endContent) {
    throw new Error(`${job.name} does not hold the end of ${job.trace} after a restart`);
  }
  document.destroy();
  return { milliseconds };
}
