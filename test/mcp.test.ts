import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { errorsOf, type Route } from "../schema/api/contract.ts";
import { api } from "../schema/api/index.ts";
import { ADVICE } from "../server/mcp/refusal.ts";
import { toolShapes } from "../server/mcp/tool-shape.ts";
import { TOOLS } from "../server/mcp/tools.ts";
import { connectMcp, refusedBy, resultOf, textsOf, use } from "./support/mcp.ts";
import { useRest } from "./support/rest.ts";
import { createAgent, keyOf } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";

const ALLOWED = "https://app.example.com";
const { rest, tenant } = await useRest({ ALLOWED_ORIGINS: ALLOWED });
const owner = rest.client(tenant.token);
const agentId = await createAgent(rest.sql, tenant, "active");
const key = await keyOf(rest.sql, tenant, {
  role: "reviewer",
  scopes: ["docs:read", "comments:write", "suggestions:write"],
  agentId,
});
const agent = await connectMcp(rest.url, key.token);
afterAll(() => agent.close());

const { projectId } = tenant;
const TEXT = "The quick fox.\n\nA fox jumps over the **lazy** dog.\n\n## Stripes\n\nNone.";

async function newDocument(title = "Animals"): Promise<{ documentId: string }> {
  const body = { title, type: "feature_requirements" as const, markdown: TEXT };
  const { body: made } = await owner.createDocument({ params: { projectId }, body });
  return { documentId: made.id };
}

type Thread = { id: string; anchor: { quote: string; blockId: string } | null; resolved: object };
type Comment = { id: string; etag: string; author: { agentId: string } };

const threadOf = async (documentId: string, threadId: string) =>
  (await owner.getThread({ params: { documentId, threadId } })).body;

describe("a tool is a route", () => {
  test("each tool's arguments, answer and hints are the contract's, and every error says what to do", async () => {
    const { tools } = await agent.listTools();
    expect(tools.map(({ name }) => name)).toEqual(Object.keys(TOOLS));
    for (const { name, inputSchema, outputSchema, annotations } of tools) {
      const contract: Route = api[TOOLS[name]?.route ?? "getMe"];
      const parts = [contract.params, contract.query, contract.body].filter(
        (part): part is z.ZodObject => part !== undefined,
      );
      const names = parts.flatMap((part) => Object.keys(part.shape));
      // Two arguments of one name would be one.
      expect(new Set(names).size).toBe(names.length);
      const extra = [
        ...(contract.idempotent === true ? ["idempotencyKey"] : []),
        ...(contract.ifMatch === undefined ? [] : ["ifMatch"]),
      ];
      expect([name, Object.keys(inputSchema.properties ?? {})]).toEqual([
        name,
        [...names, ...extra],
      ]);
      expect(JSON.stringify(inputSchema)).not.toContain("$ref");
      const { text, body } = contract.answer;
      expect(outputSchema === undefined).toBe(text !== undefined || body === undefined);
      expect(annotations?.readOnlyHint).toBe(contract.method === "get");
      for (const code of errorsOf(contract)) expect([code, ADVICE[code]]).not.toContain(undefined);
    }
    expect(
      toolShapes().get("read_document")?.told.inputSchema.properties?.["format"],
    ).toMatchObject({
      default: "markdown",
      enum: ["json", "markdown", "html"],
    });
  });

  test("the guide lists every tool with what it says of itself", async () => {
    const guide = await readFile("docs/MCP.md", "utf8");
    const rows = [...guide.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gmu)].map(([, name, route]) => [
      name,
      route,
    ]);
    expect(rows).toEqual(Object.entries(TOOLS).map(([name, { route }]) => [name, route]));
  });
});

