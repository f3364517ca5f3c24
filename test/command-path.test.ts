import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { changing, createCommands, type Commands } from "../extensions/commands.ts";
import { appendAgain, appendUpdates } from "../persistence/append-updates.ts";
import { compactDocument } from "../persistence/compaction.ts";
import { difference } from "../persistence/proof.ts";
import { documentName } from "../schema/ids.ts";
import { Oracle } from "./support/oracle.ts";
import { readAllRows, readHead, replayRows } from "./support/log-rows.ts";
import { faultsInDatabase, replay, TEXT } from "./support/replay.ts";
import { startRest, type Rest } from "./support/rest.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

const random = createRandom();
let rest: Rest;
let tenant: Tenant;
let commands: Commands;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
  commands = createCommands({
    sql: rest.sql,
    live: rest.node.collaboration.documents,
    upkeep: { committed: () => {} },
  });
});
afterAll(() => rest.close());

const author = () => ({ userId: tenant.userId, agentId: null });

async function newAddress() {
  const { documentId } = await tenant.document();
  return { documentId, part: "content" } as const;
}

/** Writes words into a text of its own, so that the typists' oracle does not meet them. */
const writing = (word: string) => changing((doc) => doc.getText("commands").insert(0, word));

const wordsOf = (doc: Y.Doc): string => doc.getText("commands").toJSON();

const url = (): string => `${rest.url.replace("http", "ws")}/collaboration`;

async function openEditor(documentId: string): Promise<HocuspocusProvider> {
  const name = documentName(documentId, "content");
  const provider = new HocuspocusProvider({ url: url(), name, token: tenant.token });
  await until(() => provider.isSynced);
  return provider;
}

const liveCopy = (documentId: string): Y.Doc => {
  const live = rest.node.collaboration.documents.live(documentName(documentId, "content"));
  if (live === undefined) throw new Error("not open");
  return live.document;
};

