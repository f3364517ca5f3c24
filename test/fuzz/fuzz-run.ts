import type { Tenant } from "../support/tenant.ts";
import { createRandom } from "../support/seed.ts";
import { type Crasher, type FuzzCounts, fuzzDocument, type FuzzGround } from "./fuzz-document.ts";

/** How long, how much at a time. */
export type FuzzSettings = {
  readonly seed: number;
  /** Documents that are attacked at the same time. */
  readonly atOnce: number;
  readonly updatesPerDocument: number;
  /** Asked before each document. */
  readonly goesOn: (counts: FuzzCounts) => boolean;
  readonly onDocument?: (counts: FuzzCounts) => void;
  readonly onCrasher?: (crasher: Crasher) => Promise<void>;
};

/** What came of it. A crasher ends its document, not the run. */
export type FuzzReport = FuzzCounts & { readonly crashers: readonly Crasher[] };

/** Attacks document after document, several at once. The same seed gives the same updates, document by document. */
export async function runFuzz(
  ground: FuzzGround,
  tenant: Tenant,
  settings: FuzzSettings,
): Promise<FuzzReport> {
  const sum = { sent: 0, accepted: 0, refused: 0 };
  const crashers: Crasher[] = [];
  let documents = 0;
  const attack = async (): Promise<void> => {
    while (settings.goesOn(sum)) {
      const random = createRandom(settings.seed + documents);
      documents += 1;
      try {
        const place = await tenant.document();
        const counts = await fuzzDocument(ground, place, settings.updatesPerDocument, random);
        sum.sent += counts.sent;
        sum.accepted += counts.accepted;
        sum.refused += counts.refused;
      } catch (error) {
        const crasher = crasherIn(error);
        crashers.push(crasher);
        await settings.onCrasher?.(crasher);
      }
      settings.onDocument?.(sum);
    }
  };
  await Promise.all(Array.from({ length: settings.atOnce }, attack));
  return { ...sum, crashers };
}

function crasherIn(error: unknown): Crasher {
  const { cause } = error as { cause?: Partial<Crasher> };
  if (cause?.update instanceof Uint8Array) return cause as Crasher;
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { what, state: new Uint8Array(), update: new Uint8Array() };
}
