import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCRIPT } from "../persistence/activities.ts";
import { createSession } from "../persistence/accounts.ts";
import { MAX_BODY_BYTES } from "../schema/api/contract.ts";
import type { CallerName } from "./support/api-callers.ts";
import { openDoor, type Door, type DoorAnswer, type DoorRequest } from "./support/api-door.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import {
  partsFor,
  requestOf,
  ROUTE_ROWS,
  signedBy,
  type Parts,
  type RouteRow,
} from "./support/api-fixtures.ts";
import { shows } from "./support/api-matrix.ts";
import { createWorlds, JWT_ENVIRONMENT, type Caller, type World } from "./support/api-world.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { nightly } from "./support/size.ts";
import { startTestNode } from "./support/node.ts";

/** Some who have signed in and have no part in the other tenant. */
const STRANGERS: readonly CallerName[] = nightly
  ? ["admin", "viewer", "key admin", "jwt member", "outsider"]
  : ["admin", "key admin"];

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let door: Door;
let world: World;
/** Somebody who may do everything in the other tenant. */
let founder: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database, JWT_ENVIRONMENT);
  door = openDoor(node.port);
  const newWorld = await createWorlds(database.sql);
  world = await newWorld([...STRANGERS, "outsider"]);
  const userId = world.foreign.founderId;
  const expiresAt = new Date(Date.now() + 3_600_000);
  const { token } = await createSession(database.sql, { userId, expiresAt }, SCRIPT);
  founder = { ...world.caller("outsider"), userId, token };
});
afterAll(async () => {
  door.close();
  await node.close();
  await database.close();
});

/** One way to ask for a place. */
type Question = {
  readonly name: string;
  readonly change?: (parts: Parts) => Parts;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly method?: string;
};

/** What a stranger could try to learn something by. `etag`, `key` and `cursor` are those of the tenant itself. */
const questionsFor = (etag: string, cursor: string): Question[] => [
  { name: "as it should be" },
  { name: "with a body that is no JSON", change: (parts) => ({ ...parts, body: "{" }) },
  { name: "with a body of nothing", change: (parts) => ({ ...parts, body: {} }) },
  {
    name: "with too large a body",
    change: (parts) => ({ ...parts, body: "x".repeat(MAX_BODY_BYTES + 1) }),
  },
  { name: "with another media type", headers: { "content-type": "text/x-nothing" } },
  { name: "if it has this ETag", headers: { "if-match": etag } },
  { name: "if it has no such ETag", headers: { "if-match": '"no-such-etag"' } },
  { name: "without If-Match", headers: { "if-match": null } },
  { name: "unless it has this ETag", headers: { "if-none-match": etag } },
  { name: "with the tenant's Idempotency-Key", headers: { "idempotency-key": "the-tenants" } },
  { name: "with an Idempotency-Key that is none", headers: { "idempotency-key": "a b" } },
  { name: "with the tenant's cursor", change: (parts) => ({ ...parts, query: { cursor } }) },
  { name: "with a limit that is none", change: (parts) => ({ ...parts, query: { limit: "-1" } }) },
  { name: "in another format", change: (parts) => ({ ...parts, query: { format: "html" } }) },
  { name: "by HEAD", method: "HEAD" },
  { name: "by another method", method: "OPTIONS" },
];

const ask = (
  row: RouteRow,
  caller: Caller,
  parts: Parts,
  { change = (same) => same, headers = {}, method }: Question,
): Promise<DoorAnswer> => {
  const request = requestOf(row, change(parts), { ...signedBy(caller), ...headers });
  const { body, ...bodiless } = request;
  const isHead = method === "HEAD";
  const sent: DoorRequest = isHead || body === undefined ? bodiless : request;
  return door.send({ ...sent, method: method ?? request.method });
};

/** A cursor as the server makes them. */
const cursorOf = (...position: readonly string[]): string =>
  Buffer.from(JSON.stringify(position)).toString("base64url");

/** An answer without what differs between any two requests, and without what was sent along. */
function learnt({ status, headers, text }: DoorAnswer, parts: Parts): unknown {
  const { "x-request-id": requestId = "" } = headers;
  const others = Object.entries(headers).filter(
    ([name]) => !["x-request-id", "date"].includes(name),
  );
  const sent = [requestId, ...Object.values(parts.params)].filter((each) => each !== "");
  const plain = sent.reduce((rest, each) => rest.replaceAll(each, "…"), text);
  return { status, headers: others, text: plain };
}

