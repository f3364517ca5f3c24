import { setTimeout as delay } from "node:timers/promises";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { loadDocument } from "../persistence/load-document.ts";
import { serverIsRunning } from "../persistence/server-lock.ts";
import { each } from "../server/cli/each.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { startTestNode } from "./support/node.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

type Compacted = {
  compacted: number;
  nothingToDo: number;
  lostTheRace: number;
  beforeBytes: number;
  afterBytes: number;
  historyBytes: number;
  savedBytes: number;
  failures: { name: string; code: string }[];
  stoppedBefore: string | null;
};

const { database, tenant } = await useTenant();
const startServer = useServers();

const compact = (args: string[], code = 0) =>
  askAdmin<Compacted>(["compact", ...args], { env: database.env, code });

async function storedBytes(documentId: string): Promise<number> {
  const [row] = await database.sql<{ bytes: number }[]>`
    select (octet_length(state)
            + (select coalesce(sum(octet_length(update_data)), 0) from yjs_updates where document_id = ${documentId})
            + (select coalesce(sum(octet_length(updates)), 0) from yjs_history where document_id = ${documentId})
           )::float8 as bytes
    from yjs_documents where document_id = ${documentId} and part = 'content'`;
  return row?.bytes ?? 0;
}

test("[C1 C4 T16] compact --all beside clients that type loses nothing, and verify sees no fault meanwhile", async () => {
  const node = await startTestNode(database);
  const documents = await Promise.all(Array.from({ length: 4 }, () => tenant.document()));
  const clients = documents.flatMap(({ name, documentId }) =>
    [0, 1].map((author) => {
      const provider = new HocuspocusProvider({ url: node.url, name, token: tenant.token });
      return { provider, documentId, author };
    }),
  );
  await until(() => clients.every(({ provider }) => provider.synced));
  let typed = 0;
  const typing = setInterval(() => {
    typed += 1;
    for (const { provider, author } of clients) {
      provider.document.getText("diagram").insert(0, `${author}:${typed} `);
    }
  }, 10);
  let compactions = 0;
  for (let round = 0; round < sized(2, 20); round += 1) {
    const { failures, compacted } = await compact(["--all"]);
    expect(failures).toEqual([]);
    compactions += compacted;
    const verified = await askAdmin(["verify"], { env: database.env });
    expect(verified).toMatchObject({ ok: true, problems: [] });
  }
  clearInterval(typing);
  // Not in every round: the server compacts heavy documents itself and may have been faster.
  expect(compactions).toBeGreaterThan(0);
  await until(() => clients.every(({ provider }) => !provider.hasUnsyncedChanges));
  for (const { documentId } of documents) {
    const doc = new Y.Doc();
    await loadDocument(database.sql, { documentId, part: "content" }, doc);
    const words = doc.getText("diagram").toJSON().trim().split(" ").toSorted();
    const expected = [0, 1].flatMap((author) =>
      Array.from({ length: typed }, (_, n) => `${author}:${n + 1}`),
    );
    expect(words).toEqual(expected.toSorted());
  }
  for (const { provider } of clients) provider.destroy();
  await node.close();
});

test("[C4] the bytes are those in the database, a dry run changes nothing, a second run has nothing to do", async () => {
  const { documentId } = await tenant.document({ diagramSource: "a ".repeat(5000) });
  const args = ["--document", documentId];
  const beforeBytes = await storedBytes(documentId);
  const dry = await compact([...args, "--dry-run"]);
  expect(await storedBytes(documentId)).toBe(beforeBytes);
  const done = await compact([...args, "--yes"]);
  const { compacted, nothingToDo, savedBytes } = done;
  expect({ compacted, nothingToDo }).toEqual({ compacted: 1, nothingToDo: 1 });
  expect(done.beforeBytes).toBe(beforeBytes);
  expect(beforeBytes - (await storedBytes(documentId))).toBe(savedBytes);
  expect(dry.savedBytes).toBe(savedBytes);
  expect(savedBytes).toBeGreaterThan(5000);
  expect(await compact(args)).toMatchObject({ compacted: 0, nothingToDo: 2, savedBytes: 0 });
});

test("a broken document is named and skipped, and the rest is compacted", async () => {
  const broken = await tenant.document({ diagramSource: "broken" });
  const sound = await tenant.document({ diagramSource: "sound" });
  const { sql } = database;
  await sql`update yjs_updates set update_data = '\\xffffffff' where document_id = ${broken.documentId}`;
  const { failures } = await compact(["--all"], 1);
  expect(failures).toMatchObject([{ name: broken.name, code: "document_quarantined" }]);
  const rows = await sql`select 1 from yjs_updates where document_id = ${sound.documentId}`;
  expect(rows).toHaveLength(0);
  await sql`delete from documents where id = ${broken.documentId}`;
});

test("[C4] Ctrl-C finishes the document it is at and says where it stopped; another run goes on", async () => {
  await Promise.all(
    Array.from({ length: 60 }, (_, n) => tenant.document({ diagramSource: `n${n}` })),
  );
  let sent = false;
  const stopped = await runAdmin(["compact", "--all", "--progress"], {
    env: database.env,
    onStderr: (stderr, child) => {
      if (sent || !stderr.includes("document parts")) return;
      sent = true;
      // Twice, as npm does it: one from the terminal, one passed on.
      child.kill("SIGINT");
      child.kill("SIGINT");
    },
  });
  expect(stopped.code).toBe(1);
  expect(stopped.stdout).toMatch(/Interrupted after \d+ of \d+, before (document|comments):/u);
  const rest = await compact(["--all"]);
  expect(rest.compacted).toBeGreaterThan(0);
  expect(rest).toMatchObject({ failures: [], stoppedBefore: null });
  expect(await compact(["--all"])).toMatchObject({ compacted: 0 });
});

test("[C1] the script rests in proportion to its work, and knows a server on its database", async () => {
  const ends: number[] = [];
  const begins: number[] = [];
  const context = { json: true, progress: false, signal: new AbortController().signal };
  const work = async (): Promise<void> => {
    begins.push(performance.now());
    await delay(20);
    ends.push(performance.now());
  };
  await each(context, [1, 2], "steps", work, 3);
  const [begun = 0, again = 0] = begins;
  const [ended = 0] = ends;
  expect(again - ended).toBeGreaterThanOrEqual((ended - begun) * 3 - 2);
  expect(await serverIsRunning(database.sql)).toBe(false);
  const server = await startServer({ env: database.env });
  expect(await serverIsRunning(database.sql)).toBe(true);
  await server.end("SIGTERM");
});
