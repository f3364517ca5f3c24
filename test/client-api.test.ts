import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { ApiError, createApiClient, type ApiClient } from "../client/index.ts";
import { createUser } from "../persistence/accounts.ts";
import type { Route, Tag } from "../schema/api/contract.ts";
import { api } from "../schema/api/index.ts";
import { startRest, type Rest } from "./support/rest.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";

let rest: Rest;
let tenant: Tenant;
let client: ApiClient;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
  client = checked(rest.client(tenant.token));
});
afterAll(() => rest.close());

type LooseClient = Record<string, (...given: unknown[]) => Promise<{ readonly body: unknown }>>;

/** The client, and every answer in JSON is held against the contract. */
function checked(plain: ApiClient): ApiClient {
  const loose = plain as unknown as LooseClient;
  const names = Object.entries<Route>(api).map(([name, { answer }]) => [
    name,
    async (...given: unknown[]) => {
      const reply = await loose[name]?.(...given);
      if (reply?.body !== undefined) answer.body?.parse(reply.body);
      return reply;
    },
  ]);
  return Object.fromEntries(names) as ApiClient;
}

const slug = () => `s-${randomUUID()}`;
const inOrganization = () => ({ params: { organizationId: tenant.organizationId } });
const inProject = () => ({ params: { projectId: tenant.projectId } });