describe("an agent", () => {
  test("finds a document by project, by words and as a resource, and reads it as Markdown and as JSON", async () => {
    const { documentId } = await newDocument("Zebras and others");
    expect(await use(agent, "who_am_i")).toMatchObject({ kind: "key", agentId, role: "reviewer" });
    const { projects } = await use<{ projects: object[] }>(agent, "list_projects");
    expect(projects).toMatchObject([{ id: projectId }]);
    const listed = await use<{ documents: object[] }>(agent, "list_documents", {
      projectId,
      q: "Zebras",
      limit: 5,
      cursor: null,
    });
    expect(listed.documents).toMatchObject([{ id: documentId }]);
    const found = await use<{ results: object[] }>(agent, "search", { q: "zebras" });
    expect(found.results).toMatchObject([{ documentId }]);
    const read = await resultOf(agent, "read_document", { documentId, format: null });
    expect(textsOf(read)).toEqual([`${TEXT}\n`, "Read at seq 1."]);
    const { sections } = await use<{ sections: { sectionId: string; title: string }[] }>(
      agent,
      "read_outline",
      { documentId },
    );
    const section = { documentId, sectionId: sections[1]?.sectionId };
    const [markdown = ""] = textsOf(await resultOf(agent, "read_section", section));
    expect(markdown).toContain("Stripes");
    expect(await use(agent, "read_section", { ...section, format: "json" })).toMatchObject({
      title: "Stripes",
      seq: 1,
    });
    expect(await use(agent, "read_document", { documentId, format: "json" })).toMatchObject({
      documentId,
      content: { type: "doc" },
    });
  });

  test("comments on words once, replies, edits, resolves and reopens, in the agent's name and in the audit log", async () => {
    const { documentId } = await newDocument();
    const words = { documentId, markdown: "Is it?", anchor: { quote: "lazy dog" } };
    const once = { ...words, idempotencyKey: "first" };
    const thread = await use<Thread>(agent, "comment", once);
    expect(thread.anchor?.quote).toBe("lazy dog");
    expect((await use<Thread>(agent, "comment", once)).id).toBe(thread.id);
    const inThread = { documentId, threadId: thread.id };
    const reply = await use<Comment>(agent, "reply", { ...inThread, markdown: "It slept." });
    expect(reply.author.agentId).toBe(agentId);
    const edit = { documentId, commentId: reply.id, ifMatch: reply.etag };
    await use(agent, "edit_comment", { ...edit, markdown: "It sleeps." });
    const late = await refusedBy(agent, "edit_comment", { ...edit, markdown: "Late." });
    expect(late.problem.code).toBe("precondition_failed");
    expect(late.text).toContain("send its new etag as ifMatch");
    await use(agent, "resolve", inThread);
    expect((await threadOf(documentId, thread.id)).resolved?.by).toMatchObject({ agentId });
    const open = { documentId, status: "resolved" };
    expect(await use(agent, "list_threads", open)).toMatchObject({ threads: [{ id: thread.id }] });
    await use(agent, "reopen", inThread);
    expect(await use(agent, "read_thread", inThread)).toMatchObject({ resolved: null });
    expect((await threadOf(documentId, thread.id)).comments).toHaveLength(2);
    const acts = await rest.sql<{ action: string; actor_id: string; via: string }[]>`
      select distinct actor_id, metadata ->> 'via' as via from activities
      where metadata ->> 'threadId' = ${thread.id}`;
    expect(acts.map((row) => row.actor_id)).toEqual([agentId]);
  });

  test("proposes a section of other words, once, and reads what became of it", async () => {
    const { documentId } = await newDocument();
    const { seq, sections } = await use<{ seq: number; sections: { sectionId: string }[] }>(
      agent,
      "read_outline",
      { documentId },
    );
    const newContent = "## Stripes\n\nMany.";
    const diffs = [{ sectionId: sections[1]?.sectionId, newContent, explanation: "Counted" }];
    const once = { documentId, baseSeq: seq, diffs, idempotencyKey: "stripes" };
    const made = await use<{ id: string; hunks: object[] }>(agent, "propose", once);
    expect(made.hunks).toMatchObject([{ state: "clean", decision: "pending" }]);
    expect((await use<{ id: string }>(agent, "propose", once)).id).toBe(made.id);
    const params = { documentId, suggestionId: made.id };
    await owner.acceptSuggestion({ params, body: { reason: "True" } });
    expect(textsOf(await resultOf(agent, "read_document", { documentId }))[0]).toContain("Many.");
    expect(await use(agent, "read_suggestion", params)).toMatchObject({ status: "accepted" });
    expect(await use(agent, "list_suggestions", { documentId })).toMatchObject({
      suggestions: [{ id: made.id }],
    });
    expect(await use(agent, "read_outcomes", { agentId })).toMatchObject({
      accepted: 1,
      outcomes: [{ suggestionId: made.id, decision: "accepted", reason: "True" }],
    });
    const unknown = { documentId, diffs: [{ sectionId: "nothing", newContent }] };
    expect((await refusedBy(agent, "propose", unknown)).text).toMatch(
      /^section_not_found: .*\nRead the outline again/u,
    );
  });

  test("reads its inbox and marks it", async () => {
    const { documentId } = await newDocument();
    const mention = {
      type: "mention",
      attrs: { targetType: "agent", targetId: agentId, label: "Agent" },
    };
    const content = { type: "doc", content: [{ type: "paragraph", content: [mention] }] };
    for (let time = 0; time < 2; time += 1) {
      await owner.createThread({ params: { documentId }, body: { content } });
    }
    const unread = async () =>
      (
        await use<{ notifications: { id: string; position: number }[] }>(agent, "read_inbox", {
          unread: "true",
          kind: "mention",
        })
      ).notifications;
    const [newest, older] = await unread();
    await use(agent, "mark_read", { notificationId: older?.id });
    expect(await unread()).toMatchObject([{ id: newest?.id }]);
    await use(agent, "mark_all_read", { position: newest?.position });
    expect(await unread()).toEqual([]);
  });
});

