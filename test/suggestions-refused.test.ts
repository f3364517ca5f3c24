import { randomUUID } from "node:crypto";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { expect, test } from "vitest";
import { documentName } from "../schema/ids.ts";
import { codeOf, useRest } from "./support/rest.ts";
import { createAgent, keyOf } from "./support/roles.ts";
import { callOnSocket } from "./support/socket-call.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);
const agentId = await createAgent(rest.sql, tenant, "active");
const { token: key } = await keyOf(rest.sql, tenant, {
  agentId,
  scopes: ["docs:read", "docs:write", "suggestions:write"],
});
const agent = rest.client(key);

async function newDocument(): Promise<{ documentId: string }> {
  const { body } = await owner.createDocument({
    params: { projectId: tenant.projectId },
    body: { title: "Animals", type: "feature_requirements", markdown: "The quick cat." },
  });
  return { documentId: body.id };
}

async function suggested() {
  const params = await newDocument();
  const { body } = await agent.createSuggestion({ params, body: { content: "The quick dog." } });
  return { ...params, suggestionId: body.id };
}

test("[S6] an agent decides nothing on a socket either", async () => {
  const { documentId, suggestionId } = await suggested();
  const url = `${rest.url.replace("http", "ws")}/collaboration`;
  const name = documentName(documentId, "content");
  const provider = new HocuspocusProvider({ url, name, token: key });
  await until(() => provider.isSynced);
  for (const call of ["acceptSuggestion", "rejectSuggestion", "takeBackSuggestion"]) {
    const params = { suggestionId };
    const { status, body } = await callOnSocket(provider, { call, params, body: {} });
    expect([call, status, body?.["code"]]).toEqual([call, 403, "forbidden"]);
  }
  provider.destroy();
  const { body } = await owner.getSuggestion({ params: { documentId, suggestionId } });
  expect(body.status).toBe("pending");
});

test("who asked for it is somebody of the organization, or nobody is told from nobody", async () => {
  const params = await newDocument();
  const foreign = await createTenant(rest.sql);
  const body = { content: "The slow cat." };
  for (const promptedBy of [foreign.userId, randomUUID()]) {
    const made = agent.createSuggestion({ params, body: { ...body, promptedBy } });
    expect(await codeOf(made)).toBe("unknown_target");
  }
  const { body: made } = await agent.createSuggestion({
    params,
    body: { ...body, promptedBy: tenant.userId },
  });
  expect(made.promptedBy).toBe(tenant.userId);
});

test("a text that turns out to be broken when it is decided upon is refused at once", async () => {
  for (const decide of [
    owner.acceptSuggestion,
    owner.rejectSuggestion,
    owner.takeBackSuggestion,
  ] as const) {
    const params = await suggested();
    // Nobody has loaded it since, so it is not marked.
    await rest.sql`
      update yjs_updates set update_data = ${Uint8Array.of(255, 255)}
      where document_id = ${params.documentId} and part = 'content'`;
    const startedMs = performance.now();
    expect(await codeOf(decide({ params, body: {} }))).toBe("document_quarantined");
    // Two connections that wait for each other are cut after 10 s.
    expect(performance.now() - startedMs).toBeLessThan(5000);
  }
});