/** The same request for a place that was never made. */
const nowhere = ({ access }: RouteRow["contract"], parts: Parts): Parts => ({
  ...parts,
  params: Object.fromEntries(
    Object.entries(parts.params).map(([name, value]) => [
      name,
      access.who === "right" && name !== access.in ? value : randomUUID(),
    ]),
  ),
});

const ROWS = ROUTE_ROWS.filter(({ contract: { access } }) => access.who === "right");

describe.each(ROWS)("$title", (row) => {
  test("[A1 T47] nothing tells a place of another tenant from one that was never made", async () => {
    const parts = partsFor(row, { tenancy: world.foreign, caller: founder });
    const before = await fingerprintOf(database.sql, world.foreign);
    // Reading alone, so that the tenant stays as it is; a writer's ETag is that of what it writes.
    const reader = ROUTE_ROWS.find(
      ({ contract, level }) =>
        contract.method === "get" && contract.path === row.contract.path && level === row.level,
    );
    const own =
      reader === undefined
        ? null
        : await ask(reader, founder, { ...parts, body: undefined }, { name: "own" });
    const cursor = cursorOf("name", "a", world.foreign.documentId);
    const differences: unknown[] = [];
    for (const question of questionsFor(own?.headers["etag"] ?? '"1"', cursor)) {
      for (const name of STRANGERS) {
        const missing = nowhere(row.contract, parts);
        const caller = world.caller(name);
        const answers = await Promise.all([
          ask(row, caller, parts, question),
          ask(row, caller, missing, question),
        ]);
        const [there, never] = [learnt(answers[0], parts), learnt(answers[1], missing)];
        if (JSON.stringify(there) !== JSON.stringify(never)) {
          differences.push({ question: question.name, caller: name, there, never });
        }
        if (answers.some(({ status }) => status < 400 && question.method !== "OPTIONS")) {
          differences.push({ question: question.name, caller: name, there });
        }
      }
    }
    expect(differences).toEqual([]);
    expect(await fingerprintOf(database.sql, world.foreign)).toBe(before);
  });
});

const LISTS = ROUTE_ROWS.filter(({ contract }) => "cursor" in (contract.query?.shape ?? {}));

describe.each(LISTS)("$title", (row) => {
  test("[A1 T47] a cursor of another tenant's list shows nothing of it", async () => {
    const query = { limit: "1" };
    const listOf = (
      caller: Caller,
      tenancy: World["own"],
      cursor?: string,
    ): Promise<DoorAnswer> => {
      const parts = partsFor(row, { tenancy, caller });
      const asked = { ...parts, query: cursor === undefined ? query : { ...query, cursor } };
      return ask(row, caller, asked, { name: "a page" });
    };
    const foreign = await listOf(founder, world.foreign);
    const cursor =
      /"nextCursor":"(?<cursor>[\w-]+)"/u.exec(foreign.text)?.groups?.["cursor"] ??
      cursorOf("name", "a", world.foreign.documentId);
    const answer = await listOf(world.caller("admin"), world.own, cursor);
    expect([200, 400]).toContain(answer.status);
    expect(shows(answer.text, world.foreign, [])).toBe(false);
  });
});

const MAKERS = ROUTE_ROWS.filter(({ contract }) => contract.idempotent === true);

describe.each(MAKERS)("$title", (row) => {
  test("[A1 T47] an Idempotency-Key is its holder's: another tenant's same key makes its own", async () => {
    const headers = { "idempotency-key": `shared-${row.title.replaceAll(/\W/gu, "-")}` };
    const question = { name: "the same key", headers };
    const foreign = partsFor(row, { tenancy: world.foreign, caller: founder });
    const admin = world.caller("admin");
    const own = partsFor(row, { tenancy: world.own, caller: admin });
    const theirs = await ask(row, founder, foreign, question);
    expect(theirs.status).toBe(row.contract.answer.status);
    const ours = await ask(row, admin, own, question);
    expect(ours.status).toBe(row.contract.answer.status);
    expect(shows(ours.text, world.foreign, [])).toBe(false);
    expect(shows(JSON.stringify(ours.headers), world.foreign, [])).toBe(false);
    const [a, b] = [theirs, ours].map(({ text }) => /"id":"(?<id>[\da-f-]{36})"/u.exec(text)?.[1]);
    expect(a === undefined || a !== b).toBe(true);
  });
});
