import { expect, test } from "vitest";
import * as Y from "yjs";
import { firstText, recordUpdates, SKELETON } from "../bench/content.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { loadDocument, type StoredDocument } from "../persistence/load-document.ts";
import { appendRows, countRows } from "./support/log-rows.ts";
import { startServerProcess, type ServerProcess } from "./support/server-process.ts";
import { nightly, sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { openWire } from "./support/wire-client.ts";
import { readFile } from "node:fs/promises";

const { database, tenant } = await useTenant();

const ROWS = sized(20_000, 1_000_000);
const MIB = 1024 * 1024;

/** Characters typed in a row before the cursor goes elsewhere. */
const RUN = 20;

const TYPIST = 1_000_000_000;

/** One row for each keystroke; every run is typed in front of all others, so that they stay apart in the document. */
function keystrokes(count: number): { rows: Uint8Array[]; text: string } {
  let typed = "";
  const updates = recordUpdates(TYPIST, (text) => {
    for (let index = 0; index < count - 1; index += 1) {
      text.insert(index % RUN, String.fromCharCode(97 + (Math.imul(index, 0x9e3779b1) >>> 27)));
    }
    typed = text.toString();
  });
  return { rows: [SKELETON, ...updates], text: typed };
}

/** The most memory a process ever had, MiB; null where the system does not say. */
async function peakMemory({ child }: ServerProcess): Promise<number | null> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
  const kilobytes = /VmHWM:\s+(\d+) kB/u.exec(status)?.[1];
  return kilobytes === undefined ? null : Math.round((Number(kilobytes) * 1024) / MIB);
}

/** Opens the document through a server's socket; the text and the time it took, ms. */
async function openThrough(
  server: ServerProcess,
  name: string,
): Promise<{ text: string; ms: number }> {
  const startMs = performance.now();
  const client = await openWire({ url: server.url, name, token: tenant.token });
  const ms = performance.now() - startMs;
  const text = firstText(client.document).toString();
  await client.close();
  return { text, ms };
}

async function load(
  documentId: string,
): Promise<{ stored: StoredDocument; text: string; ms: number }> {
  const doc = new Y.Doc();
  const startMs = performance.now();
  const stored = await loadDocument(database.sql, { documentId, part: "content" }, doc);
  const ms = performance.now() - startMs;
  return { stored, text: firstText(doc).toString(), ms };
}

test(`[L3 C3 T18] ${ROWS} rows open whole and within bounded memory, and after compaction at once`, async () => {
  const { documentId, name } = await tenant.document();
  const address = { documentId, part: "content" } as const;
  const { rows, text: expected } = keystrokes(ROWS);
  await appendRows(database.sql, address, rows);
  // The upkeep of the server would compact it on its own; what is measured is the long log.
  const env = { ...database.env, SWEEP_EVERY_MS: "86400000" };
  const server = await startServerProcess({ env });
  const long = await openThrough(server, name);
  const memory = await peakMemory(server);
  await server.end("SIGTERM");
  expect(long.text).toBe(expected);
  if ((await countRows(database.sql, address)) > 0) {
    expect(
      await compactDocument(database.sql, address, { versions: { minIntervalMs: 0 } }),
    ).toMatchObject({
      outcome: "compacted",
      rows: ROWS,
    });
  }
  const short = await load(documentId);
  expect(short.stored).toMatchObject({
    headSeq: ROWS,
    stateSeq: ROWS,
    tailRows: 0,
    quarantine: null,
  });
  expect(short.text).toBe(expected);
  // oxlint-disable-next-line no-console -- times belong in a report, not in an assertion of every run
  console.info({ rows: ROWS, openMs: long.ms, memoryMiB: memory, afterCompactionMs: short.ms });
  if (memory !== null) expect(memory).toBeLessThan(1024);
  if (nightly) {
    expect(long.ms).toBeLessThan(5000);
    expect(short.ms).toBeLessThan(100);
  }
});
