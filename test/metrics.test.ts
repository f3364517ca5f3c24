import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterEach, expect, test } from "vitest";
import { ScriptoriumError } from "../schema/errors.ts";
import { measureUpkeep } from "../server/measured-upkeep.ts";
import { createMetrics } from "../server/metrics.ts";
import { isLoopback } from "../server/metrics-door.ts";
import type { Node } from "../server/node.ts";
import { tableUnder } from "./support/markdown.ts";
import { startTestNode } from "./support/node.ts";
import { startProxiedNode } from "./support/proxied-node.ts";
import { readIfPresent } from "./support/source-files.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";

const { database, tenant } = await useTenant();
const nodes: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
});

type TestNode = Awaited<ReturnType<typeof startTestNode>>;

async function startNode(environment: Record<string, string> = {}): Promise<TestNode> {
  const node = await startTestNode(database, environment);
  nodes.push(node);
  return node;
}

const ask = (node: Node, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${node.port}/metrics`, { headers });

/** Every sample by its name and labels, as Prometheus would read it. */
async function scrape(node: Node): Promise<Map<string, number>> {
  const text = await (await ask(node)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))] as const;
    }),
  );
}

function open(node: Pick<TestNode, "url">, name: string, token = tenant.token): HocuspocusProvider {
  const provider = new HocuspocusProvider({
    url: node.url,
    name,
    token,
    onAuthenticationFailed: () => provider.destroy(),
  });
  return provider;
}

test("docs/OPERATIONS.md lists every metric: its name, kind, labels and what it says", async () => {
  const metrics = createMetrics();
  metrics.watch({
    door: { connections: 0 },
    updateLog: { openDocuments: 0, heldAcknowledgements: 0, backlogBytes: 0, failingSinceMs: null },
  });
  const registered = await metrics.registry.getMetricsAsJSON();
  const labelsOf = new Map(
    metrics.registry
      .getMetricsAsArray()
      .map((metric) => [metric.name, (metric as { labelNames?: string[] }).labelNames ?? []]),
  );
  metrics.close();
  const documented = tableUnder(readIfPresent("docs/OPERATIONS.md") ?? "", "metric", "kind");
  expect(registered.length).toBeGreaterThan(20);
  const expected = registered.map(({ name, type, help }) => [
    name,
    // Its own .d.ts takes the kinds for numbers; they are words.
    String(type),
    (labelsOf.get(name) ?? []).join(", "),
    help,
  ]);
  const byName = (rows: string[][]) => rows.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  expect(byName(documented)).toEqual(byName(expected));
});

test("what people type is counted, from the socket to the commit", async () => {
  const node = await startNode({ PROJECT_AFTER_MS: "50" });
  const { name } = await tenant.document();
  const provider = open(node, name);
  await until(() => provider.synced);
  provider.document.getText("diagram").insert(0, "graph TD; A-->B");
  await until(() => !provider.hasUnsyncedChanges);
  const samples = await scrape(node);
  const value = (sample: string): number => samples.get(`scriptorium_${sample}`) ?? Number.NaN;

  expect(value("connections")).toBe(1);
  expect(value("documents_open")).toBe(1);
  expect(value("updates_received_total")).toBe(1);
  expect(value("updates_committed_total")).toBe(1);
  expect(value("rows_committed_total")).toBe(1);
  expect(value("updates_received_bytes_total")).toBe(value("rows_committed_bytes_total"));
  expect(value("rows_committed_bytes_total")).toBeGreaterThan(15);
  expect(value("commit_seconds_count")).toBe(1);
  expect(value('commit_statement_seconds_count{outcome="committed"}')).toBe(1);
  expect(value("commit_seconds_sum")).toBeGreaterThan(0);
  expect(value("commit_seconds_sum")).toBeLessThan(5);
  expect(value("acknowledgements_held")).toBe(0);
  expect(value("backlog_bytes")).toBe(0);
  expect(value("storage_failing_since_timestamp_seconds")).toBe(0);
  const projected = 'scriptorium_upkeep_seconds_count{task="projection",outcome="projected"}';
  await until(async () => (await scrape(node)).get(projected) === 1);

  provider.destroy();
  await until(async () => (await scrape(node)).get("scriptorium_connections") === 0);
});

test("what waits for a commit is told while it waits", async () => {
  const node = await startNode({ COMMIT_WINDOW_MS: "1500" });
  const { name } = await tenant.document();
  const provider = open(node, name);
  await until(() => provider.synced);
  provider.document.getText("diagram").insert(0, "A");
  await until(async () => (await scrape(node)).get("scriptorium_acknowledgements_held") === 1);
  expect((await scrape(node)).get("scriptorium_backlog_bytes")).toBeGreaterThan(128);
  await until(() => !provider.hasUnsyncedChanges);
  const samples = await scrape(node);
  expect(samples.get("scriptorium_backlog_bytes")).toBe(0);
  expect(samples.get("scriptorium_commit_seconds_sum")).toBeGreaterThan(1.4);
  provider.destroy();
});

test("commits that fail are counted, and since when they do", async () => {
  const proxied = await startProxiedNode(database);
  nodes.push(proxied);
  const { node, proxy, url } = proxied;
  const { name } = await tenant.document();
  const provider = open({ url }, name);
  await until(() => provider.synced);
  await proxy.refuse();
  const beforeSeconds = Date.now() / 1000;
  provider.document.getText("diagram").insert(0, "A");
  const since = async (): Promise<number> =>
    (await scrape(node)).get("scriptorium_storage_failing_since_timestamp_seconds") ?? 0;
  await until(async () => (await since()) > 0);
  expect((await since()) - beforeSeconds).toBeLessThan(10);
  await proxy.release();
  await until(() => !provider.hasUnsyncedChanges);
  const samples = await scrape(node);
  const statements = (outcome: string): number =>
    samples.get(`scriptorium_commit_statement_seconds_count{outcome="${outcome}"}`) ?? 0;
  expect(statements("failed")).toBeGreaterThan(0);
  expect(statements("committed")).toBe(1);
  await until(async () => (await since()) === 0);
  provider.destroy();
});

test("upkeep is measured by what came of it; a stop is no failure", async () => {
  const counted: string[] = [];
  const metrics = { upkeep: (task: string, outcome: string) => counted.push(`${task} ${outcome}`) };
  const compacted = {
    outcome: "compacted",
    rows: 1,
    beforeBytes: 1,
    afterBytes: 1,
    historyBytes: 1,
    version: null,
  } as const;
  const results = [
    Promise.resolve(compacted),
    Promise.reject(new ScriptoriumError("compaction_failed", "no proof")),
    Promise.reject(new ScriptoriumError("restarting", "Upkeep has stopped")),
  ];
  const thread = measureUpkeep(
    {
      compact: () => results.shift() ?? Promise.resolve(compacted),
      project: () =>
        Promise.resolve({ outcome: "current", seq: 1, hasEdits: false, rung: [], tookMs: 1 }),
      close: () => Promise.resolve(),
    },
    metrics,
  );
  const task = { documentId: randomUUID(), part: "content", versionIntervalMs: 0 } as const;
  expect(await thread.compact(task)).toBe(compacted);
  await expect(thread.compact(task)).rejects.toThrow("no proof");
  await expect(thread.compact(task)).rejects.toThrow("stopped");
  await thread.project(task.documentId);
  expect(counted).toEqual(["compaction compacted", "compaction failed", "projection current"]);
});

test("[A1] refusals and requests are counted by code and template, never by who or what", async () => {
  const node = await startNode();
  const { documentId, name } = await tenant.document();
  const secret = "a-token-that-nobody-ever-issued";
  const refused = [open(node, name, secret), open(node, `document:${tenant.userId}`)];
  await until(async () => (await refusals(node)) === 2);
  for (const provider of refused) provider.destroy();

  const api = `http://127.0.0.1:${node.port}/api/v1`;
  const headers = { authorization: `Bearer ${tenant.token}` };
  await fetch(`${api}/organizations/${tenant.organizationId}`, { headers });
  await fetch(`${api}/organizations/${documentId}?token=${secret}`, { headers });
  await fetch(`${api}/organizations/${tenant.organizationId}`, { method: "PUT", headers });
  await fetch(`${api}/${secret}`);
  await fetch(`${api}/organizations`, { method: "PROPFIND" });
  const text = await (await ask(node)).text();

  const route = "/api/v1/organizations/{organizationId}";
  for (const labels of [
    `route="${route}",method="GET",status="200"`,
    `route="${route}",method="GET",status="404"`,
    `route="${route}",method="PUT",status="405"`,
    `route="other",method="GET",status="404"`,
    `route="/api/v1/organizations",method="other",status="405"`,
  ]) {
    expect(text).toContain(`scriptorium_rest_requests_total{${labels}} 1\n`);
  }
  expect(text).toContain('scriptorium_sign_ins_refused_total{code="unauthenticated"} 1\n');
  expect(text).toContain('scriptorium_sign_ins_refused_total{code="document_not_found"} 1\n');
  const names = [secret, documentId, tenant.organizationId, tenant.userId, tenant.token];
  expect(names.filter((each) => text.includes(each))).toEqual([]);
});