/** A happy path through each area of the API, as a program of somebody's would go it. */
const WALKS: Readonly<Record<Tag, () => Promise<void>>> = {
  "Sign-in": async () => {
    await client.updateMe({ body: { name: "Ada" } });
    expect((await client.getMe()).body.user.name).toBe("Ada");
    expect((await client.listSessions({ query: { limit: 1 } })).body.sessions).toHaveLength(1);
  },
  Organizations: async () => {
    const { body: made } = await client.createOrganization({ body: { name: "A", slug: slug() } });
    const params = { organizationId: made.id };
    const { etag } = await client.getOrganization({ params });
    const ifMatch = etag ?? "";
    const renamed = await client.updateOrganization({ params, body: { name: "B" } }, { ifMatch });
    expect(renamed.body.name).toBe("B");
    const email = `${randomUUID()}@example.com`;
    const userId = await createUser(rest.sql, { email, name: "Bob" });
    await client.addMember({ params, body: { email, role: "member" } });
    expect((await client.listMembers({ params })).body.members).toHaveLength(2);
    await client.removeMember({ params: { ...params, userId } });
    await client.deleteOrganization({ params });
  },
  Projects: async () => {
    const body = { name: "P", slug: slug() };
    const { body: made } = await client.createProject({ ...inOrganization(), body });
    const params = { projectId: made.id };
    await client.updateProject({ params, body: { description: "What for" } });
    expect((await client.getProject({ params })).body.description).toBe("What for");
    const { body: list } = await client.listProjects({ query: { limit: 200 } });
    expect(list.projects.map(({ id }) => id)).toContain(made.id);
  },
  Features: async () => {
    const body = { name: "F", slug: slug() };
    const { body: made } = await client.createFeature({ ...inProject(), body });
    const params = { featureId: made.id };
    expect((await client.getFeature({ params })).body.name).toBe("F");
    await client.deleteFeature({ params });
  },
  Discussions: async () => {
    const body = { title: "D", type: "feature_requirements" as const, markdown: "Some words" };
    const { body: made } = await client.createDocument({ ...inProject(), body });
    const params = { documentId: made.id };
    const anchor = { quote: "words" };
    const { body: thread } = await client.createThread({
      params,
      body: { markdown: "Which **ones**?", anchor },
    });
    const inThread = { ...params, threadId: thread.id };
    await client.createReply({ params: inThread, body: { markdown: "These" } });
    await client.addReaction({ params: { ...params, commentId: thread.id, emoji: "👍" } });
    await client.resolveThread({ params: inThread });
    const { body: list } = await client.listThreads({ params, query: { status: "resolved" } });
    expect(list.threads.map(({ id, replyCount }) => [id, replyCount])).toEqual([[thread.id, 1]]);
  },
  Suggestions: async () => {
    const { body: made } = await client.createDocument({
      ...inProject(),
      body: { type: "product_overview", title: "S", markdown: "The quick cat." },
    });
    const params = { documentId: made.id };
    const content = "The quick dog.";
    const { body: suggested } = await client.createSuggestion({ params, body: { content } });
    const { body: list } = await client.listSuggestions({ params });
    expect(list.suggestions.map(({ id }) => id)).toEqual([suggested.id]);
    const { body: done } = await client.acceptSuggestion({
      params: { ...params, suggestionId: suggested.id },
      body: {},
    });
    expect(done.suggestion.status).toBe("accepted");
    const { text } = await client.getContent({ params, query: { format: "markdown" } });
    expect(text).toBe("The quick dog.\n");
  },
  Activity: async () => {
    const params = { documentId: (await tenant.document()).documentId };
    await client.updateDocument({ params, body: { title: "Renamed" } });
    const { body: feed } = await client.listDocumentActivities({ params });
    expect(feed.activities.map(({ action }) => action)).toEqual(["renamed", "created"]);
    const { body: project } = await client.listProjectActivities({
      ...inProject(),
      query: { after: feed.position },
    });
    expect(project.activities).toEqual([]);
  },
  Search: async () => {
    const { documentId } = await tenant.document({ title: "Zebra crossing" });
    const { body: found } = await client.search({ query: { q: "zebras" } });
    expect(found.results.map((each) => each.documentId)).toEqual([documentId]);
  },
  Documents: async () => {
    const body = { title: "D", type: "feature_requirements" as const, markdown: "# Hello" };
    const idempotencyKey = randomUUID();
    const { body: made } = await client.createDocument(
      { ...inProject(), body },
      { idempotencyKey },
    );
    const again = await client.createDocument({ ...inProject(), body }, { idempotencyKey });
    expect(again.body.id).toBe(made.id);
    const { body: list } = await client.listDocuments({ ...inProject(), query: { q: "d" } });
    expect(list.documents.map(({ id }) => id)).toEqual([made.id]);
    const params = { documentId: made.id };
    await client.deleteDocument({ params });
    await client.restoreDocument({ params });
    expect((await client.getDocument({ params })).body.deletedAt).toBeNull();
  },
  Content: async () => {
    const params = { documentId: (await tenant.document()).documentId };
    const { etag } = await client.getContent({ params });
    const ifMatch = etag ?? "";
    const put = await client.putContent({ params, body: "# Hello\n" }, { ifMatch });
    expect(put.body.changed).toBe(true);
    const markdown = await client.getContent({ params, query: { format: "markdown" } });
    expectTypeOf(markdown.text).toEqualTypeOf<string>();
    expect(markdown.text.trim()).toBe("# Hello");
    const { body } = await client.getContent({ params });
    expect(JSON.stringify(body.content)).toContain("Hello");
    const again = await client.putContent(
      { params, body: { content: body.content } },
      { ifMatch: "*" },
    );
    expect(again.body.changed).toBe(false);
    expect((await client.listPresence({ params })).body.participants).toEqual([]);
  },
  Versions: async () => {
    const { documentId } = await tenant.document();
    const params = { documentId };
    const { body: made } = await client.createVersion({ params, body: { name: "First" } });
    const { body: list } = await client.listVersions({ params });
    expect(list.versions).toEqual([made]);
    const read = await client.getVersion({ params: { documentId, number: made.number } });
    expect(read.body).toMatchObject({ documentId, name: "First" });
  },
  Inbox: async () => {
    const { body: settings } = await client.putInboxSettings({ body: { suggestion: false } });
    expect((await client.getInboxSettings()).body).toEqual(settings);
    expect((await client.listNotifications({ query: { unread: "true" } })).body).toEqual({
      notifications: [],
      nextCursor: null,
    });
    const { body: unread } = await client.readAllNotifications({ body: { position: 0 } });
    expect((await client.countUnread()).body).toEqual(unread);
    const { events } = await client.streamInbox();
    for await (const { event, body } of events) {
      expect([event, body]).toEqual(["unread", unread]);
      break;
    }
  },
  "Agents and keys": async () => {
    const body = { agentCode: slug(), name: "Writer", roleTitle: "Writer" };
    const { body: agent } = await client.createProjectAgent({ ...inProject(), body });
    const agentId = agent.id;
    await client.updateAgent({ params: { agentId }, body: { status: "probation" } });
    const scopes = ["docs:read", "suggestions:write"] as const;
    const { body: key } = await client.createKey({
      ...inOrganization(),
      body: { name: "K", role: "reviewer", scopes: [...scopes], agentId },
    });
    const { body: seen } = await rest.client(key.token).getMe();
    expect(seen).toMatchObject({ agentId, scopes });
    await client.deleteAgent({ params: { agentId } });
  },
};