test("[L3 L4] beside ten typing clients, commands and compactions leave what is live equal to what is stored", async () => {
  const { documentId, part } = await newAddress();
  const oracle = new Oracle();
  const editor = await openEditor(documentId);
  const options = { url: url(), documentId, token: tenant.token, oracle, random };
  const typists = await Promise.all(Array.from({ length: 10 }, () => openTypist(options)));
  const stop = typeSteadily(typists, { perSecond: 400, random });
  const count = sized(200, 2000);
  const seqs: number[] = [];
  let made = 0;
  const worker = async (): Promise<void> => {
    while (made < count) {
      const number = (made += 1);
      const command = { address: { documentId, part }, author: author() };
      const { seq } = await commands.commit({ ...command, build: writing(`c${number};`) });
      seqs.push(seq);
      if (random() < 0.1) {
        await compactDocument(rest.sql, command.address, { versions: { minIntervalMs: 0 } });
      }
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  stop();
  await until(() => typists.every(({ unacknowledged }) => unacknowledged === 0));
  const live = liveCopy(documentId);
  expect(await faultsInDatabase(rest.sql, oracle)).toEqual([]);
  const stored = await replay(rest.sql, documentId);
  expect(difference(live, stored)).toBeNull();
  const words = wordsOf(stored).split(";").filter(Boolean);
  expect(new Set(words).size).toBe(count);
  expect(words.length).toBe(count);
  expect(new Set(seqs).size).toBe(count);
  // Sockets hear of commands through the broadcast that they hear everything through.
  await until(() => wordsOf(editor.document) === wordsOf(stored));
  editor.destroy();
  await Promise.all(typists.map((typist) => typist.destroy()));
});

test("a command that commits while the document is being loaded is not missed", async () => {
  const { documents } = rest.node.collaboration;
  const address = await newAddress();
  let number = 0;
  const extension = {
    onLoadDocument: async ({ documentName: name }: { documentName: string }) => {
      if (name !== documentName(address.documentId, "content")) return;
      number += 1;
      await commands.commit({ address, author: author(), build: writing(`w${number};`) });
    },
  };
  // Before our loading, and after it has read.
  documents.configuration.extensions.unshift(extension as never);
  documents.configuration.extensions.push(extension as never);
  const editor = await openEditor(address.documentId);
  documents.configuration.extensions.shift();
  documents.configuration.extensions.pop();
  expect(number).toBe(2);
  await until(() => wordsOf(editor.document) === "w2;w1;");
  expect(difference(liveCopy(address.documentId), await replay(rest.sql, address.documentId))).toBe(
    null,
  );
  editor.destroy();
});

test("openings, leavings and commands in any order: whoever opens sees all that was committed", async () => {
  const address = await newAddress();
  for (let round = 1; round <= sized(30, 500); round += 1) {
    const build = writing(`r${round};`);
    const [editor] = await Promise.all([
      openEditor(address.documentId),
      commands.commit({ address, author: author(), build }),
    ]);
    await until(() => wordsOf(editor.document).includes(`r${round};`));
    expect(
      difference(liveCopy(address.documentId), await replay(rest.sql, address.documentId)),
    ).toBe(null);
    editor.destroy();
  }
});

test("a process that dies between COMMIT and the live copy has lost nothing", async () => {
  const address = await newAddress();
  const dying = createCommands({
    sql: rest.sql,
    live: { committed: () => {} },
    upkeep: { committed: () => {} },
  });
  await dying.commit({ address, author: author(), build: writing("kept") });
  const editor = await openEditor(address.documentId);
  expect(wordsOf(editor.document)).toBe("kept");
  editor.destroy();
});

test("the rows that belong to a command are committed with it or not at all", async () => {
  const address = await newAddress();
  const build = writing("x");
  const rename = commands.commit({
    address,
    author: author(),
    build,
    rows: async (tx, seq) => {
      await tx`update documents set title = ${`at ${seq}`} where id = ${address.documentId}`;
    },
  });
  expect(await rename).toEqual({ seq: 1, changed: true });
  const failing = commands.commit({
    address,
    author: author(),
    build,
    rows: async (tx) => {
      await tx`update documents set title = 'never' where id = ${address.documentId}`;
      throw new Error("no");
    },
  });
  await expect(failing).rejects.toThrow("no");
  const [row] = await rest.sql`select title from documents where id = ${address.documentId}`;
  expect(row).toEqual({ title: "at 1" });
  expect((await readHead(rest.sql, address)).head).toBe(1);
});

test("a command that is refused, changes nothing or meets no document leaves no row", async () => {
  const address = await newAddress();
  const command = { address, author: author() };
  const refuse = (headSeq: number): never => {
    throw new Error(`at ${headSeq}`);
  };
  const refused = commands.commit({ ...command, build: writing("x"), check: refuse });
  await expect(refused).rejects.toThrow("at 0");
  const nothing = await commands.commit({ ...command, build: changing(() => {}) });
  expect(nothing).toEqual({ seq: 0, changed: false });
  // A row that the head speaks of and that is not there.
  await rest.sql`update yjs_documents set head_seq = 1 where document_id = ${address.documentId}`;
  const quarantined = commands.commit({ ...command, build: writing("x") });
  await expect(quarantined).rejects.toMatchObject({ code: "document_quarantined" });
  await rest.sql`update yjs_documents set head_seq = 0 where document_id = ${address.documentId}`;
  await rest.sql`update documents set deleted_at = now() where id = ${address.documentId}`;
  const deleted = commands.commit({ ...command, build: writing("x") });
  await expect(deleted).rejects.toMatchObject({ code: "document_not_found" });
  expect(await readAllRows(rest.sql, address)).toEqual([]);
});

test("[L5] a batch whose reply was lost is there once, also when a command came in between", async () => {
  for (const isLost of [false, true]) {
    const address = await newAddress();
    const doc = new Y.Doc();
    doc.getText(TEXT).insert(0, "typed");
    const rows = [{ update: Y.encodeStateAsUpdate(doc), author: author(), newClients: [] }];
    const batch = { ...address, batchId: crypto.randomUUID(), knownHeadSeq: 0, rows };
    if (!isLost) await appendUpdates(rest.sql, [batch]);
    await commands.commit({ address, author: author(), build: writing("between") });
    await appendAgain(rest.sql, batch);
    expect((await readAllRows(rest.sql, address)).length).toBe(2);
    const stored = await replayRows(rest.sql, address);
    expect([stored.getText(TEXT).toJSON(), wordsOf(stored)]).toEqual(["typed", "between"]);
  }
});

test("every command writes under a Yjs client id of its own, bound to its author", async () => {
  const address = await newAddress();
  for (const word of ["a", "b", "c"]) {
    await commands.commit({ address, author: author(), build: writing(word) });
  }
  const clients = await rest.sql`
    select user_id from yjs_clients where document_id = ${address.documentId}`;
  expect(clients.map(({ user_id }) => user_id as string)).toEqual(Array(3).fill(tenant.userId));
});