async function refusals(node: Node): Promise<number> {
  const samples = await scrape(node);
  const counted = [...samples].filter(([name]) => name.includes("sign_ins_refused_total"));
  return counted.reduce((sum, [, count]) => sum + count, 0);
}

test("how late the event loop was is told once", async () => {
  const node = await startNode();
  await scrape(node);
  // The first sample after a scrape is where the next is measured from.
  await delay(60);
  const untilMs = performance.now() + 150;
  while (performance.now() < untilMs);
  const late = (await scrape(node)).get("nodejs_eventloop_delay_max_seconds");
  expect(late).toBeGreaterThan(0.1);
  const after = (await scrape(node)).get("nodejs_eventloop_delay_max_seconds");
  expect(after).toBeLessThan(late ?? 0);
});

test("without METRICS_TOKEN it answers this machine, and nobody behind a proxy", async () => {
  const node = await startNode();
  const local = await ask(node);
  expect(local.status).toBe(200);
  expect(local.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  for (const header of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
    const proxied = await ask(node, { [header]: "127.0.0.1" });
    expect(proxied.status).toBe(403);
    expect(await proxied.json()).toMatchObject({ code: "forbidden", status: 403 });
  }
});

test.each([
  ["127.0.0.1", true],
  ["127.8.9.10", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["10.0.0.1", false],
  ["::ffff:10.0.0.1", false],
  ["128.0.0.1", false],
  ["127.evil.example", false],
  ["fe80::1", false],
  ["", false],
])("isLoopback(%j) is %j", (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

test("with METRICS_TOKEN it answers whoever has it, and nobody else", async () => {
  const node = await startNode({ METRICS_TOKEN: "0123456789abcdef" });
  const answers = await Promise.all([
    ask(node),
    ask(node, { authorization: "Bearer 0123456789abcdeg" }),
    ask(node, { authorization: "0123456789abcdef" }),
    ask(node, { authorization: "Bearer 0123456789abcdef", "x-forwarded-for": "10.0.0.1" }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 200]);
  expect(await answers[0]?.json()).toMatchObject({ code: "unauthenticated" });
});