describe("an area from end to end:", () => {
  for (const tag of new Set(Object.values<Route>(api).map((each) => each.tag))) {
    test(tag, async () => {
      await expect(WALKS[tag]()).resolves.toBeUndefined();
    });
  }
});

test.each(Object.entries<Route>(api))("%s reaches its route", async (name, contract) => {
  const ids = [...contract.path.matchAll(/\{(\w+)\}/gu)].map(([, id]) => [id, randomUUID()]);
  const body = contract.body === undefined && contract.textBody === undefined ? {} : { body: {} };
  const call = { params: Object.fromEntries(ids), ...body };
  const loose = rest.client(null) as unknown as LooseClient;
  const refusal: unknown = await loose[name]?.(call).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ApiError);
  const { code } = (refusal as ApiError).problem;
  expect(code).toBe(contract.access.who === "anyone" ? "bad_request" : "unauthenticated");
});

describe("the client", () => {
  test("takes an address with a slash at its end", async () => {
    const slashed = createApiClient({ url: `${rest.url}/`, token: () => tenant.token });
    expect((await slashed.getMe()).body.user.id).toBe(tenant.userId);
  });

  test("asks for the token with each call", async () => {
    let token: string | null = null;
    const changing = createApiClient({ url: rest.url, token: () => token });
    await expect(changing.getMe()).rejects.toThrow(ApiError);
    token = tenant.token;
    await expect(changing.getMe()).resolves.toBeDefined();
  });

  test("throws the problem document, with what is wrong part by part", async () => {
    const error: unknown = await client
      .createOrganization({ body: { name: "", slug: "Not A Slug" } })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    const { problem } = error as ApiError;
    expect(problem).toMatchObject({ status: 400, code: "bad_request" });
    expect(problem.errors?.map(({ at }) => at)).toEqual(["body.name", "body.slug"]);
  });

  test("can be stopped as a whole and call by call", async () => {
    const stopped = AbortSignal.abort();
    const whole = createApiClient({ url: rest.url, token: () => null, signal: stopped });
    await expect(whole.getMe()).rejects.toThrow(/abort/u);
    await expect(client.getMe({}, { signal: stopped })).rejects.toThrow(/abort/u);
  });
});

type BodyOf<Call> = Call extends (call: infer C, ...more: never[]) => unknown
  ? C extends { readonly body: infer B }
    ? B
    : never
  : never;

test("a call that does not fit the contract does not compile", () => {
  expectTypeOf<{ name: "A"; slug: "a" }>().toExtend<BodyOf<ApiClient["createOrganization"]>>();
  expectTypeOf<{ name: "A" }>().not.toExtend<BodyOf<ApiClient["createOrganization"]>>();
  expectTypeOf<{ name: 1; slug: "a" }>().not.toExtend<BodyOf<ApiClient["createOrganization"]>>();
  type NewKey = BodyOf<ApiClient["createKey"]>;
  expectTypeOf<{ name: "K"; role: "viewer"; scopes: ["admin"] }>().toExtend<NewKey>();
  expectTypeOf<{ name: "K"; role: "admin"; scopes: ["admin"] }>().not.toExtend<NewKey>();
  expectTypeOf<{ name: "K"; role: "viewer"; scopes: ["all"] }>().not.toExtend<NewKey>();
  expectTypeOf<Parameters<ApiClient["getAgent"]>>().not.toExtend<[]>();
  expectTypeOf<[]>().toExtend<Parameters<ApiClient["getMe"]>>();
  expectTypeOf<[]>().not.toExtend<Parameters<ApiClient["getAgent"]>>();
  expectTypeOf<[{ params: { keyId: string } }]>().not.toExtend<Parameters<ApiClient["getAgent"]>>();
  type Listed = NonNullable<Parameters<ApiClient["listProjects"]>[0]>;
  expectTypeOf<{ query: { limit: 5 } }>().toExtend<Listed>();
  expectTypeOf<{ query: { limit: "many" } }>().not.toExtend<Listed>();
  type Made = Awaited<ReturnType<ApiClient["createKey"]>>["body"];
  expectTypeOf<Made["token"]>().toEqualTypeOf<string | null>();
  expect(Object.keys(client)).toEqual(Object.keys(api));
});
