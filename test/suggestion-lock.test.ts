import { expect, test } from "vitest";
import { createCommands } from "../extensions/commands.ts";
import { createSuggestions } from "../extensions/suggestions/suggestions.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { applyHunks } from "../persistence/apply-hunks.ts";
import { errorCode } from "../persistence/database.ts";
import { readHunks } from "../persistence/suggestions.ts";
import { parseMarkdown } from "../schema/content.ts";
import { createAgent } from "./support/roles.ts";
import { suggestBy } from "./support/suggested.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();
const { sql } = database;

/** Null when anybody may commit in the text now; else why not. */
const whyLocked = (documentId: string): Promise<unknown> =>
  sql`select 1 from yjs_documents where document_id = ${documentId} and part = 'content' for update nowait`.then(
    () => null,
    errorCode,
  );

const LOCK_NOT_AVAILABLE = "55P03";

test("[S2] between the judgement of hunks and their COMMIT nobody commits words; a rejection holds up nobody", async () => {
  const { documentId } = await tenant.document({ content: parseMarkdown("The quick cat.") });
  const { userId } = tenant;
  const whys: unknown[] = [];
  const suggestions = createSuggestions({
    commands: createCommands({
      sql,
      live: { committed: () => {} },
      upkeep: { committed: () => {} },
    }),
    suggestionThread: {
      hunks: (task) => applyHunks(sql, task),
      standings: async () => {
        whys.push(await whyLocked(documentId));
        return { seq: 1, standings: {} };
      },
    },
    decidingThread: {
      hunks: async (task) => {
        whys.push(await whyLocked(documentId));
        return applyHunks(sql, task);
      },
    },
    ring: () => {},
    changed: () => {},
  });
  const markdown = "The slow dog.";
  const agentId = await createAgent(sql, tenant, "active");
  const [made] = await sql.begin((tx) =>
    suggestBy(tx, [agentId], { documentId, userId, markdown }),
  );
  const suggestionId = made?.suggestionId ?? "";
  const [first, second] = (await readHunks(sql, [suggestionId])).map(({ id }) => id);
  const chosen = (id = "") => ({ diffIds: [], hunkIds: [id], onlyClean: false });
  const of = { documentId, suggestionId, reason: null };
  await sql.begin(async (tx) => {
    const scope = { tx, afterCommit: () => {}, author: { userId, agentId: null }, by: SCRIPT };
    const done = await suggestions.accept(scope, { ...of, chosen: chosen(first), instead: {} });
    expect(done.applied).toEqual([first]);
  });
  await sql.begin(async (tx) => {
    const scope = { tx, afterCommit: () => {}, author: { userId, agentId: null }, by: SCRIPT };
    const done = await suggestions.reject(scope, { ...of, chosen: chosen(second) });
    expect(done.applied).toEqual([second]);
  });
  expect(whys).toEqual([LOCK_NOT_AVAILABLE, null]);
});
