import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { afterAll, describe, expect, test } from "vitest";
import { MAX_CONTENT_BYTES } from "../schema/api/contract.ts";
import { connectMcp, refusedBy, use } from "./support/mcp.ts";
import { startRest, useRest, type Rest } from "./support/rest.ts";
import { createAgent, keyOf } from "./support/roles.ts";
import { createTenant } from "./support/tenant.ts";

const ALLOWED = "https://app.example.com";
const { rest, tenant } = await useRest({ ALLOWED_ORIGINS: ALLOWED });
const clients: Client[] = [];
afterAll(() => Promise.all(clients.map((client) => client.close())));

async function connect(token: string): Promise<Client> {
  const client = await connectMcp(rest.url, token);
  clients.push(client);
  return client;
}

const SPEAKS_MCP = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

/** A message as it is, from whoever has this token; null: nobody. */
const post = (
  body: unknown,
  headers: Record<string, string> = {},
  { at = rest, token = tenant.token }: { at?: Rest; token?: string | null } = {},
): Promise<Response> =>
  at.fetch("/mcp", {
    method: "POST",
    headers: {
      ...SPEAKS_MCP,
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const message = (method: string, params: object = {}) => ({
  jsonrpc: "2.0",
  id: 1,
  method,
  params,
});
const LIST = message("tools/list");

async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as { code: string; detail: string; requestId: string };
}

describe("the door", () => {
  test("asks for a token, and says so to who has none, a wrong one or one that has ended", async () => {
    const { token, keyId } = await keyOf(rest.sql, tenant);
    expect((await post(LIST, {}, { token })).status).toBe(200);
    const client = await connect(token);
    await rest.client(tenant.token).revokeKey({ params: { keyId } });
    for (const wrong of [null, "nonsense", "sk123.456", token]) {
      const response = await post(LIST, {}, { token: wrong });
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect((await problemOf(response)).code).toBe("unauthenticated");
    }
    await expect(client.listTools()).rejects.toThrow("unauthenticated");
    await expect(connectMcp(rest.url, token)).rejects.toThrow("unauthenticated");
  });

  test("keeps nothing: no session, no stream to be read, none to be ended", async () => {
    const response = await post(LIST);
    expect(response.headers.get("mcp-session-id")).toBeNull();
    expect(response.headers.get("x-request-id")).not.toBeNull();
    expect(response.headers.get("content-type")).toBe("application/json");
    for (const method of ["GET", "DELETE", "PUT"]) {
      const refused = await rest.fetch("/mcp", { method, headers: SPEAKS_MCP });
      expect([refused.status, refused.headers.get("allow")]).toEqual([405, "POST"]);
      expect((await problemOf(refused)).code).toBe("method_not_allowed");
    }
  });

  test("lets pages of listed origins and of its own in, and no others", async () => {
    for (const [origin, status, readBy] of [
      [ALLOWED, 200, ALLOWED],
      [rest.url, 200, null],
      ["https://evil.example.com", 403, null],
      ["null", 403, null],
    ] as const) {
      const { status: told, headers } = await post(LIST, { origin });
      expect([told, headers.get("access-control-allow-origin")]).toEqual([status, readBy]);
    }
    const question = await rest.fetch("/mcp", {
      method: "OPTIONS",
      headers: { origin: ALLOWED, "access-control-request-method": "POST" },
    });
    expect(question.headers.get("access-control-allow-origin")).toBe(ALLOWED);
    expect(question.headers.get("access-control-allow-headers")).toContain("mcp-protocol-version");
  });

  test("counts a message and the call in it as REST counts requests", async () => {
    const slow = await startRest({ REQUESTS_PER_SECOND_PER_PRINCIPAL: "1" });
    const { token } = await createTenant(slow.sql);
    const call = message("tools/call", { name: "who_am_i" });
    const told: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      const response = await post(call, {}, { at: slow, token });
      const text = await response.text();
      told.push(text.includes("too_many_requests") ? `${response.status} refused` : "done");
    }
    expect(new Set(told)).toEqual(new Set(["done", "429 refused"]));
    expect(told.indexOf("429 refused")).toBeLessThan(8);
    await slow.close();
  });
});

describe("hostile messages", () => {
  test.each([
    ["no JSON", "{", 400, "bad_request"],
    ["nothing", "", 400, "bad_request"],
    ["a batch", [LIST, LIST], 400, "bad_request"],
    [
      "a batch that takes its call back",
      [LIST, { ...message("notifications/cancelled", { requestId: 1 }), id: undefined }],
      400,
      "bad_request",
    ],
    ["a value", "7", 400, "bad_request"],
    ["too much", `"${"x".repeat(MAX_CONTENT_BYTES)}"`, 413, "too_large"],
  ])("%s is a problem document", async (_, body, status, code) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect((await problemOf(response)).code).toBe(code);
  });

  test.each([
    ["no JSON-RPC", { hello: 1 }, 400],
    ["another JSON-RPC", { ...LIST, jsonrpc: "1.0" }, 400],
    ["an id that is none", { ...LIST, id: {} }, 400],
    ["a method that is not there", message("resources/delete"), 200],
    ["a task", message("tools/call", { name: "search", task: { ttl: 1 } }), 200],
    ["a tool without a name", message("tools/call", { arguments: {} }), 200],
    ["arguments that are none", message("tools/call", { name: "search", arguments: [1] }), 200],
    ["a cursor that is none", message("resources/list", { cursor: 7 }), 200],
  ])("%s is an error of JSON-RPC", async (_, body, status) => {
    const response = await post(body);
    const { error } = (await response.json()) as { error: { code: number; message: string } };
    expect([response.status, typeof error.code]).toEqual([status, "number"]);
    expect(error.message).not.toMatch(/\bat .*\.[jt]s:/u);
  });

  test("an unknown version of the protocol, another media type and a client that takes no JSON are refused", async () => {
    expect((await post(LIST, { "mcp-protocol-version": "1999-01-01" })).status).toBe(400);
    expect((await post(LIST, { "content-type": "text/plain" })).status).toBe(415);
    expect((await post(LIST, { accept: "text/html" })).status).toBe(406);
  });

  test("what is nested deeper than can be written again is refused, and a prototype is nobody's", async () => {
    const client = await connect(tenant.token);
    const { documentId } = await tenant.document();
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    const many = Object.fromEntries(Array.from({ length: 9999 }, (_, index) => [`x${index}`, 0]));
    expect((await refusedBy(client, "who_am_i", many)).problem.errors).toHaveLength(20);
    const call = JSON.stringify(
      message("tools/call", { name: "comment", arguments: { documentId, content: "HERE" } }),
    );
    const response = await post(call.replace('"HERE"', deep));
    expect(await response.text()).toContain("bad_request: The arguments are nested too deep");
    const { text } = await refusedBy(
      client,
      "comment",
      JSON.parse(`{"documentId":"${documentId}","__proto__":{"markdown":"x"}}`),
    );
    expect(text).toMatch(/^bad_request: /u);
    expect((await client.ping()) && (await use(client, "who_am_i"))).toMatchObject({
      kind: "user",
    });
  });
});

test("two agents at a time get their own answers, whatever ids their messages have", async () => {
  const agents = await Promise.all(
    [1, 2].map(async () => {
      const agentId = await createAgent(rest.sql, tenant, "active");
      const scopes = ["docs:read" as const, "comments:write" as const];
      const { token } = await keyOf(rest.sql, tenant, { agentId, scopes, role: "reviewer" });
      return { agentId, client: await connect(token) };
    }),
  );
  const { documentId } = await tenant.document();
  await Promise.all(
    agents.flatMap(({ agentId, client }) =>
      Array.from({ length: 20 }, async (_, index) => {
        expect(await use(client, "who_am_i")).toMatchObject({ agentId });
        const given = { documentId, markdown: `${agentId} ${index}` };
        const thread = await use(client, "comment", { ...given, idempotencyKey: `same-${index}` });
        expect(thread).toMatchObject({ comments: [{ author: { agentId } }] });
      }),
    ),
  );
  const { body } = await rest
    .client(tenant.token)
    .listThreads({ params: { documentId }, query: { limit: 200 } });
  expect(body.threads).toHaveLength(40);
});