describe("a refusal", () => {
  test("of words that stand twice has the candidates, one of which is taken", async () => {
    const { documentId } = await newDocument();
    const given = { documentId, markdown: "Which?", anchor: { quote: "fox" } };
    const { text, problem } = await refusedBy(agent, "comment", given);
    expect(text).toMatch(/^anchor_ambiguous: .*\n.*candidates/u);
    expect(problem.candidates).toHaveLength(2);
    const anchor = problem.candidates?.[1];
    const thread = await use<Thread>(agent, "comment", { ...given, anchor });
    expect(thread.anchor?.blockId).toBe(anchor?.sectionId);
    const absent = await refusedBy(agent, "comment", { ...given, anchor: { quote: "**lazy**" } });
    expect(absent.text).toMatch(/^anchor_not_found: .*\n.*without Markdown signs/u);
  });

  test("of what is foreign is the same as of what does not exist", async () => {
    const { documentId } = await (await createTenant(rest.sql)).document();
    for (const wrong of [documentId, crypto.randomUUID()]) {
      for (const [name, given] of [
        ["read_document", {}],
        ["comment", { markdown: "Hello" }],
        ["list_threads", {}],
      ] as const) {
        const { text } = await refusedBy(agent, name, { documentId: wrong, ...given });
        expect(text).toMatch(/^document_not_found: .*\nCheck the id/u);
      }
    }
    const { problem } = await refusedBy(agent, "list_documents", {
      projectId: crypto.randomUUID(),
    });
    expect(problem.code).toBe("not_found");
  });

  test("tells a viewer, and a key without the scope, that it may not comment", async () => {
    const { documentId } = await newDocument();
    const scopes = ["docs:read", "comments:write"] as const;
    for (const weak of [
      await keyOf(rest.sql, tenant, { role: "viewer", scopes: [...scopes] }),
      await keyOf(rest.sql, tenant, { role: "reviewer", scopes: ["docs:read"] }),
    ]) {
      const client = await connectMcp(rest.url, weak.token);
      const { text } = await refusedBy(client, "comment", { documentId, markdown: "Hello" });
      expect(text).toMatch(/^forbidden: .*comment.*\nDo not try again/u);
      expect(textsOf(await resultOf(client, "read_document", { documentId }))[0]).toContain("fox");
      await client.close();
    }
    expect((await owner.listThreads({ params: { documentId } })).body.threads).toEqual([]);
  });

  test("names every argument that is wrong, unknown or missing, as the tool has it", async () => {
    const { documentId } = await newDocument();
    for (const [name, given, said] of [
      [
        "comment",
        { documentId, markdown: "x", quote: "fox" },
        "quote: is no argument of this tool; it takes documentId, content, markdown, anchor, idempotencyKey",
      ],
      ["comment", { documentId }, "needs either content or markdown"],
      ["comment", { documentId, markdown: 7 }, "markdown: Invalid input: expected string"],
      [
        "comment",
        { documentId, markdown: "x", idempotencyKey: "a\nb" },
        "idempotencyKey: must be visible ASCII",
      ],
      ["comment", { markdown: "x" }, "documentId: Invalid input"],
      ["read_document", { documentId: "../projects" }, "documentId: must be a lower-case uuid"],
      ["list_documents", { projectId, limit: 1000, order: "size" }, "limit: Too big"],
      ["list_documents", { projectId, limit: 1000, order: "size" }, "order: Invalid option"],
      ["search", {}, "q: Invalid input"],
    ] as const) {
      const { text, problem } = await refusedBy(agent, name, given);
      expect(text).toContain(said);
      expect([problem.code, text.includes("path.")]).toEqual(["bad_request", false]);
    }
    await expect(agent.callTool({ name: "constructor", arguments: {} })).rejects.toThrow(
      "There is no tool constructor",
    );
  });
});
