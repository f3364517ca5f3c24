import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { useRest } from "./support/rest.ts";
import { createAgent, keyOf } from "./support/roles.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const AGENT = `${ROOT}docs/examples/agent/agent.ts`;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Starts the example as its README says; answers what it printed so far. */
function startAgent(env: Record<string, string>): () => string {
  const child = spawn(process.execPath, [AGENT], { env: { ...process.env, ...env } });
  let output = "";
  child.stdout.on("data", (text: Buffer) => (output += text.toString()));
  child.stderr.on("data", (text: Buffer) => (output += text.toString()));
  ends.push(async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  });
  return () => output;
}

test("the sample agent corrects words, answers who mentions it, and does not insist", async () => {
  const agentId = await createAgent(rest.sql, tenant, "active");
  const scopes = ["docs:read", "comments:write", "suggestions:write"] as const;
  const { token } = await keyOf(rest.sql, tenant, { agentId, role: "reviewer", scopes });
  const { body: document } = await owner.createDocument({
    params: { projectId: tenant.projectId },
    body: {
      type: "product_overview",
      title: "Draft",
      markdown: "# Letters\n\nWe recieve `teh` letters in order to read teh news.",
    },
  });
  const params = { documentId: document.id };
  const output = startAgent({
    SERVER: rest.url,
    KEY: token,
    DOCUMENT: document.id,
    PAUSE: "100",
  });
  const list = async () => (await owner.listSuggestions({ params })).body.suggestions;
  await until(async () => (await list()).length === 1, { timeoutMs: 20_000, describe: output() });
  const [suggestion] = await list();
  expect(suggestion?.hunks.map(({ before, after }) => [before.text, after.text])).toEqual([
    ["recieve", "receive"],
    ["in order ", ""],
    ["teh", "the"],
  ]);
  const { participants } = (await owner.listPresence({ params })).body;
  expect(participants.map((one) => [one.agentId, one.sessions])).toEqual([[agentId, 0]]);

  const of = { ...params, suggestionId: suggestion?.id ?? "" };
  const [receive, inOrder, the] = suggestion?.hunks.map(({ id }) => id) ?? [];
  await owner.acceptSuggestion({ params: of, body: { hunkIds: [receive ?? "", the ?? ""] } });
  await owner.rejectSuggestion({ params: of, body: { hunkIds: [inOrder ?? ""], reason: "no" } });
  const mention = {
    type: "mention",
    attrs: { targetType: "agent", targetId: agentId, label: "P" },
  };
  const paragraph = { type: "paragraph", content: [mention] };
  const content = { type: "doc", content: [paragraph] };
  const { body: thread } = await owner.createThread({ params, body: { content } });
  const inThread = { params: { ...params, threadId: thread.id } };
  const said = async () => (await owner.getThread(inThread)).body.comments;
  await until(async () => (await said()).length > 1, { timeoutMs: 20_000, describe: output() });
  expect((await said())[1]?.author.agentId).toBe(agentId);
  expect(JSON.stringify((await said())[1]?.content)).toContain("2 were accepted, 1 were not");

  // What was taken is proposed again where it is needed, what was refused is not.
  const { etag } = await owner.getContent({ params });
  const body = "# Letters\n\nIn teh evening we go out in order to see teh moon.";
  await owner.putContent({ params, body }, { ifMatch: etag ?? "", contentType: "text/markdown" });
  await until(async () => (await list()).length === 2, { timeoutMs: 20_000, describe: output() });
  const [again] = await list();
  expect(again?.hunks.map(({ before }) => before.text)).toEqual(["teh", "teh"]);
}, 90_000);
