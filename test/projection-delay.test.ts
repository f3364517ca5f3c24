import { pino } from "pino";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import { collectGarbage } from "./support/collect-garbage.ts";
import { largeDocument } from "./support/large-document.ts";
import { appendRows, readHead } from "./support/log-rows.ts";
import { processorTime } from "./support/processor-time.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();

const BYTES = 5_000_000;
const MENTIONS = 300;

test("[P2] a document of 5 MB with 300 mentions leaves the event loop 98 % of its time: p99 of its delay stays under 20 ms", async () => {
  const { documentId } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const mentions = Array.from({ length: MENTIONS }, () => ({
    targetType: "user",
    targetId: tenant.userId,
  }));
  await appendRows(database.sql, address, [largeDocument(BYTES, mentions)]);
  const thread = new UpkeepThread({
    location: database.location,
    logger: pino({ level: "silent" }),
  });
  // Starts the thread, which is not what is measured.
  await thread.project((await tenant.document()).documentId);
  const doc = new Y.Doc();
  doc.getText("diagram").insert(0, "a");
  for (const update of [null, Y.encodeStateAsUpdate(doc)]) {
    if (update !== null) await appendRows(database.sql, address, [update]);
    // What was left of making the document would count as well.
    collectGarbage();
    const usedMs = processorTime();
    const result = await thread.project(documentId);
    const share = usedMs() / result.tookMs;
    expect(result.outcome).toBe("projected");
    // Were one sample in a hundred 20 ms late by work of this thread, it would work for 2 % of the time. Its time on
    // the processor is counted, and not how late it is: other processes have no part in it.
    expect(share).toBeLessThan(0.02);
    // Nothing large comes over from the other thread.
    expect(JSON.stringify(result).length).toBeLessThan(1000);
  }
  expect(await readHead(database.sql, address)).toMatchObject({ head: 2, projected: 2 });
  await thread.close();
}, 180_000);
