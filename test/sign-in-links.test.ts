import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createUser } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import { forgetWhatIsOver } from "../persistence/forget.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";

let rest: Rest;
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest.close());

/** A user, and a link of his that is valid for so long, ms. */
async function linked(validMs = HOUR_MS): Promise<{ userId: string; link: string }> {
  const userId = await createUser(rest.sql, { email: `${randomUUID()}@x.test`, name: "Ann" });
  const expiresAt = new Date(Date.now() + validMs);
  return { userId, link: await createSignInLink(rest.sql, { userId, expiresAt }, SCRIPT) };
}

const spend = (link: string) => rest.client(null).createSession({ body: { link } });

test("a link signs in once: its token is a session of that person", async () => {
  const { userId, link } = await linked();
  const { body } = await spend(link);
  expect(body.user).toMatchObject({ id: userId, name: "Ann" });
  const me = (await rest.client(body.token).getMe()).body;
  expect(me).toMatchObject({ user: body.user, kind: "user", expiresAt: body.expiresAt });
  expect(await codeOf(spend(link))).toBe("unauthenticated");
});

test("of twenty who use a link at once, one is signed in", async () => {
  const { userId, link } = await linked();
  const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(spend(link))));
  expect(codes.filter((code) => code === null)).toHaveLength(1);
  expect(new Set(codes)).toEqual(new Set([null, "unauthenticated"]));
  const sessions = await rest.sql`select id from sessions where user_id = ${userId}`;
  expect(sessions).toHaveLength(1);
});

test("a used link, one that has expired and one that never was get the same answer", async () => {
  const [used, expired] = [await linked(), await linked(-1000)];
  await spend(used.link);
  const answers = await Promise.all(
    [used.link, expired.link, randomUUID()].map(async (link) => {
      const response = await rest.fetch("/api/v1/sessions", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ link }),
      });
      const problem = (await response.json()) as object;
      return { ...problem, requestId: "", headers: response.headers.get("www-authenticate") };
    }),
  );
  expect(answers[0]).toMatchObject({ status: 401, code: "unauthenticated" });
  expect(answers).toEqual([answers[0], answers[0], answers[0]]);
});

test("only hashes are kept: neither the link nor the session's token is in the database", async () => {
  const { userId, link } = await linked();
  const { token } = (await spend(link)).body;
  const [stored] = await rest.sql<{ text: string }[]>`
    select string_agg(l::text || s::text, '') as text
    from sign_in_links l join sessions s on s.user_id = l.user_id where l.user_id = ${userId}`;
  for (const secret of [link, token]) {
    expect(stored?.text).not.toContain(secret);
    expect(stored?.text).not.toContain(Buffer.from(secret).toString("hex"));
  }
});

test("links and sessions are forgotten a month after their end, not before", async () => {
  const DAY_MS = 24 * HOUR_MS;
  const [kept, over] = [await linked(-29 * DAY_MS), await linked(-31 * DAY_MS)];
  for (const { userId } of [kept, over]) {
    await rest.sql`
      insert into sessions (user_id, token_hash, expires_at)
      select user_id, token_hash, expires_at from sign_in_links where user_id = ${userId}`;
  }
  expect(await forgetWhatIsOver(rest.sql)).toBe(2);
  for (const [{ userId }, count] of [[kept, 1] as const, [over, 0] as const]) {
    expect(await rest.sql`select 1 from sign_in_links where user_id = ${userId}`).toHaveLength(
      count,
    );
    expect(await rest.sql`select 1 from sessions where user_id = ${userId}`).toHaveLength(count);
  }
});

describe("admin user link", () => {
  let own: TestDatabase;
  const email = "bob@example.com";

  beforeAll(async () => {
    own = await createTestDatabase();
    await createUser(own.sql, { email, name: "Bob" });
  });
  afterAll(() => own.close());

  type Answer = { url: string; expiresAt: string };
  const ask = (args: string[], env: Record<string, string> = {}) =>
    askAdmin<Answer>(["user", "link", ...args], { env: { ...own.env, ...env } });

  test("prints an address whose token stays behind the #, valid for a day", async () => {
    const { url, expiresAt } = await ask([email.toUpperCase()], { PORT: "9000" });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:9000\/sign-in#[\w-]{43}$/u);
    const hours = (Date.parse(expiresAt) - Date.now()) / HOUR_MS;
    expect(Math.round(hours)).toBe(24);
  });

  test("PUBLIC_URL is where people reach the server; --hours is how long it is valid", async () => {
    const env = { PUBLIC_URL: "https://docs.example.com/write/" };
    const { url, expiresAt } = await ask([email, "--hours", "2"], env);
    expect(url).toMatch(/^https:\/\/docs\.example\.com\/write\/sign-in#/u);
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / HOUR_MS)).toBe(2);
  });

  test("a port that nobody can know is one clear sentence", async () => {
    const { code, stderr } = await runAdmin(["user", "link", email], {
      env: { ...own.env, PORT: "0" },
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining("set PUBLIC_URL")]);
  });

  test("signing somebody out ends his unused links too", async () => {
    const userId = await createUser(own.sql, { email: "eve@example.com", name: "Eve" });
    await ask(["eve@example.com"]);
    const run = ["user", "sign-out", "eve@example.com"];
    expect(await askAdmin(run, { env: own.env })).toMatchObject({ ended: 0, links: 1 });
    const live = await own.sql`
      select 1 from sign_in_links where user_id = ${userId} and used_at is null`;
    expect(live).toHaveLength(0);
  });
});
